"""
Values that are typed into forms.
"""

import json

import msgspec

from watchword.protocol.names import Algorithm
from watchword.server.domain.problems import Problem, bad_value
from watchword.server.domain.records import Json
from watchword.server.web.console.visitor import Visitor

_MOST_DIGITS = 18


def json_object(text: str) -> Json:
    """
    Read a JSON object; an empty field is an empty one.

    Raises:
        Problem: It is none (422).
    """
    try:
        # Stricter than Python's own: no half characters, no numbers that JSON does not know.
        value = msgspec.json.decode(text or "{}")
    except (ValueError, RecursionError):  # a text that can't be written in UTF-8, too
        value = None
    if not isinstance(value, dict):
        raise bad_value("Custom data must be a JSON object.")
    return value


def whole_number(what: str, text: str) -> int:
    """
    Read a whole number.

    Args:
        what: What people call it.

    Raises:
        Problem: It is none (422).
    """
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise bad_value(f"The {what} must be a whole number.")
    return int(text)


def algorithm(text: str) -> Algorithm:
    """
    Read the name of an algorithm.

    Raises:
        Problem: There is no such one (422).
    """
    try:
        return Algorithm(text)
    except ValueError:
        raise bad_value("There is no such algorithm.") from None


def chosen_password(visitor: Visitor) -> str:
    """
    Return a new password, which was typed twice.

    Raises:
        Problem: `operator.passwords_differ` (422).
    """
    password = visitor.field("password")
    if password != visitor.field("again"):
        raise Problem("operator.passwords_differ", status=422, message="The two passwords differ.")
    return password


def is_typed(typed: str, name: str, identifier: str) -> bool:
    """
    Tell whether a name was typed as a page shows it, however many blanks are between its words; or the id in its place.
    """
    words = typed.split()
    return words == [identifier] or (bool(words) and words == name.split())


def json_text(value: Json) -> str:
    """
    Write a JSON object to be read, and changed, by people.
    """
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
