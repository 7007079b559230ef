"""
A job that has more to do goes on, and stops where its turn or the process ends.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.support.home import ON_SQLITE
from watchword.server.jobs import Job
from watchword.server.jobs.runner import run_if_due

if TYPE_CHECKING:
    from datetime import datetime

    from watchword.server.context import Context

pytestmark = ON_SQLITE
TURN = timedelta(minutes=1)


def test_job_goes_on_while_it_has_more_to_do(ctx: Context) -> None:
    """
    Part by part, within one turn.
    """
    left = [True, True, False]
    job = Job("test", TURN, lambda _ctx, _now: left.pop(0))
    assert run_if_due(ctx, job, ctx.clock())
    assert left == []


def note(done: list[datetime], now: datetime) -> bool:
    """
    Note that a part was done; there is always more.
    """
    done.append(now)
    return True


def test_job_stops_with_its_process(ctx: Context) -> None:
    """
    A backlog keeps no server from ending.
    """
    done: list[datetime] = []
    job = Job("test", TURN, lambda _ctx, now: note(done, now))
    assert run_if_due(ctx, job, ctx.clock(), lambda: len(done) == 3)
    assert len(done) == 3


@pytest.mark.parametrize("ahead", [timedelta(minutes=2), timedelta(days=1), timedelta(days=900)], ids=str)
def test_turn_that_a_clock_ahead_has_taken_stops_no_job(ctx: Context, ahead: timedelta) -> None:
    """
    Such a turn would end when the clock that is right has come as far: until then it is nobody's.
    """
    job = Job("test", TURN, lambda _ctx, _now: False)
    now = ctx.clock()
    assert run_if_due(replace(ctx, clock=lambda: now + ahead), job, now + ahead)
    assert run_if_due(ctx, job, now)
    assert not run_if_due(ctx, job, now)


def test_job_stops_when_its_turn_ends(ctx: Context) -> None:
    """
    Then it is another process's turn as much as its own.
    """
    begun = ctx.clock()
    moments = [begun, begun + TURN / 2, begun + TURN]
    done: list[datetime] = []
    job = Job("test", TURN, lambda _ctx, now: note(done, now))
    assert run_if_due(replace(ctx, clock=lambda: moments[len(done)]), job, begun)
    assert len(done) == 2
