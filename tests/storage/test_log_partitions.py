"""
The partitions of the token log on PostgreSQL: there before they are needed, and gone at once.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy as sa

from tests.support.home import ON_POSTGRESQL, settings_of
from tests.support.sealed import KEY, LOCAL, add_tokens, seal
from watchword.server.bootstrap import open_context
from watchword.server.domain.names import Permission
from watchword.server.jobs import partitions as partitions_job
from watchword.server.jobs import retention
from watchword.server.operations.audit import verify
from watchword.server.storage import logs
from watchword.server.storage.audit import partitions
from watchword.server.storage.audit.partitions import DAY, Partition, find_partitions
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.types import from_microseconds, to_microseconds
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from watchword.server.context import Context
    from watchword.server.operations.audit import Finding
    from watchword.server.storage.transaction import Upkeep

pytestmark = ON_POSTGRESQL


@pytest.fixture
def short(home: Path) -> Iterator[Context]:
    """
    Open a home that keeps its token log for two days.
    """
    context = open_context(settings_of(home, token_log_retention_days=2), NoRequestLines())
    with closing(context):
        yield context


def known(ctx: Context) -> list[Partition]:
    """
    Return the partitions that are there.
    """
    with ctx.database.read() as connection:
        return find_partitions(connection)


def midnight(ctx: Context, days_ago: int) -> datetime:
    """
    Return when a day began.
    """
    return from_microseconds(to_microseconds(ctx.clock()) // DAY * DAY) - timedelta(days=days_ago)


def tokens_of(ctx: Context) -> Finding:
    """
    Verify the token log.
    """
    return next(found for found in verify(ctx.database, ctx.keys, frozenset()) if found.chain == "token_events")


def total(ctx: Context) -> int:
    """
    Count the records of tokens as the Management API does.
    """
    with ctx.read("default", LOCAL, Permission.ALL) as tx:
        found = logs.listing(tx, LogFilter(key=KEY), None, count_up_to=None)
    assert found.total == len(found.records)
    return found.total


def test_days_are_made_ahead_and_once(short: Context) -> None:
    """
    From the day after tomorrow on, without a gap, whoever asks how often.
    """
    now = short.clock()
    partitions_job.run_once(short, now)
    partitions_job.run_once(short, now + timedelta(days=1))
    partitions_job.run_once(short, now + timedelta(days=1))
    found = known(short)
    assert found[0].first == to_microseconds(midnight(short, -2))
    assert len(found) == 3
    assert all(each.end - each.first == DAY for each in found)
    assert [each.end for each in found[:-1]] == [each.first for each in found[1:]]


def test_rest_is_not_read_while_tokens_wait(short: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What is in the default partition already is looked through before, beside its writers.
    """
    said: list[str] = []
    scanned: list[bool] = []
    create = partitions.create

    def listening(upkeep: Upkeep, partition: Partition) -> None:
        driver: Any = upkeep.connection.connection.driver_connection
        driver.add_notice_handler(lambda notice: said.append(notice.message_primary))
        upkeep.connection.exec_driver_sql("SET LOCAL client_min_messages = debug1")
        said.clear()
        create(upkeep, partition)
        scanned.append(not any("is implied by existing constraints" in text for text in said))

    monkeypatch.setattr(partitions, "create", listening)
    add_tokens(short, [(short.clock(), KEY, "app1")] * 5)
    partitions_job.run_once(short, short.clock())
    assert scanned == [False] * len(known(short)) != []
    assert is_open(short)


def is_open(ctx: Context) -> bool:
    """
    Tell whether the default partition takes whatever has no other.
    """
    with ctx.database.read() as connection:
        return not connection.exec_driver_sql(
            "SELECT 1 FROM pg_constraint WHERE conname = 'token_events_rest_is_closed'"
        ).all()


def test_records_of_a_clock_ahead_are_in_the_way_of_their_own_day_alone(short: Context) -> None:
    """
    That day stays the rest's; those before and after it get their partitions, and records of any their place.
    """
    ahead = midnight(short, -3) + timedelta(hours=5)
    add_tokens(short, [(ahead, KEY, "app1"), (ahead + timedelta(days=900), KEY, "app1")])
    partitions_job.run_once(short, short.clock())
    partitions_job.run_once(short, short.clock() + timedelta(days=1))
    assert [from_microseconds(each.first) for each in known(short)] == [midnight(short, -2), midnight(short, -4)]
    assert is_open(short)
    add_tokens(short, [(midnight(short, -days), KEY, "app1") for days in range(6)])
    assert total(short) == 8


def test_rest_does_not_stay_closed(short: Context) -> None:
    """
    A run that was cut off is mended by the next.
    """
    later = midnight(short, -20)
    with short.upkeep(of_tokens=True) as upkeep:
        partitions.close_rest(upkeep, Partition(to_microseconds(later), to_microseconds(later) + DAY))
    assert not is_open(short)
    partitions_job.run_once(short, short.clock())
    assert is_open(short)
    add_tokens(short, [(later, KEY, "app1")])


def test_run_that_is_cut_off_before_midnight_is_in_no_tokens_way(
    short: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nothing that is written on the next day falls into a span that the rest was closed to.
    """

    class Killed(BaseException):
        pass

    def killed(_upkeep: Upkeep) -> bool:
        raise Killed

    monkeypatch.setattr(partitions, "check_rest", killed)
    monkeypatch.setattr(partitions, "open_rest", killed)
    tonight = midnight(short, -1)
    with pytest.raises(Killed):
        partitions_job.run_once(short, tonight - timedelta(seconds=1))
    assert not is_open(short)
    add_tokens(short, [(tonight, KEY, "app1"), (tonight + timedelta(hours=23), KEY, "app1")])


def test_closed_rest_is_no_fault_of_a_record(short: Context) -> None:
    """
    The log is away, which readiness tells; once the rest is open, it takes the very same record.
    """
    later = midnight(short, -2)
    with short.upkeep(of_tokens=True) as upkeep:
        partitions.close_rest(upkeep, Partition(to_microseconds(later), to_microseconds(later) + DAY))
    with pytest.raises(StorageUnavailable):
        add_tokens(short, [(later, KEY, "app1")])
    with short.upkeep(of_tokens=True) as upkeep:
        partitions.open_rest(upkeep)
    add_tokens(short, [(later, KEY, "app1")])


def test_log_that_is_kept_for_ever_has_few(ctx: Context) -> None:
    """
    A partition holds thirty days where no retention asks for less.
    """
    partitions_job.run_once(ctx, ctx.clock())
    (only,) = known(ctx)
    assert only.end - only.first == 30 * DAY


def test_whole_days_go_with_what_was_sealed_over_them(short: Context) -> None:
    """
    The records around midnight share a seal, in no order: what is kept is proved from its end on, and counted.
    """
    partitions_job.run_once(short, midnight(short, 10))
    first, second = known(short)
    evening = from_microseconds(first.end) - timedelta(minutes=2)
    add_tokens(short, [(evening - timedelta(hours=30), KEY, "before")] * 3)
    seal(short)
    add_tokens(short, [(evening - timedelta(hours=n), KEY, "app1") for n in range(20)])
    seal(short)
    add_tokens(short, [(evening + timedelta(minutes=n % 4), KEY, "app2") for n in range(8)])
    seal(short)
    add_tokens(short, [(evening + timedelta(hours=1 + n), KEY, "app1") for n in range(10)])
    add_tokens(short, [(short.clock(), KEY, "app1")] * 4)
    seal(short)
    assert total(short) == 45
    deleted: list[int] = []
    engine = short.database._writer  # type: ignore[attr-defined]

    def count(_connection: object, cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401 - the driver's
        if statement.startswith("DELETE FROM tokens.token_events"):
            deleted.append(cursor.rowcount)

    sa.event.listen(engine, "after_cursor_execute", count)
    retention.run_once(short, from_microseconds(first.end) + timedelta(days=2, minutes=30))
    assert known(short) == [second]
    assert sum(deleted) < 31  # the day's own records went with its partition
    found = tokens_of(short)
    assert (found.faults, found.records, found.checkpoint is not None) == ([], 14, True)
    assert total(short) == 14
    retention.run_once(short, short.clock())
    assert known(short) == [second]  # its last seal has records of today
    assert tokens_of(short).faults == []


def test_partition_that_is_not_sealed_stays(short: Context) -> None:
    """
    Nothing goes that could not be proved before; an empty one goes.
    """
    partitions_job.run_once(short, midnight(short, 10))
    first, second = known(short)
    add_tokens(short, [(from_microseconds(second.first), KEY, "app1")] * 4)
    retention.run_once(short, short.clock())
    assert known(short) == [second]
    assert tokens_of(short).unsealed == 4
    seal(short)
    retention.run_once(short, short.clock())
    assert known(short) == []
    found = tokens_of(short)
    assert (found.faults, found.records, total(short)) == ([], 0, 0)
    assert first < second


def test_record_of_a_clock_ahead_keeps_no_partition(short: Context) -> None:
    """
    It is as old as its seal allows, and goes with it.
    """
    partitions_job.run_once(short, midnight(short, 10))
    first, second = known(short)
    add_tokens(short, [(from_microseconds(first.first), KEY, "app1"), (midnight(short, -900), KEY, "app1")])
    seal(short)
    retention.run_once(short, short.clock())
    assert known(short) == [first, second]
    retention.run_once(short, short.clock() + timedelta(days=3))
    assert (known(short), total(short), tokens_of(short).faults) == ([], 0, [])


def test_reader_is_not_waited_for(short: Context) -> None:
    """
    Tokens would queue behind whoever waits for the table: it gives up at once, and comes again.
    """
    partitions_job.run_once(short, midnight(short, 10))
    with short.database.read() as connection:
        connection.execute(sa.text("SELECT count(*) FROM tokens.token_events"))
        with pytest.raises(StorageUnavailable, match="lock timeout"):
            retention.run_once(short, short.clock())
    assert len(known(short)) == 2
    retention.run_once(short, short.clock())
    assert known(short) == []


def test_role_that_may_not_change_tables_drops_record_by_record(short: Context, home: Path) -> None:
    """
    What it may is to delete: retention holds, and no partition is asked for.
    """
    url = short.settings.database_url
    assert url is not None
    with closing(psycopg.connect(url.get_secret_value(), autocommit=True)) as connection:
        name = connection.info.dbname
        for statement in (
            f"CREATE ROLE serving_{name} LOGIN",
            f"GRANT USAGE ON SCHEMA tokens TO serving_{name}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, tokens TO serving_{name}",
        ):
            connection.execute(statement)
    try:
        partitions_job.run_once(short, midnight(short, 10))
        add_tokens(short, [(midnight(short, 8), KEY, "app1")] * 4)
        seal(short)
        serving = url.get_secret_value().replace("postgres@", f"serving_{name}@")
        context = open_serving(home, serving)
        with closing(context):
            assert known(context) == []
            partitions_job.run_once(context, context.clock())
            retention.run_once(context, context.clock())
            found = tokens_of(context)
            assert (found.faults, found.records) == ([], 0)
        assert len(known(short)) == 2
    finally:
        with closing(psycopg.connect(url.get_secret_value(), autocommit=True)) as connection:
            connection.execute(f"DROP OWNED BY serving_{name}")
            connection.execute(f"DROP ROLE serving_{name}")


def open_serving(home: Path, url: str) -> Context:
    """
    Open a home as another role.
    """
    return open_context(settings_of(home, token_log_retention_days=2, database_url=url), NoRequestLines())
