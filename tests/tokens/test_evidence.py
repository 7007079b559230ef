"""
Evidence: the log hears of a fault once, and when it is over.
"""

from __future__ import annotations

import pytest

from watchword.server.tokens import evidence


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """
    Collect what evidence says to the log.
    """
    lines: list[str] = []

    class Log:
        def info(self, _event: str, **_: object) -> None:
            lines.append("works")

        def error(self, _event: str, **_: object) -> None:
            lines.append("fails")

    monkeypatch.setattr(evidence, "_log", Log())
    return lines


def test_log_tells_once_of_a_thousand_failures(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One line when it begins, one when it is over; and when both come by turns, few.
    """
    time = [0.0]
    monkeypatch.setattr(evidence, "monotonic", lambda: time[0])
    seen = evidence.Evidence("something")
    for _ in range(1000):
        seen.failed("the disk is full")
    time[0] += 2
    seen.succeeded()
    seen.succeeded()
    assert said == ["fails", "works"]
    for _ in range(1000):
        seen.failed("the disk is full")
        seen.succeeded()
    time[0] += 2
    seen.failed("the disk is full")
    assert said == ["fails", "works", "fails"]
