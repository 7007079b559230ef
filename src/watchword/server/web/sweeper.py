"""
How long a connection may wait for its client, and how many may.

One look over all connections, twice a second, finds those that wait too long: a timer for each request would cost more
than all the looks. Near the limit of open files the oldest that wait are let go, so that accepting never fails and the
database can still be opened.
"""

import asyncio
import heapq
import logging
import math
from enum import Enum
from typing import Protocol

import msgspec

SWEEP_SECONDS = 0.5
_ENDED_AT_ONCE = 100
_SHORT_PAUSE_SECONDS = 0.02
_SHED_AT_ONCE = 64  # of the connections that may be open, one in so many: looking for the oldest is not done each time
_log = logging.getLogger(__name__)


class Awaits(Enum):
    """
    What a connection waits for.
    """

    NOTHING = "nothing of the client"
    HEAD = "the head of a request"
    TOKEN_BODY = "the rest of a token request's body"
    BODY = "the rest of another body"
    REQUEST = "another request"
    READER = "that what was written is read"


class ConnectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """
    Seconds that a wait may last from its begin to its end, however much trickles in meanwhile, and connections.

    Attributes:
        idle_seconds: Between an answer and the next request.
        most: Open connections.
    """

    head_seconds: float = 10.0
    token_body_seconds: float = 2.0
    body_seconds: float = 10.0
    idle_seconds: float = 75.0
    most: int = 10_000

    def patience(self, awaits: Awaits) -> float:
        """
        Say how long a wait may last, in seconds.
        """
        match awaits:
            case Awaits.HEAD:
                return self.head_seconds
            case Awaits.TOKEN_BODY:
                return self.token_body_seconds
            case Awaits.BODY:
                return self.body_seconds
            case Awaits.REQUEST:
                return self.idle_seconds
            case Awaits.NOTHING | Awaits.READER:
                return float("inf")


class Connection(Protocol):
    """
    A connection that can wait.

    Attributes:
        awaits_since: The loop's time when this wait began.
    """

    awaits: Awaits
    awaits_since: float

    def end_wait(self) -> None:
        """
        End a wait that took too long, with an answer where one is possible.
        """

    def drop(self) -> None:
        """
        Let the connection go at once.
        """


class Sweeper:
    """
    Watches the connections of one event loop.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._watched: set[Connection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._shed = 0

    def watch(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """
        Watch a new connection. Where there are too many now, the oldest that wait are let go: it itself, at the worst.
        """
        self._watched.add(connection)
        if len(self._watched) > self._limits.most:
            self._shed_oldest()
        if self._timer is None:
            self._timer = loop.call_later(SWEEP_SECONDS, self._sweep, loop)

    def forget(self, connection: Connection) -> None:
        """
        Expect nothing more of a connection that ended.
        """
        self._watched.discard(connection)

    def _shed_oldest(self) -> None:
        waiting = [connection for connection in self._watched if connection.awaits is not Awaits.NOTHING]
        number = max(1, self._limits.most // _SHED_AT_ONCE)
        for connection in heapq.nsmallest(number, waiting, key=_since):
            self._watched.discard(connection)
            connection.drop()
            self._shed += 1

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        overdue = self._overdue(loop.time())
        for connection in overdue[:_ENDED_AT_ONCE]:
            connection.awaits_since = math.inf  # ended: nothing more is due
            connection.end_wait()
        if self._shed:
            _log.warning("connections that waited were let go: too many are open", extra={"number": self._shed})
            self._shed = 0
        # Thousands that are late at once get their answers a part at a time, with time for others in between.
        pause = SWEEP_SECONDS if len(overdue) <= _ENDED_AT_ONCE else _SHORT_PAUSE_SECONDS
        self._timer = loop.call_later(pause, self._sweep, loop) if self._watched else None

    def _overdue(self, now: float) -> list[Connection]:
        patience = self._limits.patience
        return [
            connection for connection in self._watched if now - connection.awaits_since > patience(connection.awaits)
        ]


def _since(connection: Connection) -> float:
    return connection.awaits_since
