"""
Readers of answers who stall: slow is no sin, but whoever takes nothing at all for a minute is let go.
"""

import asyncio

STALL_SECONDS = 60.0


class Stall:
    """
    The wait for the reader of one connection.
    """

    __slots__ = ("_loop", "_timer", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """
        Wait for the reader to take something of what is written, unless that is done already.
        """
        if self._timer is None:
            self._wait(self._transport.get_write_buffer_size())

    def end(self) -> None:
        """
        Wait no longer.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, unread: int) -> None:
        self._timer = self._loop.call_later(STALL_SECONDS, self._judge, unread)

    def _judge(self, unread: int) -> None:
        left = self._transport.get_write_buffer_size()
        if left < unread:
            self._wait(left)
        else:
            self._transport.abort()
