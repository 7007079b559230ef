"""
A worker's share of the connections.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from watchword.cli import share
from watchword.cli.share import HEARD_SECONDS, FairShare
from watchword.server.telemetry.board import Board, memory_file

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """
    A clock that tests set.
    """

    now = 100.0

    def __call__(self) -> float:
        """
        Return the time, in seconds.
        """
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """
    Let the shares read a clock that tests set.
    """
    clock = Clock()
    monkeypatch.setattr(share, "_now", clock)
    return clock


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FairShare, FairShare]]:
    """
    Make the shares of two workers. Both are this process, whose own locks would not be in its way.
    """
    boards = [Board(memory_file())]
    boards.append(Board(boards[0].file))
    taken: list[int] = []

    def lock(_file: int, _operation: int, _length: int, number: int) -> None:
        if number in taken:
            raise BlockingIOError
        taken.append(number)

    monkeypatch.setattr("fcntl.lockf", lock)
    for board in boards:
        row = board.claim()
        assert row is not None
        row[0] = 1
    yield FairShare(boards[0]), FairShare(boards[1])
    boards[0].close()


def test_worker_alone_may_take_all(workers: tuple[FairShare, FairShare]) -> None:
    """
    Nobody else has ever told anything.
    """
    assert workers[0].room(1_000) == math.inf


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(
    ("mine", "theirs", "room"), [(0, 0, 1), (1, 0, 0), (5, 4, 0), (4, 4, 1), (32, 32, 4), (40, 32, 0), (2, 64, 70)]
)
def test_little_more_than_the_other_may_be_held(
    workers: tuple[FairShare, FairShare], mine: int, theirs: int, room: int
) -> None:
    """
    One more, or an eighth of what the other holds.
    """
    workers[1].tell(theirs)
    assert workers[0].room(mine) == room


def test_worker_that_is_not_heard_of_is_not_waited_for(workers: tuple[FairShare, FairShare], clock: Clock) -> None:
    """
    It was killed, or hangs.
    """
    workers[1].tell(0)
    clock.now += HEARD_SECONDS
    assert workers[0].room(8) == 0
    clock.now += 0.01
    assert workers[0].room(8) == math.inf


@pytest.mark.usefixtures("clock")
def test_worker_that_leaves_is_not_waited_for(workers: tuple[FairShare, FairShare]) -> None:
    """
    It finishes what it has.
    """
    workers[1].tell(0)
    workers[1].leave()
    assert workers[0].room(8) == math.inf
