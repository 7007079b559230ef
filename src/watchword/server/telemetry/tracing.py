"""
Traces: what is told of a request, once it is answered.

Spans are made afterwards, of instants that were noted on the way. Where traces are off, none is noted.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

from watchword.protocol.trace_context import TraceParent

# Its body was there; the directory handed out a view; the form was read; the caller was known; it was decided what may
# be had; those that are recorded together had come together; the token was signed; the record was durable.
PHASES: Final = ("receive", "look", "form", "authenticate", "authorize", "gather", "sign", "log")


class Phases(Protocol):
    """
    How far a token request has come.
    """

    def ended(self, phase: str) -> object:
        """
        Hear that one of `PHASES` has ended.
        """


class _UnnotedPhases:
    """
    Notes nothing: nobody wants to know. By a built-in, since it is called eight times a token.
    """

    ended = staticmethod(bool)


class NotedPhases:
    """
    When the phases of a token request ended.
    """

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}

    def ended(self, phase: str) -> None:
        """
        Note the instant; where a phase is gone through again, the last time counts.
        """
        self._ends[phase] = time.perf_counter_ns()

    def spans(self, began: int, ended: int) -> Iterator[tuple[str, int, int]]:
        """
        List the phases of a request: name, begin and end. The one that failed ends with the request.

        Args:
            began: In nanoseconds of `time.perf_counter_ns`, as are all instants here.
        """
        begin = began
        for name in PHASES:
            end = self._ends.get(name)
            if end is None:
                yield name, begin, ended
                return
            yield name, begin, end
            begin = end


UNNOTED: Final = _UnnotedPhases()


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """
    A request that was answered.

    Attributes:
        name: What was asked for: an operation, never a value that the caller chose.
        arrived: When it came, an aware UTC datetime.
        began: The same instant, as `time.perf_counter_ns` has it.
        phases: Name, begin and end of each, by that clock.
        has_failed: Whether the fault was the server's.
    """

    name: str
    parent: TraceParent | None
    arrived: datetime
    began: int
    ended: int
    attributes: Mapping[str, str | int]
    phases: Sequence[tuple[str, int, int]]
    has_failed: bool


class Tracer(Protocol):
    """
    Sends traces.
    """

    def record(self, answered: Answered) -> str | None:
        """
        Tell of a request; return its trace's id, where it has one.
        """

    def close(self) -> None:
        """
        Send what is left and stop.
        """
