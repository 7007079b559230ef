"""
What PostgreSQL refuses for a while is known as such, whatever the error; what it refuses for good is not.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa

from benchmarks.postgres_server import new_folder, start_postgres
from tests.support.home import ON_POSTGRESQL, settings_of
from tests.support.postgres import QUICK
from watchword.server.bootstrap import open_context
from watchword.server.storage import migrate
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.postgresql.database import PostgresDatabase
from watchword.server.storage.token_records import Record, RecordRefused
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.postgres_server import PostgresServer
    from watchword.server.context import Context

pytestmark = ON_POSTGRESQL
ROW = ("default", "Test", None, None, "{}", 1)
PASSING = {
    "57P01": "an administrator's shutdown",
    "57P02": "a crash",
    "57P03": "a server that starts",
    "57P04": "a database that is dropped",
    "57P05": "a session idle for too long",
    "25006": "a read-only transaction",
    "25P03": "a transaction idle for too long",
    "25P04": "a transaction that takes too long",
    "57014": "a statement that takes too long",
    "55P03": "a lock that can't be had in time",
    "53300": "too many connections",
    "53100": "a full disk",
    "53200": "memory used up",
    "53400": "a limit of the configuration",
    "58030": "a disk that fails",
    "XX001": "damaged data",
    "XX000": "a fault of the server",
    "42501": "a right that is lacking",
    "42P01": "a table that is away",
    "26000": "a statement prepared on another connection",
    "08006": "a broken connection",
}


def raising(code: str) -> str:
    """
    Write a statement that fails with an error of this code.
    """
    return f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$"


@pytest.mark.parametrize("code", PASSING, ids=PASSING.values())
def test_passing_error_is_told_apart(ctx: Context, code: str) -> None:
    """
    Reading and writing, it is a database that is away: callers hear 503 and may try again. The next one succeeds.
    """
    for begin in (ctx.database.read, ctx.database.write):
        with pytest.raises(StorageUnavailable), begin() as connection:
            connection.exec_driver_sql(raising(code))
        with begin() as connection:
            assert connection.scalar(sa.text("SELECT 1")) == 1


@pytest.mark.parametrize("code", [*PASSING, "40001", "40P01", "23514"])
def test_batch_that_meets_a_passing_error_may_be_written_again(ctx: Context, code: str) -> None:
    """
    No record of it stands, and the next commit takes it.
    """
    records = ctx.database.token_records()
    with ctx.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$f$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $f$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON tokens.token_events FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    batch = [Record(ROW, None)] * 3
    with pytest.raises(StorageUnavailable):
        records.commit(batch)
    with ctx.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER refuse ON tokens.token_events")
    records.commit(batch)
    with ctx.database.read() as connection:
        count = "SELECT count(*) FROM tokens.token_events WHERE key = 'Test'"
        assert connection.exec_driver_sql(count).scalar_one() == 3
    records.close()


@pytest.mark.parametrize("code", ["22001", "22021"], ids=["too long", "no text"])
def test_bad_record_is_no_passing_error(ctx: Context, code: str) -> None:
    """
    It would fail for ever: the log has to part it from its neighbours.
    """
    with ctx.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$f$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $f$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON tokens.token_events FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    records = ctx.database.token_records()
    with pytest.raises(RecordRefused):
        records.commit([Record(ROW, None)])
    records.close()


def test_mistake_of_ours_stays_one(ctx: Context) -> None:
    """
    SQL that is wrong is wrong the next time as well: nobody is told to try again.
    """
    with pytest.raises(sa.exc.ProgrammingError), ctx.database.read() as connection:
        connection.exec_driver_sql("SELECT nothing FROM roles")


def test_exhausted_pool_is_a_database_that_is_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With one connection and a long reader the next one waits for a while, then hears so; later it works again.
    """
    monkeypatch.setattr("watchword.server.storage.postgresql.database._POOL_TIMEOUT_SECONDS", 0.1)
    ctx = open_context(settings_of(home, database_pool_size=1), NoRequestLines())
    for begin in (ctx.database.read, ctx.database.write):
        with begin(), pytest.raises(StorageUnavailable), begin():
            pass
        with begin() as connection:
            assert connection.scalar(sa.text("SELECT 1")) == 1
    ctx.close()


@pytest.mark.slow
@pytest.mark.usefixtures("database")
def test_commit_that_no_standby_confirms_is_not_acknowledged() -> None:
    """
    The server warns and answers as if all was well, when somebody cancels what waits for a standby.
    """
    with new_folder() as folder, start_postgres(folder / "alone", **QUICK) as server:
        database = PostgresDatabase(server.url(), 2)
        with database.administer() as main, database.administer_tokens(main) as tokens:
            migrate.bring_up_to_date(tokens, "tokens")
        records = database.token_records()
        server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        server.execute("SELECT pg_reload_conf()")

        def change() -> None:
            with database.write() as connection:
                connection.exec_driver_sql("CREATE TABLE anything ()")

        for commit in (partial(records.commit, [Record(ROW, None)]), change):
            with ThreadPoolExecutor(1) as thread:
                waiting = thread.submit(commit)
                cancel_what_waits(server)
                with pytest.raises(StorageUnavailable, match="standby"):
                    waiting.result(20)
        records.close()
        database.close()


def cancel_what_waits(server: PostgresServer) -> None:
    """
    Cancel the backend that waits for a standby, as soon as one does.
    """
    deadline = time.monotonic() + 30
    cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with closing(psycopg.connect(server.url(), autocommit=True)) as connection:
        while not connection.execute(cancel).fetchall():
            assert time.monotonic() < deadline
            time.sleep(0.05)
