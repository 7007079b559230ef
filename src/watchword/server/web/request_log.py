"""
One line a request, written in batches: a line costs the caller nothing, and a batch costs one write.

It says who, what and how it ended, and holds neither query string nor body nor any header.
"""

import contextlib
import sys
import threading
from collections import deque
from typing import TextIO

import msgspec

from watchword.server.context import RequestLine

_EVERY_SECONDS = 0.2
_MOST_WAITING = 512
_MOST_KEPT = 50_000


class RequestLines:
    """
    Writes request lines as JSON, from a thread of its own.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._encode = msgspec.json.Encoder().encode_lines
        # Where nobody reads what is written, the oldest lines go.
        self._lines: deque[RequestLine] = deque(maxlen=_MOST_KEPT)
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="request-log", daemon=True)
        self._thread.start()

    def write(self, line: RequestLine) -> None:
        """
        Write a line, soon.
        """
        self._lines.append(line)
        if len(self._lines) >= _MOST_WAITING:
            self._wake.set()

    def close(self) -> None:
        """
        Write what is left and stop.
        """
        self._closed = True
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closed:
            self._wake.wait(_EVERY_SECONDS)
            self._wake.clear()
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if lines:
            # A full disk, or a reader that is gone, costs these lines and nothing else: the next ones are tried anew.
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(self._encode(lines).decode())
                self._stream.flush()


class NoRequestLines:
    """
    Keeps no request lines.
    """

    def write(self, line: RequestLine) -> None:
        """
        Drop the line.
        """

    def close(self) -> None:
        """
        Do nothing.
        """
