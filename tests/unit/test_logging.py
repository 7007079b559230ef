"""
Log lines: one a record, whatever is in them.
"""

from __future__ import annotations

import json
import logging
import sys

import pytest

from watchword.server.logging import JsonLines, LinesForEyes

SECRET = "ww_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG000000"


def record_of(event: str, *args: object, failed: bool = False, **given: object) -> logging.LogRecord:
    """
    Make a record as a logger makes it.
    """
    exc_info = None
    if failed:
        try:
            int(f"no {SECRET}")
        except ValueError:
            exc_info = sys.exc_info()
    return logging.getLogger("some").makeRecord("some", logging.ERROR, "a.py", 1, event, args, exc_info, extra=given)


def test_json_line_holds_time_level_event_and_what_was_given() -> None:
    """
    In this order, so that lines can be read as they stand.
    """
    record = record_of("it does not work", what="the token log", number=3)
    record.created = 1_767_225_600.25
    assert list(json.loads(JsonLines().format(record)).items()) == [
        ("time", "2026-01-01T00:00:00.250000Z"),
        ("level", "error"),
        ("event", "it does not work"),
        ("what", "the token log"),
        ("number", 3),
    ]


def test_json_line_holds_messages_with_arguments() -> None:
    """
    Libraries log in the older way.
    """
    assert json.loads(JsonLines().format(record_of("can't refresh %s: %s", "a", 1)))["event"] == "can't refresh a: 1"


@pytest.mark.parametrize(
    "value", ["two\nlines", "\ud800", '"}', object(), b"bytes", float("nan")], ids=lambda value: repr(value)[:10]
)
def test_json_line_is_one_line_whatever_is_given(value: object) -> None:
    """
    What can't be written as JSON is written as text.
    """
    line = JsonLines().format(record_of("an event", value=value))
    assert "\n" not in line
    assert "value" in json.loads(line, parse_constant=pytest.fail)


@pytest.mark.parametrize("form", [JsonLines(), LinesForEyes(coloured=True)], ids=["json", "console"])
def test_exception_is_told_and_its_secrets_are_not(form: logging.Formatter) -> None:
    """
    The message of an exception may quote anything.
    """
    line = form.format(record_of("a job failed", failed=True))
    assert "Traceback (most recent call last)" in line
    assert "ValueError: invalid literal" in line
    assert SECRET not in line


def test_line_for_eyes_can_not_be_forged() -> None:
    """
    No text of a caller's looks like a name, or begins a line.
    """
    line = LinesForEyes(coloured=False).format(record_of("odd\nevent", path="/x level=info\nserving", number=3))
    assert line.endswith(r" error    'odd\nevent' path='/x level=info\nserving' number=3")
    assert "\n" not in line


@pytest.mark.parametrize(("coloured", "level"), [(True, "\x1b[31merror   \x1b[0m"), (False, " error    ")])
def test_levels_are_coloured_for_a_terminal(coloured: bool, level: str) -> None:
    """
    A file gets no colours.
    """
    assert level in LinesForEyes(coloured=coloured).format(record_of("an event"))
