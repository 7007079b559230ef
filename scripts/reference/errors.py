"""
The catalogue of errors, a heading for each code.
"""

from collections.abc import Iterator

from scripts.reference.markdown import code, table
from watchword.server.web.docs.catalogue import Error, Group, by_code, groups, pieces


def errors() -> str:
    """
    Write all groups.
    """
    return "\n".join(line for group in groups() for line in _group(group))


def _group(group: Group) -> Iterator[str]:
    yield f"## {group.title}\n"
    yield f"{_prose(group.about)}\n"
    for error in group.errors:
        yield from _error(error)


def _error(error: Error) -> Iterator[str]:
    yield f"### {code(error.code)}\n"
    statuses = " or ".join(map(str, error.status)) if len(error.status) < 3 else ", ".join(map(str, error.status))
    says = f" “{_prose(error.says)}”." if error.says else ""
    yield f"**{statuses}.**{says} {_prose(error.happened)}\n"
    yield from (f"- {_prose(step)}" for step in error.do)
    yield ""
    if error.cases:
        yield table([_prose(error.told_by), "what happened", "what to do"], _cases(error))
    if error.see:
        yield f"See {', '.join(f'[{title}]({_place(place)})' for title, place in error.see.items())}.\n"


def _cases(error: Error) -> Iterator[list[str]]:
    for case in error.cases:
        status = f"{case.status}. " if case.status else ""
        yield [case.says, status + _prose(case.happened), _prose(case.do)]


def _prose(text: str) -> str:
    return "".join(_linked(piece) if is_code else piece for piece, is_code in pieces(text))


def _linked(word: str) -> str:
    return f"[{code(word)}](#{word.replace('.', '')})" if word in by_code() else code(word)


def _place(place: str) -> str:
    return place.removeprefix("reference/errors.md") if place.startswith("reference/errors.md") else f"../{place}"
