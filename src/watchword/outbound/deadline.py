"""
The end of a request that takes too long, whatever trickles in meanwhile: httpx's own timeouts are for each read.
"""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any


class Deadline:
    """
    When a request is over; its text says that it took too long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends_at = time.monotonic() + seconds
        self._stream: Any = None  # httpcore's, of the connection as it is now

    def __str__(self) -> str:
        return f"the answer takes longer than {self._seconds:.0f} s"

    @property
    def is_over(self) -> bool:
        """
        Whether the time has passed.
        """
        return time.monotonic() >= self._ends_at

    @contextmanager
    def cutting(self) -> Iterator[None]:
        """
        Cut the connection when the time has passed: the thread that waits for it wakes, and finds it ended.
        """
        timer = threading.Timer(self._ends_at - time.monotonic(), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """
        Hear of the connection: the `trace` extension of an httpx request.
        """
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = info["return_value"]
            if self.is_over:  # it was cut already, while there was no connection to cut
                self._cut()

    def _cut(self) -> None:
        if self._stream is not None:
            with suppress(OSError):
                # Below TLS, whose state belongs to the thread that reads.
                socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)
