"""
What a node knows of its own state where there is a database server: its clock is the one that counts.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.support.home import ON_POSTGRESQL
from tests.support.shopping import Shopping, ask_as_bot
from tests.support.stored import count_token_records
from watchword.protocol.errors import TemporarilyUnavailable
from watchword.server import bootstrap
from watchword.server.domain.clock import SteadyClock
from watchword.server.storage.database_time import database_time
from watchword.server.storage.transaction import Upkeep
from watchword.server.storage.upkeep import prove_writing
from watchword.server.tokens import evidence
from watchword.server.tokens.vitals import Vitals
from watchword.server.web.health import ready

if TYPE_CHECKING:
    from watchword.server.context import Context

pytestmark = ON_POSTGRESQL


def node(ctx: Context, *, off_by: float) -> Context:
    """
    Open a node whose machine's clock is off by so many seconds.
    """

    def wall() -> float:
        return bootstrap.now().timestamp() + off_by

    clock = SteadyClock(wall, bootstrap.uptime)
    vitals = Vitals(clock, ctx.database, ctx.token_log)  # type: ignore[arg-type]  # the real one, behind its protocol
    vitals.compare_clocks()
    return replace(ctx, clock=clock, vitals=vitals)


@pytest.mark.parametrize("off_by", [-60.0, 60.0])
async def test_node_whose_clock_is_off_issues_nothing(ctx: Context, shopping: Shopping, off_by: float) -> None:
    """
    In either direction, and readiness says by how much.
    """
    wrong = node(ctx, off_by=off_by)
    with pytest.raises(TemporarilyUnavailable):
        await ask_as_bot(wrong, shopping)
    answer = await ready(wrong, "default")
    assert answer.status == 503
    side = "ahead of" if off_by > 0 else "behind"
    assert f"s {side} the database's" in answer.body.decode()


@pytest.mark.parametrize("off_by", [-3.0, 3.0])
async def test_few_seconds_are_tolerated(ctx: Context, shopping: Shopping, off_by: float) -> None:
    """
    Clocks are never quite together.
    """
    assert (await ask_as_bot(node(ctx, off_by=off_by), shopping)).access_token


async def test_database_tells_its_own_time(ctx: Context) -> None:
    """
    To the moment, and whatever is in its tables.
    """
    with ctx.database.read() as connection:
        told = database_time(connection)
    assert told is not None
    assert told.is_exact
    assert abs(told.time - bootstrap.now()) < timedelta(seconds=30)


async def test_writing_is_proved_by_a_write(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    On both connections that write; nothing of it is in the log.
    """
    monkeypatch.setattr(evidence, "_GOOD_FOR_SECONDS", 0.0)
    ctx.vitals.look_after()
    assert (await ready(ctx, "default")).status == 200
    assert count_token_records(ctx.database) == 0
    with ctx.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM jobs WHERE name = 'proof-of-writing'").scalar_one() == 1


def test_two_processes_prove_at_once_that_they_can_write(ctx: Context) -> None:
    """
    The first time, too, when neither finds the other's row.
    """
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool:
        with ctx.database.write() as first:
            prove_writing(Upkeep(first), ctx.clock())
            second = pool.submit(_prove_writing, ctx)
            with ctx.database.read() as connection:
                while connection.exec_driver_sql(waiting).scalar_one() == 0:
                    assert not second.done()
                    connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
        second.result(10)


def _prove_writing(ctx: Context) -> None:
    with ctx.database.write() as connection:
        prove_writing(Upkeep(connection), ctx.clock())
