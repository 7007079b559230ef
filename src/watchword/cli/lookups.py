"""
From what people call a thing to its id.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from watchword.cli.api import segment
from watchword.cli.failures import MISUSED, NOT_FOUND, Failure
from watchword.cli.rows import Record, Reference

if TYPE_CHECKING:
    from watchword.cli.api import Api

_MOST_NAMED = 20


async def find_id(api: "Api", reference: Reference, text: str, known: Mapping[str, str]) -> str:
    """
    Find the id of the thing that has this id, or this name of its own.

    Args:
        known: Ids of what stands before it, by placeholder.

    Raises:
        Failure: There is none, or there are several of the name.
    """
    wanted = segment(text, reference.noun)
    candidates = await _candidates(api, reference, text, known)
    if any(candidate["id"] == text for candidate in candidates):
        return text
    named = [candidate for candidate in candidates if _is_called(candidate, reference, text)]
    if len(named) > 1:
        ids = ", ".join(_described(candidate) for candidate in named[:_MOST_NAMED])
        raise Failure(f"{text} is the name of several: give the id instead, one of {ids}", code=MISUSED)
    if named:
        return str(named[0]["id"])
    # Some are in no list, but can be read all the same.
    if reference.searchable and await api.find(f"{reference.path}/{wanted}") is not None:
        return text
    if reference.lenient:
        return text
    raise Failure(
        f"there is no {reference.noun} {text}: `watchword {reference.listed_by}` shows what there is", code=NOT_FOUND
    )


async def _candidates(api: "Api", reference: Reference, text: str, known: Mapping[str, str]) -> list[Record]:
    if reference.searchable:
        names = {f"search.{member}": text for member in ("id", *reference.named_by)}
        return (await api.list(reference.path, {"mode": "exact", **names}, _MOST_NAMED + 1)).records
    path = reference.path.format(**{name: segment(value, name) for name, value in known.items()})
    if reference.inside is None:
        return (await api.list(path, {})).records
    outer = (await api.list(path, {"includeScopes": "true"})).records
    return [
        {**record, "of": thing.get("indicator")}
        for thing in outer
        if known.get("resource") in {None, thing["id"]}
        for record in thing[reference.inside]
    ]


def _is_called(candidate: Record, reference: Reference, text: str) -> bool:
    # E-mail addresses are the same whatever their case; all other names are compared exactly.
    names = {member: candidate.get(member) for member in reference.named_by}
    return any(
        isinstance(name, str) and (name == text or (member == "primaryEmail" and name.lower() == text.lower()))
        for member, name in names.items()
    )


def _described(candidate: Record) -> str:
    return f"{candidate['id']} (of {candidate['of']})" if "of" in candidate else str(candidate["id"])
