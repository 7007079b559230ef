"""
Text on the command line, as values.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.cli.failures import MISUSED, Failure
from watchword.cli.values import containing, json_object, moment_ahead, moment_past, read_input

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        pytest.param("2027-01-31T12:00:00Z", datetime(2027, 1, 31, 12, tzinfo=UTC), id="UTC"),
        pytest.param(
            "2027-01-31T12:00:00+02:00", datetime(2027, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))), id="offset"
        ),
        pytest.param("90d", NOW + timedelta(days=90), id="days"),
        pytest.param("12h", NOW + timedelta(hours=12), id="hours"),
        pytest.param("30m", NOW + timedelta(minutes=30), id="minutes"),
        pytest.param("5s", NOW + timedelta(seconds=5), id="seconds"),
        pytest.param("2w", NOW + timedelta(weeks=2), id="weeks"),
    ],
)
def test_moment_is_exact_or_a_time_from_now(text: str, moment: datetime) -> None:
    """
    Both ways to write a moment are understood, and a time from now also as a time ago.
    """
    assert moment_ahead(text, NOW) == moment
    is_exact = "T" in text
    assert moment_past(text, NOW) == (moment if is_exact else NOW - (moment - NOW))
    assert is_exact or moment_past(f"{text} ago", NOW) == moment_past(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2027-01-31", id="no hour"),
        pytest.param("2027-01-31T12:00:00", id="no zone"),
        pytest.param("tomorrow", id="a word"),
        pytest.param("90", id="no unit"),
        pytest.param("", id="empty"),
        pytest.param("-1d", id="negative"),
        pytest.param("999999w", id="in no calendar"),
    ],
)
def test_doubtful_moment_is_refused_with_an_example(text: str) -> None:
    """
    A bare date would expire at another hour than whoever wrote it thinks.
    """
    with pytest.raises(Failure, match="2027-01-31T12:00:00Z, or a time from now") as refused:
        moment_ahead(text, NOW)
    assert refused.value.code == MISUSED
    with pytest.raises(Failure, match="2027-01-31T12:00:00Z, or a time ago"):
        moment_past(text, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "1",
        "null",
        "{",
        "{'a': 1}",
        '{"a": NaNN}',
        "[" * 100_000,
        '{"a": NaN}',
        '{"a": 1e999}',
        r'{"a": "\ud800"}',
    ],
)
def test_what_is_no_json_object_is_refused_with_an_example(text: str) -> None:
    """
    The message shows how to quote one.
    """
    with pytest.raises(Failure, match="tier") as refused:
        json_object(text)
    assert refused.value.code == MISUSED


def test_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What shall not stand on the command line comes from standard input, without the line's end.
    """
    monkeypatch.setattr("sys.stdin", io.StringIO('{"a": 1}\n'))
    assert json_object("-") == {"a": 1}
    assert read_input("abc", "client secret") == "abc"


def test_empty_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An empty pipe is no secret.
    """
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(Failure, match="standard input holds no client secret"):
        read_input("-", "client secret")


@given(st.text())
def test_search_pattern_matches_its_text_literally(text: str) -> None:
    """
    No character of the text is a wildcard: taking the escapes away gives the text back.
    """
    pattern = containing(text)
    assert pattern.startswith("%")
    assert pattern.endswith("%")
    plain, inner = "", pattern[1:-1]
    while inner:
        assert inner[0] not in "%_"
        plain, inner = (plain + inner[1], inner[2:]) if inner[0] == "\\" else (plain + inner[0], inner[1:])
    assert plain == text
