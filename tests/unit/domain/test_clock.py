"""
The time never goes back, follows the machine's clock where that is safe, and is not believed where nothing confirms it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.server.domain.clock import JUMP_LASTS, DatabaseTime, SteadyClock

BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = 3600.0


class Machine:
    """
    A machine whose clock can be set, beside a counter that can't.
    """

    def __init__(self) -> None:
        self.counter = 1000.0
        self.set_by = 0.0
        self.clock = SteadyClock(lambda: self.wall, lambda: self.counter)

    @property
    def wall(self) -> float:
        """
        What the machine's clock shows.
        """
        return BEGAN.timestamp() + self.counter - 1000 + self.set_by

    @property
    def since(self) -> float:
        """
        How far the process's time has come, in seconds.
        """
        return (self.clock() - BEGAN).total_seconds()

    def live(self, seconds: float, told: DatabaseTime | None = None) -> str | None:
        """
        Let time pass, with a comparison each second; return what the last one found.
        """
        found = None
        for _ in range(int(seconds)):
            self.counter += 1
            found = self.clock.compare(told)
        return found

    def told(self, seconds: float, *, exact: bool) -> DatabaseTime:
        """
        Say what a database tells, as a difference to a clock that nobody has set.
        """
        return DatabaseTime(
            time=BEGAN + timedelta(seconds=self.counter - 1000 + seconds),
            is_exact=exact,
        )


def test_time_passes_as_on_the_machine() -> None:
    """
    While nobody sets anything, it is the machine's.
    """
    machine = Machine()
    assert machine.live(100) is None
    assert machine.clock() == BEGAN + timedelta(seconds=100)


def test_clock_that_is_set_back_a_little_is_waited_for() -> None:
    """
    The time stands still, is believed meanwhile, and goes on as soon as the clock has come as far.
    """
    machine = Machine()
    machine.live(10)
    machine.set_by = -4
    assert machine.live(2) is None
    stood = machine.clock()
    assert stood <= BEGAN + timedelta(seconds=12)
    assert machine.live(2) is None
    assert machine.clock() == stood
    assert machine.live(100) is None
    assert machine.since == pytest.approx(110)


def test_clock_that_is_set_far_back_makes_the_time_unbelievable_until_it_has_come_as_far() -> None:
    """
    An hour back: the process does not go back, and says that it is not to be believed.
    """
    machine = Machine()
    machine.live(10)
    machine.set_by = -HOUR
    assert machine.live(1) == "the machine's clock was set, and is now 3600 s behind the server's"
    assert "behind" in str(machine.live(HOUR - 10))
    assert machine.since <= 12
    assert machine.live(20) is None
    assert machine.since == pytest.approx(machine.counter - 1000 - HOUR)


def test_jump_that_does_not_last_is_not_followed() -> None:
    """
    An hour ahead and back again within seconds: the time has not moved, but was not believed meanwhile.
    """
    machine = Machine()
    machine.live(10)
    machine.set_by = HOUR
    assert machine.live(JUMP_LASTS - 2) == "the machine's clock was set, and is now 3600 s ahead of the server's"
    machine.set_by = 0
    assert machine.live(1) is None
    assert machine.since == pytest.approx(machine.counter - 1000)


def test_jump_that_lasts_is_followed() -> None:
    """
    A machine that was asleep, or set right by NTP: after ten seconds its clock is believed.
    """
    machine = Machine()
    machine.live(10)
    machine.set_by = HOUR
    assert machine.live(JUMP_LASTS + 2) is None
    assert machine.since == pytest.approx(machine.counter - 1000 + HOUR)


def test_jump_that_is_over_confirms_no_later_one() -> None:
    """
    Though the database alone has told since that the clock was right again.
    """
    machine = Machine()
    machine.set_by = HOUR
    assert machine.live(1) is not None
    machine.set_by = 0
    for _ in range(100):
        assert machine.live(1, machine.told(0, exact=True)) is None
    machine.set_by = HOUR
    assert machine.live(1) == "the machine's clock was set, and is now 3600 s ahead of the server's"


def test_databases_clock_confirms_a_jump_at_once_and_refutes_it_for_good() -> None:
    """
    With a clock to compare with, the machine's is followed when the two agree, and only then.
    """
    machine = Machine()
    machine.set_by = HOUR
    assert machine.live(1, machine.told(HOUR + 1, exact=True)) is None
    assert machine.since == pytest.approx(1 + HOUR)
    other = Machine()
    other.set_by = HOUR
    for _ in range(100):
        assert other.live(1, other.told(1, exact=True)) is None
    assert other.since == pytest.approx(100)


@pytest.mark.parametrize("apart", [-4.0, 4.0])
def test_few_seconds_from_the_databases_clock_are_tolerated(apart: float) -> None:
    """
    Within five seconds on either side.
    """
    machine = Machine()
    assert machine.live(1, machine.told(1 + apart, exact=True)) is None


@pytest.mark.parametrize(("apart", "text"), [(-7.0, "7 s ahead of the database's"), (7.0, "7 s behind the database's")])
def test_more_than_five_seconds_from_the_databases_clock_are_not(apart: float, text: str) -> None:
    """
    Nothing is believed until one of the two has been set right.
    """
    machine = Machine()
    assert machine.live(1, machine.told(1 + apart, exact=True)) == f"the server's clock is {text}"
    assert machine.live(1, machine.told(1, exact=True)) is None


def test_slow_answer_of_the_database_is_allowed_for() -> None:
    """
    Where the answer took three seconds, seven apart prove nothing.
    """
    machine = Machine()
    told = machine.told(7, exact=True)
    assert machine.clock.compare(told, took=3.0) is None
    assert machine.clock.compare(told, took=1.0) is not None


def test_time_before_the_newest_record_is_not_believed() -> None:
    """
    A clock that was set back before the process began: what is known is that it was later already.
    """
    machine = Machine()
    assert machine.live(1, machine.told(101, exact=False)) == "the server's clock is 100 s behind the newest record"
    machine.set_by = 101
    assert machine.live(JUMP_LASTS + 2, machine.told(100, exact=False)) is None


def test_old_newest_record_says_nothing() -> None:
    """
    Nobody asked for a token in a week: the time is still right.
    """
    machine = Machine()
    assert machine.live(1, machine.told(-7 * 24 * HOUR, exact=False)) is None


STEPS = st.tuples(
    st.floats(0, 30),  # seconds that pass
    st.one_of(st.just(0.0), st.floats(-10, 10), st.floats(-1e5, 1e5)),  # the clock is set by as much
    st.booleans(),
    st.one_of(st.none(), st.tuples(st.floats(-1e5, 1e5), st.booleans())),  # what the database tells
)


@given(steps=st.lists(STEPS, max_size=40))
def test_time_never_goes_back(steps: list[tuple[float, float, bool, tuple[float, bool] | None]]) -> None:
    """
    However the clock is set and whatever the database tells.
    """
    machine = Machine()
    latest = machine.clock()
    for passes, set_by, compares, told in steps:
        machine.counter += passes
        machine.set_by += set_by
        if compares:
            machine.clock.compare(None if told is None else machine.told(told[0], exact=told[1]))
        assert machine.clock() >= latest
        latest = machine.clock()
