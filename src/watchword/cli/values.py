"""
Text on the command line, as values: JSON objects, moments, and what comes from standard input.
"""

import json
import re
import sys
from datetime import UTC, datetime, timedelta

from watchword.cli.clock import utc_now
from watchword.cli.failures import MISUSED, Failure

_DURATION = re.compile(r"([0-9]{1,6})([smhdw])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUBSTRING = re.compile(r"([%_\\])")


def read_input(text: str, what: str) -> str:
    """
    Return a text, or standard input where it is `-`.

    Raises:
        Failure: It is empty.
    """
    if text != "-":
        return text
    read = _ask(what) if sys.stdin.isatty() else sys.stdin.read().strip()
    if not read:
        raise Failure(f"standard input holds no {what}: pipe it in, or give it in place of `-`", code=MISUSED)
    return read


def _ask(what: str) -> str:
    from getpass import getpass

    return getpass(f"{what[:1].upper()}{what[1:]}: ").strip()


def json_object(text: str) -> dict[str, object]:
    """
    Read a JSON object; `-` reads it from standard input.

    Raises:
        Failure: It is none.
    """
    try:
        value = json.loads(read_input(text, "JSON object"))
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()  # what is no JSON but for Python can't be sent
    except (ValueError, RecursionError) as error:
        raise Failure(f'this is no JSON: {error}: quote it like \'{{"tier": "gold"}}\'', code=MISUSED) from None
    if not isinstance(value, dict):
        raise Failure('this JSON is no object: write members in braces: \'{"tier": "gold"}\'', code=MISUSED)
    return value


def moment_ahead(text: str, now: datetime) -> datetime:
    """
    Read a moment to come: `2027-01-31T12:00:00Z`, or `90d` from now.

    Raises:
        Failure: It is neither.
    """
    return _moment(text, now, 1)


def moment_past(text: str, now: datetime) -> datetime:
    """
    Read a moment gone by: `2026-11-24T08:00:00Z`, or `2h`, or `2h ago`.

    Raises:
        Failure: It is neither.
    """
    return _moment(text.removesuffix(" ago"), now, -1)


def _moment(text: str, now: datetime, direction: int) -> datetime:
    match = _DURATION.match(text)
    try:
        if match is not None:
            return now + direction * timedelta(**{_UNITS[match[2]]: int(match[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise _no_moment(text, direction) from None
    if moment.tzinfo is None:  # a bare date or hour means another moment to everybody
        raise _no_moment(text, direction)
    return moment


def _no_moment(text: str, direction: int) -> Failure:
    relative = "a time from now: 90d, 12h, 30m" if direction > 0 else "a time ago: 90d, 12h, 30m"
    return Failure(f"{text}: write a moment with its zone, 2027-01-31T12:00:00Z, or {relative}", code=MISUSED)


def containing(text: str) -> str:
    """
    Write the search pattern of whatever contains a text.
    """
    return "%" + _SUBSTRING.sub(r"\\\1", text) + "%"


def milliseconds_ahead(text: str) -> int:
    """
    Read a moment to come, as the wire has it: milliseconds since 1970.

    Raises:
        Failure: It is none.
    """
    return _milliseconds(moment_ahead(text, utc_now()))


def milliseconds_past(text: str) -> int:
    """
    Read a moment gone by, as the wire has it: milliseconds since 1970.

    Raises:
        Failure: It is none.
    """
    return _milliseconds(moment_past(text, utc_now()))


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
