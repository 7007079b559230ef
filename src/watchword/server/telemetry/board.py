"""
The board: memory that the workers of one server share, with a row of numbers for each of them.

A worker counts in memory of its own and copies that to its row each second, and whenever it is asked. It writes its own
row and nobody else's; whoever is asked reads all rows. The memory is no file of any disk, and outlives every worker:
when one is killed, what it has shared stays, and the worker that replaces it takes over its row and counts on.

Behind the numbers of a row there are two more, which are of this moment and not counted on: how many connections the
worker holds, and when it said so.
"""

import contextlib
import fcntl
import mmap
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import TypeAlias

CELLS = 4094  # numbers in a row
ROWS = 128  # twice the most workers: old ones may still end when new ones begin
_WIDTH = CELLS + 2
_ROW_BYTES = _WIDTH * 8
Row: TypeAlias = "memoryview[float]"  # doubles: a whole number is exact up to 2^53


class Board:
    """
    The rows of all workers.

    Attributes:
        file: The memory, as a file that this object owns from now on.
    """

    def __init__(self, file: int) -> None:
        self.file = file
        self._cells = memoryview(mmap.mmap(file, ROWS * _ROW_BYTES)).cast("d")
        self._own: int | None = None

    def claim(self) -> "Row | None":
        """
        Take a row for this process: one whose worker is dead, numbers and all, or a fresh one; None where none is free.
        """
        for number in range(ROWS):
            with contextlib.suppress(OSError):  # a living worker's
                # The kernel gives a lock back when its process ends, however it ends.
                fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
                self._own = number
                return self._row(number)
        return None

    def rows(self) -> Iterator[Row]:
        """
        Read every row that was ever written: they are taken in order, and the first cell of those is never 0.
        """
        for number in range(ROWS):
            row = self._row(number)
            if not row[0]:
                return
            yield row

    def tell(self, held: int, at: float) -> None:
        """
        Tell the others how many connections this worker holds, and when that was.
        """
        if self._own is not None:
            place = self._own * _WIDTH + CELLS
            self._cells[place], self._cells[place + 1] = held, at

    def others(self, since: float) -> Iterator[float]:
        """
        Read how many connections each other worker holds that has said so since then.
        """
        for number in range(ROWS):
            row = number * _WIDTH
            if not self._cells[row]:
                return
            if number != self._own and self._cells[row + CELLS + 1] >= since:
                yield self._cells[row + CELLS]

    def close(self) -> None:
        """
        Give the row back.
        """
        os.close(self.file)

    def _row(self, number: int) -> Row:
        return self._cells[number * _WIDTH : number * _WIDTH + CELLS]


def memory_file() -> int:
    """
    Make the memory of a board, empty, as a file that is handed to the workers.
    """
    file = _anonymous_file()
    os.ftruncate(file, ROWS * _ROW_BYTES)
    return file


def _anonymous_file() -> int:
    if sys.platform == "linux":
        return os.memfd_create("watchword-metrics")
    else:  # noqa: RET505 - type checkers leave this half out where it does not apply
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
