"""
JSON that callers bring, of which some is kept as it came and written again, in answers, lists and pages.
"""

from collections.abc import Iterable
from math import isinf

import msgspec

MOST_LEVELS = 400
"""How deep it may be nested: below what any reader or writer can take, on whatever thread, however deep in calls."""


# Up to here every integer has a number of its own (RFC 8259 §6); what is larger stays as near as it came.
_MOST_EXACT = 2**53


class TooDeep(ValueError):
    """
    A value is nested deeper than that.
    """

    def __init__(self) -> None:
        super().__init__(f"JSON may be nested {MOST_LEVELS} levels deep")


def whole_where_it_is(number: float) -> int | float:
    """
    Return a number as an integer where it is one: JSON has one kind of numbers, and `6e2` is 600 (RFC 8259 §6).
    """
    return int(number) if number.is_integer() and abs(number) <= _MOST_EXACT else number


def read_json(text: bytes | str) -> object:
    """
    Read a JSON value: no half characters, no numbers that JSON does not know.

    Raises:
        TooDeep: It is nested too deep.
        ValueError: It is none. The text says where.
    """
    try:
        value: object = _DECODER.decode(text)
    except RecursionError:
        raise TooDeep from None
    if _is_too_deep(value):
        raise TooDeep
    return value


def _number(text: str) -> int | float:
    number = float(text)
    if isinf(number):
        raise ValueError("Number out of range")
    return whole_where_it_is(number)


_DECODER = msgspec.json.Decoder(float_hook=_number)


def _is_too_deep(value: object) -> bool:
    level = _nested([value])
    for _ in range(MOST_LEVELS):
        if not level:
            return False
        level = [inner for outer in level for inner in _nested(outer.values() if isinstance(outer, dict) else outer)]
    return bool(level)


def _nested(values: Iterable[object]) -> list[dict[str, object] | list[object]]:
    return [value for value in values if isinstance(value, dict | list)]
