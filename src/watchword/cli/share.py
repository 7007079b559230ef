"""
A worker's share of the connections: how many it may take before those that hold fewer have had their chance.

All workers take from one queue and are woken together. The first to come would take all that wait, on a busy machine
nearly always. So each tells the others how many it holds, and one that holds clearly more lets them go first.
"""

import math
import time
from typing import Protocol

from watchword.server.telemetry.board import Board

HEARD_SECONDS = 0.5
_NEVER = -1.0


class Share(Protocol):
    """
    What limits how many connections a worker takes.
    """

    def tell(self, held: int) -> None:
        """
        Say how many connections this worker holds.
        """

    def room(self, held: int) -> float:
        """
        Say how many more it may take now.
        """

    def leave(self) -> None:
        """
        Say that it takes no more.
        """


class Everything:
    """
    The share of a server without workers.
    """

    def tell(self, held: int) -> None:
        """
        There is nobody to tell.
        """

    def room(self, held: int) -> float:
        """
        Say that all may be taken.
        """
        del held
        return math.inf

    def leave(self) -> None:
        """
        There is nobody to tell.
        """


class FairShare:
    """
    The share of one worker among others.

    Args:
        board: The memory that they share; this process has claimed its row.
    """

    def __init__(self, board: Board) -> None:
        self._board = board

    def tell(self, held: int) -> None:
        """
        Tell the others. They believe it for half a second: a worker that was killed or hangs holds nobody up.
        """
        self._board.tell(held, _now())

    def room(self, held: int) -> float:
        """
        Say how many more connections may be taken: up to an eighth, or one, more than the worker with the fewest holds.
        """
        fewest = min(self._board.others(since=_now() - HEARD_SECONDS), default=math.inf)
        return max(fewest + max(fewest / 8, 1) - held, 0)

    def leave(self) -> None:
        """
        Tell the others that this worker is not to be waited for.
        """
        self._board.tell(0, _NEVER)


def _now() -> float:
    return time.monotonic()  # one clock for all processes of a machine
