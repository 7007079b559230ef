"""
What a process knows of its own state, and what it does about it.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from tests.support.home import ON_SQLITE, settings_of
from tests.support.sealed import add_some_tokens
from tests.support.shopping import Shopping, ask_as_bot
from watchword.protocol.errors import TemporarilyUnavailable
from watchword.server import bootstrap
from watchword.server.bootstrap import open_context
from watchword.server.domain.clock import DatabaseTime, SteadyClock
from watchword.server.jobs import JOBS, runner, token_log_mark
from watchword.server.jobs.runner import JobRunner
from watchword.server.storage.database_time import database_time
from watchword.server.tokens import evidence, vitals
from watchword.server.tokens.vitals import Vitals
from watchword.server.web.health import ready
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from pathlib import Path

    from watchword.server.context import Context

pytestmark = ON_SQLITE

HOUR = 3600.0


class Machine:
    """
    A machine whose clock and counter are under the test's control.
    """

    def __init__(self, began: float) -> None:
        self.counter = 0.0
        self.set_by = 0.0
        self.began = began

    def wall(self) -> float:
        """
        Tell what the clock shows.
        """
        return self.began + self.counter + self.set_by


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """
    Make the machine that `timed` runs on.
    """
    made = Machine(bootstrap.now().timestamp())
    monkeypatch.setattr(vitals, "monotonic", lambda: made.counter)
    return made


@pytest.fixture
def timed(ctx: Context, machine: Machine) -> Context:
    """
    Open a home on that machine.
    """
    clock = SteadyClock(machine.wall, lambda: machine.counter)
    looking = Vitals(clock, ctx.database, ctx.token_log)  # type: ignore[arg-type]  # the real one, behind its protocol
    looking.compare_clocks()
    return replace(ctx, clock=clock, vitals=looking)


def live(ctx: Context, machine: Machine, seconds: int) -> None:
    """
    Let time pass, looked after each second.
    """
    for _ in range(seconds):
        machine.counter += 1
        ctx.vitals.look_after()


async def readiness(ctx: Context) -> tuple[int, dict[str, object]]:
    """
    Ask whether it is ready.
    """
    answer = await ready(ctx, "default")
    return answer.status, json.loads(answer.body)


async def test_all_is_well(ctx: Context) -> None:
    """
    Each thing that was looked at is named.
    """
    names = ("signing_key", "database", "database_writes", "token_log", "freshness", "clock")
    assert await readiness(ctx) == (200, {"status": "ready", "checks": {name: {"ok": True} for name in names}})


async def test_clock_that_is_set_back_stops_tokens_until_time_has_caught_up(
    timed: Context, shopping: Shopping, machine: Machine
) -> None:
    """
    No token carries a time that is wrong, and none of the times goes back.
    """
    live(timed, machine, 3)
    await ask_as_bot(timed, shopping)
    machine.set_by = -60
    live(timed, machine, 2)
    with pytest.raises(TemporarilyUnavailable) as caught:
        await ask_as_bot(timed, shopping)
    assert (caught.value.status, caught.value.retry_after) == (503, 1)
    status, body = await readiness(timed)
    assert (status, body["reason"]) == (503, "clock: the machine's clock was set, and is now 60 s behind the server's")
    live(timed, machine, 60)
    await ask_as_bot(timed, shopping)
    assert (await readiness(timed))[0] == 200


async def test_clock_that_jumps_ahead_is_believed_once_it_has_lasted(
    timed: Context, shopping: Shopping, machine: Machine
) -> None:
    """
    For ten seconds nothing is issued; then time is what the clock says.
    """
    before = timed.clock()
    machine.set_by = HOUR
    live(timed, machine, 1)
    with pytest.raises(TemporarilyUnavailable):
        await ask_as_bot(timed, shopping)
    live(timed, machine, 11)
    await ask_as_bot(timed, shopping)
    assert timed.clock() - before >= timedelta(seconds=HOUR)


async def test_clock_behind_the_newest_record_stops_tokens(ctx: Context, shopping: Shopping, machine: Machine) -> None:
    """
    A process that begins with a clock that is behind what was written down: not ready from the start.
    """
    await ask_as_bot(ctx, shopping)
    machine.began -= 60
    late = Vitals(SteadyClock(machine.wall, lambda: machine.counter), ctx.database, ctx.token_log)  # type: ignore[arg-type]
    late.compare_clocks()
    behind = replace(ctx, vitals=late)
    with pytest.raises(TemporarilyUnavailable):
        await ask_as_bot(behind, shopping)
    status, body = await readiness(behind)
    assert status == 503
    assert "behind the newest record" in str(body["reason"])


async def test_database_is_asked_for_the_time_every_ten_seconds(
    timed: Context, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Not oftener, and a clock of its own that differs by more than five seconds stops tokens.
    """
    asked: list[float] = []

    def tell(_connection: object) -> DatabaseTime:
        asked.append(machine.counter)
        return DatabaseTime(time=timed.clock() + timedelta(seconds=6), is_exact=True)

    monkeypatch.setattr(vitals, "database_time", tell)
    live(timed, machine, 25)
    assert asked == [10, 20]
    assert timed.vitals.time_fault == "the server's clock is 6 s behind the database's"


async def test_what_was_noted_last_is_the_newest_instant(ctx: Context, shopping: Shopping) -> None:
    """
    Before anything is written nothing is known; then a record counts, until a mark is set behind it.
    """
    with ctx.database.read() as connection:
        assert database_time(connection) is None
    await ask_as_bot(ctx, shopping)
    with ctx.database.read() as connection:
        recorded = database_time(connection)
    assert recorded is not None
    assert ctx.clock() - recorded.time < timedelta(seconds=60)
    earlier = ctx.clock() - timedelta(days=1)
    token_log_mark.run_once(ctx, earlier)
    with ctx.database.read() as connection:
        assert database_time(connection) == DatabaseTime(time=earlier, is_exact=False)


def test_token_log_that_is_lost_is_told_once(ctx: Context, home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """
    A new one begins, and what is noted from then on is its own. That there was another is in the log of changes.
    """
    add_some_tokens(ctx, 5)
    token_log_mark.run_once(ctx, ctx.clock())
    ctx.close()
    for path in home.glob("tokens.db*"):
        path.unlink()
    with closing(open_context(settings_of(home), NoRequestLines(), begins_token_log=True)) as began:
        add_some_tokens(began, 1)
        noted_at = began.clock()
        token_log_mark.run_once(began, noted_at)
        with began.database.read() as connection:
            assert database_time(connection) == DatabaseTime(time=noted_at, is_exact=False)
            query = sa.text("SELECT payload FROM audit_events WHERE key = 'TokenLog.Begun'")
            assert '"lost":5' in connection.scalars(query).one().replace(" ", "")
    open_context(settings_of(home), NoRequestLines()).close()
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == ["the token log was missing: a new one was begun"]


async def test_main_database_that_can_not_be_written_is_told_and_stops_no_token(
    ctx: Context, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Tokens need no write to it: the load balancer must not turn away from all nodes at once.
    """
    monkeypatch.setattr(evidence, "_GOOD_FOR_SECONDS", 0.0)
    with closing(sqlite3.connect(ctx.settings.database, isolation_level=None)) as other:
        with ctx.database.write() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 10")
        other.execute("BEGIN IMMEDIATE")
        ctx.vitals.look_after()
        status, body = await readiness(ctx)
        assert (status, body["status"]) == (200, "ready")
        assert body["checks"]["database_writes"] == {"ok": False, "reason": "another program holds its lock"}  # type: ignore[index]
        await ask_as_bot(ctx, shopping)
        other.execute("ROLLBACK")
    monkeypatch.setattr(evidence, "_BAD_FOR_SECONDS", 0.0)
    ctx.vitals.look_after()
    assert (await readiness(ctx))[1]["checks"]["database_writes"] == {"ok": True}  # type: ignore[index]


async def test_database_that_has_not_been_read_for_a_while_is_not_fresh(
    ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Readiness says since when, beside what is wrong.
    """
    later = monotonic() + 30
    for name in ("watchword.db", "watchword.db-wal", "watchword.db-shm"):
        ctx.settings.home.joinpath(name).unlink()
    monkeypatch.setattr("watchword.server.storage.sqlite.stored_file._LOOKS_AGAIN_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(evidence, "monotonic", lambda: later)
    status, body = await readiness(ctx)
    assert (status, body["reason"]) == (503, "database: its file is missing or can't be opened")
    checks = body["checks"]
    assert isinstance(checks, dict)
    assert str(checks["freshness"]["reason"]).startswith("nothing has been read from the database for 3")


async def test_jobs_rest_while_the_time_is_wrong(
    timed: Context, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What they delete, they delete by the time.
    """
    ran: list[str] = []
    monkeypatch.setattr(runner, "run_if_due", lambda _ctx, job, *_: ran.append(job.name))
    jobs = JobRunner(timed)
    machine.set_by = -60
    live(timed, machine, 1)
    jobs.run_what_is_due()
    assert ran == []
    live(timed, machine, 61)
    jobs.run_what_is_due()
    assert ran == [job.name for job in JOBS]


def test_stop_does_not_wait_for_a_job_that_hangs(timed: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Beyond a while: what is left to be written at the end must be written.
    """
    began, may_end = threading.Event(), threading.Event()

    def hang(_: JobRunner) -> None:
        began.set()
        may_end.wait(10)

    monkeypatch.setattr(runner, "_LOOK_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(runner, "_LONGEST_END_SECONDS", 0.05)
    monkeypatch.setattr(JobRunner, "run_what_is_due", hang)
    jobs = JobRunner(timed)
    jobs.start()
    assert began.wait(10)
    jobs.stop()
    assert not may_end.is_set()
    may_end.set()


def test_context_tells_a_time_that_never_goes_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The clock that requests are handed is the steady one, fed by the machine's.
    """
    wall = [bootstrap.now().timestamp()]
    monkeypatch.setattr("watchword.server.bootstrap.time.time", lambda: wall[0])
    with closing(open_context(settings_of(home), NoRequestLines())) as ctx:
        before = ctx.clock()
        wall[0] -= HOUR
        ctx.vitals.look_after()
        assert ctx.clock() >= before
        assert ctx.vitals.time_fault is not None
