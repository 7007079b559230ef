"""
The board: numbers of several processes, one of which may die.
"""

from __future__ import annotations

import os
import signal
from multiprocessing import get_context
from multiprocessing.reduction import DupFd
from typing import TYPE_CHECKING, Protocol

import pytest

from watchword.server.telemetry.board import ROWS, Board, memory_file
from watchword.server.telemetry.meters import Meters

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess


@pytest.fixture
def board() -> Iterator[Board]:
    """
    Make a board that a parent hands to its workers.
    """
    made = Board(memory_file())
    yield made
    made.close()


def test_workers_count_apart_and_are_read_together(board: Board) -> None:
    """
    Two processes at once have two rows, and either reads the sum.
    """
    with worker(board) as one, worker(board) as other:
        one.count(3)
        other.count(4)
        assert one.read() == other.read() == (7, 2)


def test_killed_worker_takes_nothing_along_and_its_row_goes_on(board: Board) -> None:
    """
    What it counted stays, who replaces it counts as one worker, and no further row is needed.
    """
    with worker(board) as survivor:
        survivor.count(1)
        for _ in range(3):
            with worker(board) as doomed:
                doomed.count(10)
                doomed.kill()
        with worker(board) as replacement:
            assert replacement.read() == survivor.read() == (31, 2)
    assert len(list(board.rows())) == 2


def test_rows_of_another_plan_mean_nothing(board: Board) -> None:
    """
    During an upgrade in place old workers' cells stand for something else: they are left out, not misread.
    """
    with worker(board) as old:
        old.count(5)
        young = Meters(board, jobs=["a job that the old version does not have"])
        assert issued(young) == 0


def test_more_processes_than_rows_count_for_themselves(monkeypatch: pytest.MonkeyPatch, board: Board) -> None:
    """
    Nothing that serves depends on a free row.
    """
    monkeypatch.setattr("fcntl.lockf", refuse)
    meters = Meters(board)
    meters.token_requests["client_credentials", "issued"].add(3)
    assert list(board.rows()) == []
    assert (issued(meters), workers_of(meters)) == (3, 1)
    assert ROWS >= 2 * 64


def refuse(*_: object) -> None:
    """
    Hold every lock.
    """
    raise BlockingIOError


class DuplicatedFile(Protocol):
    """
    A file on its way into a process.
    """

    def detach(self) -> int:
        """
        Take it.
        """


class worker:  # noqa: N801 - used as a context manager
    """
    A process that counts when it is told to.
    """

    def __init__(self, board: Board) -> None:
        """
        Start it, and hand it the memory.
        """
        spawn = get_context("spawn")
        self._ours, theirs = spawn.Pipe()
        self._process: BaseProcess = spawn.Process(target=work, args=(DupFd(board.file), theirs))
        self._process.start()
        theirs.close()
        assert self._ours.recv() == "ready"

    def count(self, amount: int) -> None:
        """
        Let it count.
        """
        self._ours.send(amount)
        assert self._ours.recv() == "counted"

    def read(self) -> tuple[float, float]:
        """
        Ask for the sum of all, and the number of workers.
        """
        self._ours.send("read")
        issued_by_all, workers = self._ours.recv()
        return issued_by_all, workers

    def kill(self) -> None:
        """
        End it as the kernel would.
        """
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()

    def __enter__(self) -> worker:  # noqa: PYI034 - Self would do as well
        """
        Return it.
        """
        return self

    def __exit__(self, *_: object) -> None:
        """
        End it.
        """
        self._ours.close()
        self._process.join()


def work(memory: DuplicatedFile, orders: Connection) -> None:
    """
    Count and tell, until nobody asks any more.
    """
    meters = Meters(Board(memory.detach()), jobs=["sweep"])
    orders.send("ready")
    while True:
        try:
            order = orders.recv()
        except EOFError:
            meters.close()
            return
        if order == "read":
            orders.send((issued(meters), workers_of(meters)))
        else:
            meters.token_requests["client_credentials", "issued"].add(order)
            meters.share()
            orders.send("counted")


def issued(meters: Meters) -> float:
    """
    Read how many tokens all workers issued.
    """
    return next(sum(numbers) for metric, numbers in meters.read() if metric.name == "watchword_token_requests_total")


def workers_of(meters: Meters) -> float:
    """
    Read how many workers there are.
    """
    return next(numbers[0] for metric, numbers in meters.read() if metric.name == "watchword_workers")
