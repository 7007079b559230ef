"""
Request lines, where what they are written to fails.
"""

from __future__ import annotations

import errno
import io
import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from watchword.server.context import RequestLine
from watchword.server.web import request_log
from watchword.server.web.request_log import RequestLines

if TYPE_CHECKING:
    from collections.abc import Callable


class Failing(io.StringIO):
    """
    A stream that fails for a while.
    """

    error: Exception | None = None

    def write(self, text: str) -> int:
        """
        Fail, or write.
        """
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return super().write(text)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), id="disk full"),
        pytest.param(BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)), id="reader gone"),
        pytest.param(ValueError("I/O operation on closed file"), id="closed"),
    ],
)
def test_stream_that_fails_costs_only_its_own_lines(error: Exception) -> None:
    """
    The next lines are written: the thread does not end, to let lines pile up in memory unwritten.
    """
    stream = Failing()
    stream.error = error
    lines = RequestLines(stream)
    lines.write(line(1))
    wait_for(lambda: stream.error is None)
    lines.write(line(2))
    wait_for(lambda: '"request_id":"2"' in stream.getvalue())
    lines.close()
    assert '"request_id":"1"' not in stream.getvalue()


def test_lines_that_nobody_reads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A reader that stands still takes no memory: the oldest lines go.
    """
    monkeypatch.setattr(request_log, "_MOST_KEPT", 10)
    monkeypatch.setattr(request_log, "_EVERY_SECONDS", 60)
    stream = io.StringIO()
    lines = RequestLines(stream)
    for number in range(100):
        lines.write(line(number))
    lines.close()
    kept = [json.loads(written)["request_id"] for written in stream.getvalue().splitlines()]
    assert kept == [str(number) for number in range(90, 100)]


def line(number: int) -> RequestLine:
    """
    Make a line.
    """
    now = datetime(2026, 11, 24, tzinfo=UTC)
    return RequestLine(time=now, event="request", request_id=str(number), method="GET", path="/", ip=None)


def wait_for(is_so: Callable[[], bool]) -> None:
    """
    Wait until something is so.
    """
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
