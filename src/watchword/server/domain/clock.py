"""
The time that decisions are made by: it never goes back within a process, and is not believed when nothing confirms it.

The machine's clock can be set, forward and back, by people and by NTP. A steady counter beside it can't; but what that
says of the day is only what the clock said when the process began.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from math import inf

import msgspec

LARGEST_DIFFERENCE = 5.0
JUMP_LASTS = 10.0
_NOT_WORTH_FOLLOWING = 0.1
_STOPS_WITHIN = 1.0


class DatabaseTime(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the database says of the time.

    Attributes:
        is_exact: Whether it has a clock of its own. Where not, this is the newest instant that it knows: the time is at
            least that.
    """

    time: datetime
    is_exact: bool


class _Course(msgspec.Struct, frozen=True):
    """
    How the time follows from the counter, in seconds: by an offset, up to an instant at which it stands still.
    """

    offset: float
    stands_at: float = inf


class SteadyClock:
    """
    Tells the time, an aware UTC datetime that is never before one that it has told.

    Args:
        wall: Tells what the machine's clock shows, in seconds since 1970.
        counter: Tells seconds from some instant on, at an even pace; nobody sets it.
    """

    def __init__(self, wall: Callable[[], float], counter: Callable[[], float]) -> None:
        self._wall = wall
        self._counter = counter
        self._course = _Course(wall() - counter())
        self._jumped_at: float | None = None

    def __call__(self) -> datetime:
        """
        Return the time.
        """
        course = self._course
        return datetime.fromtimestamp(min(self._counter() + course.offset, course.stands_at), UTC)

    def compare(self, told: DatabaseTime | None, *, took: float = 0.0) -> str | None:
        """
        Compare with the machine's clock and the database's, and follow the machine's where that is safe.

        A machine's clock that is ahead is followed: a little at once, a jump once it is confirmed, by the database's
        clock or, where that has none, by having lasted. One that is behind is waited for: the time stands still.

        Args:
            told: None where the database did not answer.
            took: Seconds that it took to answer.

        Returns:
            Why this time is not to be believed; None where it is.
        """
        counter, wall = self._counter(), self._wall()
        if self._is_believable(wall - self._at(counter), wall, told, took):
            self._follow(counter, wall)
        return _fault(wall, self._at(counter), told, took)

    def _at(self, counter: float) -> float:
        return min(counter + self._course.offset, self._course.stands_at)

    def _is_believable(self, ahead: float, wall: float, told: DatabaseTime | None, took: float) -> bool:
        has_jumped = ahead > LARGEST_DIFFERENCE
        if not has_jumped:
            self._jumped_at = None
        if told is not None and told.is_exact:
            return abs(wall - told.time.timestamp()) <= LARGEST_DIFFERENCE + took
        if has_jumped and self._jumped_at is None:
            self._jumped_at = self._counter()
        return self._jumped_at is None or self._counter() - self._jumped_at >= JUMP_LASTS

    def _follow(self, counter: float, wall: float) -> None:
        course, ahead = self._course, wall - self._at(counter)
        if ahead > (_NOT_WORTH_FOLLOWING if course.stands_at == inf else 0):
            self._course = _Course(wall - counter)
            self._jumped_at = None
        elif ahead < -_NOT_WORTH_FOLLOWING and course.stands_at == inf:
            # Not at once: whoever has read the old course and not yet the counter must not tell a later time than this.
            self._course = _Course(course.offset, wall - ahead + _STOPS_WITHIN)


def _fault(wall: float, own: float, told: DatabaseTime | None, took: float) -> str | None:
    if told is not None:
        apart = own - told.time.timestamp()
        if told.is_exact and abs(apart) > LARGEST_DIFFERENCE + took:
            return f"the server's clock is {_words(apart)} the database's"
        if not told.is_exact and -apart > LARGEST_DIFFERENCE:
            return f"the server's clock is {_words(apart)} the newest record"
        if told.is_exact:
            return None  # the database vouches for it, whatever the machine's clock has been set to
    if abs(wall - own) > LARGEST_DIFFERENCE:
        return f"the machine's clock was set, and is now {_words(wall - own)} the server's"
    return None


def _words(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'}"
