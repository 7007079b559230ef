"""
How often a password may be tried, on both databases.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.clock import MovedClock, with_clock
from watchword.server.bootstrap import open_context
from watchword.server.domain.names import DEFAULT_TENANT
from watchword.server.operations import operator_sessions, operator_tries
from watchword.server.operations.operator_tries import MOST_TRIES, MOST_TRIES_OF_A_SOURCE, TooManyTries
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from watchword.server.context import Context


@pytest.fixture
def held(ctx: Context, clock: MovedClock) -> Context:
    """
    Hold the time still.
    """
    return with_clock(ctx, clock)


def wait(ctx: Context, source: str, name: str) -> int:
    """
    Begin a try; return how many seconds one has to wait, 0 where it may be made.
    """
    try:
        operator_tries.begin(ctx, DEFAULT_TENANT, source, name)
    except TooManyTries as refused:
        return refused.seconds
    return 0


def rows(ctx: Context) -> list[str]:
    """
    Read the counters.
    """
    with ctx.database.read() as connection:
        return [str(row) for row in connection.exec_driver_sql("SELECT * FROM operator_tries")]


def test_name_is_bounded_and_others_of_the_source_are_not(held: Context, clock: MovedClock) -> None:
    """
    The eleventh try waits until the first is a minute old, however a name is written. One that waits does not count.
    """
    for _ in range(MOST_TRIES):
        assert wait(held, "one", "ada") == 0
        clock.move(seconds=1)
    assert [wait(held, "one", name) for name in ("ada", "ADA")] == [50, 50]
    assert wait(held, "one", "ben") == wait(held, "two", "ada") == 0
    clock.move(seconds=49)
    assert wait(held, "one", "ada") == 1
    clock.move(seconds=1)
    assert wait(held, "one", "ada") == 0


def test_success_counts_for_nothing(held: Context) -> None:
    """
    Whoever knows the password may sign in as often as they like.
    """
    for _ in range(2 * MOST_TRIES_OF_A_SOURCE):
        assert wait(held, "one", "ada") == 0
        operator_tries.take_back(held, DEFAULT_TENANT, "one", "ada")


def test_source_is_bounded_whatever_names_it_tries(held: Context) -> None:
    """
    Who guesses names does not get further.
    """
    for number in range(MOST_TRIES_OF_A_SOURCE):
        assert wait(held, "one", f"name{number}") == 0
    assert wait(held, "one", "another") == 60
    assert wait(held, "two", "another") == 0


def test_processes_count_together(held: Context) -> None:
    """
    So many tries, and not so many times the number of workers and nodes; nor more of those that come at once.
    """
    with closing(open_context(held.settings, NoRequestLines())) as other, ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda number: wait((held, other)[number % 2], "one", "ada"), range(4 * MOST_TRIES)))
    assert waits.count(0) == MOST_TRIES


def test_clock_that_was_wrong_locks_nobody_out(held: Context, clock: MovedClock) -> None:
    """
    What was counted in days to come is counted anew.
    """
    clock.move(days=2)
    for _ in range(MOST_TRIES):
        assert wait(held, "one", "ada") == 0
    clock.move(days=-2)
    assert wait(held, "one", "ada") == 0


def test_counters_name_nobody_and_are_forgotten(held: Context, clock: MovedClock) -> None:
    """
    A password that was typed where the name belongs is not kept; nor is anything for longer than it counts.
    """
    wait(held, "203.0.113.7", "correct horse battery")
    assert len(rows(held)) == 2
    assert not any("203.0.113.7" in row or "horse" in row for row in rows(held))
    clock.move(seconds=59)
    operator_sessions.forget_ended(held)
    assert len(rows(held)) == 2
    clock.move(seconds=1)
    operator_sessions.forget_ended(held)
    assert rows(held) == []
