"""
Values that are typed into forms.
"""

import json

import msgspec

from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Json

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
        raise Problem("request.invalid_input", status=422, message="Custom data must be a JSON object.")
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
        raise Problem("request.invalid_input", status=422, message=f"The {what} must be a whole number.")
    return int(text)


def is_typed(typed: str, name: str) -> bool:
    """
    Tell whether a name was typed as a page shows it: however many blanks are between its words.
    """
    return typed.split() == name.split()


def json_text(value: Json) -> str:
    """
    Write a JSON object to be read, and changed, by people.
    """
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
