"""
What a list is searched for: the `search`, `mode`, `joint` and `isCaseSensitive` parameters, as one value.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from watchword.server.domain.problems import Problem, invalid_input

LONGEST_PATTERN = 256
LONGEST_LIKE = 10_000
DOTTED_I = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
_TRUE = frozenset({"1", "true", "y", "yes", "yep", "yeah"})


class Mode(StrEnum):
    """
    How a value is compared.
    """

    EXACT = "exact"
    LIKE = "like"
    SIMILAR_TO = "similar_to"
    POSIX = "posix"


class Joint(StrEnum):
    """
    How the groups of a search go together.
    """

    OR = "or"
    AND = "and"


class Match(msgspec.Struct, frozen=True):
    """
    One field compared with one or more values; any of them will do.
    """

    field: str
    mode: Mode
    values: tuple[str, ...]


class Search(msgspec.Struct, frozen=True):
    """
    Groups of matches: a group holds where any of its matches does.
    """

    groups: tuple[tuple[Match, ...], ...] = ()
    joint: Joint = Joint.OR
    case_sensitive: bool = False


NO_SEARCH = Search()


def fold_case(text: str) -> str:
    """
    Return a text as it is compared where letter case does not count: letter for letter, so that no length changes.

    Alone among letters, I with a dot has no single small one, and stays; the two small sigmas are one.
    """
    return DOTTED_I.join(part.lower() for part in text.split(DOTTED_I)).replace(
        "\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}"
    )


def is_true(value: str | None) -> bool:
    """
    Read a query flag.
    """
    return value is not None and value.lower() in _TRUE


def unescape(pattern: str, *, literal: str = "") -> list[tuple[str, bool]]:
    """
    Split a LIKE pattern into characters, each with whether it stands for itself.

    Args:
        literal: Characters that stand for themselves without a backslash too.
    """
    characters: list[tuple[str, bool]] = []
    escaped = False
    for character in pattern:
        if character == "\\" and not escaped:
            escaped = True
            continue
        characters.append((character, escaped or character in literal))
        escaped = False
    return characters


def parse_search(query: Mapping[str, Sequence[str]], fields: Sequence[str]) -> Search:
    """
    Read the search parameters of a list.

    Args:
        query: All values by parameter name.
        fields: Columns that may be searched, in snake_case.

    Raises:
        Problem: `request.invalid_input` (400): unknown field, mode or joint, an empty value, more than one value where
            the mode takes one, `similar_to` without case sensitivity, or a pattern over 256 characters (10,000 in
            mode `like`).
    """
    case_sensitive = is_true(_last(query, "isCaseSensitive"))
    joint = _joint(_last(query, "joint") or _last(query, "jointMode"))
    modes = _modes(query, fields)
    default = modes.get("", Mode.LIKE)
    groups = []
    for name, values in query.items():
        if name == "search":
            group = [Match(field, modes.get(field, default), tuple(values)) for field in fields]
        elif name.startswith("search."):
            field = _field(name.removeprefix("search."), fields)
            group = [Match(field, modes.get(field, default), tuple(values))]
        else:
            continue
        for match in group:
            _check(match, case_sensitive=case_sensitive)
        groups.append(tuple(group))
    return Search(tuple(groups), joint, case_sensitive)


def _last(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = query.get(name)
    return values[-1] if values else None


def _joint(value: str | None) -> Joint:
    if value is None:
        return Joint.OR
    if value not in set(Joint):
        raise _invalid(f"Search joint mode `{value}` is not valid, expect one of {_list(Joint)}.")
    return Joint(value)


def _modes(query: Mapping[str, Sequence[str]], fields: Sequence[str]) -> dict[str, Mode]:
    modes = {}
    for name, values in query.items():
        if name != "mode" and not name.startswith("mode."):
            continue
        field = "" if name == "mode" else _field(name.removeprefix("mode."), fields)
        if len(values) != 1 or values[0] not in set(Mode):
            whose = f" for field `{field}`" if field else ""
            raise _invalid(f"Search match mode `{values[-1]}`{whose} is not valid, expect one of {_list(Mode)}.")
        modes[field] = Mode(values[0])
    return modes


def _field(name: str, fields: Sequence[str]) -> str:
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    if snake not in fields:
        raise _invalid(f"Search field `{name}` is not valid, expect one of {', '.join(fields)}.")
    return snake


def _check(match: Match, *, case_sensitive: bool) -> None:
    if not all(match.values):
        raise _invalid("Search value cannot be empty.")
    if len(match.values) > 1 and match.mode is not Mode.EXACT:
        raise _invalid(f"Only one search value is allowed for field `{match.field}` unless the mode is `exact`.")
    if match.mode is Mode.SIMILAR_TO and not case_sensitive:
        raise _invalid("Search mode `similar_to` is only allowed with `isCaseSensitive=true`.")
    longest = LONGEST_LIKE if match.mode is Mode.LIKE else LONGEST_PATTERN
    if match.mode is not Mode.EXACT and len(match.values[0]) > longest:
        raise _invalid(f"A search pattern can have at most {longest} characters.")


def _list(words: type[StrEnum]) -> str:
    return ", ".join(words)


def _invalid(reason: str) -> Problem:
    return invalid_input(reason, data={})
