"""
Parameters of query and path that are words, judged in the validator's own.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from watchword.server.domain.redaction import shown_id
from watchword.server.web.api.guard import Issue, invalid_input

W = TypeVar("W", bound=StrEnum)
Values = Mapping[str, Sequence[str]]


def words(query: Values, name: str, vocabulary: type[W]) -> list[W] | None:
    """
    Read a filter that may repeat, each value a word.

    Raises:
        Problem: `guard.invalid_input` (400).
    """
    values = query.get(name)
    if not values:
        return None
    known = [item.value for item in vocabulary]
    bad = next((value for value in values if value not in known), None)
    if bad is None:
        return [vocabulary(value) for value in values]
    unions: list[Issue] = [
        {"issues": [_wrong_type(name)], "name": "ZodError"},
        {"issues": [_unknown_word(name, bad, known)], "name": "ZodError"},
    ]
    fault: Issue = {
        "code": "invalid_union",
        "unionErrors": unions,
        "path": [name],
        "message": "Invalid input",
    }
    raise invalid_input([fault], "query")


def word_of(query: Values, name: str, vocabulary: type[W]) -> W | None:
    """
    Read a filter that is one word.

    Raises:
        Problem: `guard.invalid_input` (400).
    """
    value = only(query, name)
    if value is None:
        return None
    known = [item.value for item in vocabulary]
    if value not in known:
        raise invalid_input([_unknown_word(name, value, known)], "query")
    return vocabulary(value)


def path_word(path: Mapping[str, str], name: str, vocabulary: type[W]) -> W:
    """
    Read a path parameter that is one word.

    Raises:
        Problem: `guard.invalid_input` (400).
    """
    known = [item.value for item in vocabulary]
    if path[name] not in known:
        # Whatever was pasted into an address: a secret among the words is not repeated.
        raise invalid_input([_unknown_word(name, shown_id(path[name]), known)], "params")
    return vocabulary(path[name])


def flag(query: Values, name: str) -> bool | None:
    """
    Read a filter that is `true` or `false`.

    Raises:
        Problem: `guard.invalid_input` (400).
    """
    value = only(query, name)
    if value is None:
        return None
    if value not in {"true", "false"}:
        raise invalid_input([_unknown_word(name, value, ["true", "false"])], "query")
    return value == "true"


def only(query: Values, name: str) -> str | None:
    """
    Read a parameter that must not repeat.

    Raises:
        Problem: `guard.invalid_input` (400).
    """
    values = query.get(name)
    if not values:
        return None
    if len(values) > 1:
        fault: Issue = {
            "code": "invalid_type",
            "expected": "string",
            "received": "array",
            "path": [name],
            "message": "Expected string, received array",
        }
        raise invalid_input([fault], "query")
    return values[0]


def _wrong_type(name: str) -> Issue:
    return {
        "code": "invalid_type",
        "expected": "array",
        "received": "string",
        "path": [name],
        "message": "Expected array, received string",
    }


def _unknown_word(name: str, value: str, known: Sequence[str]) -> Issue:
    options = " | ".join(f"'{option}'" for option in known)
    return {
        "received": value,
        "code": "invalid_enum_value",
        "options": list(known),
        "path": [name],
        "message": f"Invalid enum value. Expected {options}, received '{value}'",
    }
