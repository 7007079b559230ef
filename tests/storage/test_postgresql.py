"""
What only PostgreSQL does: triggers a statement, looks and batches that name their server, writers that take turns.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.support.home import ON_POSTGRESQL
from tests.support.stored import count_token_records
from watchword.server.bootstrap import open_context, open_logs
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission
from watchword.server.domain.view import Moment
from watchword.server.operations.operation import writes
from watchword.server.storage import triggers
from watchword.server.storage.changes import Mark, number_of
from watchword.server.storage.database import StorageConflict, StorageUnavailable
from watchword.server.storage.settling import TokenLogMissing
from watchword.server.storage.token_records import Record, RecordRefused
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from tests.support.shopping import Shopping
    from watchword.server.context import Context
    from watchword.server.storage.transaction import Transaction

pytestmark = ON_POSTGRESQL
TENANT = "default"
ROW = ("default", "Test", None, None, "{}", 1)


def changed_since(ctx: Context, number: int) -> list[tuple[int, str, str]]:
    """
    Return the changes after a number.
    """
    with ctx.database.read() as connection:
        query = sa.text("SELECT number, kind, key FROM changes WHERE number > :number ORDER BY number")
        return [(row.number, row.kind, row.key) for row in connection.execute(query, {"number": number})]


def number_now(ctx: Context) -> int:
    """
    Return the newest change's number.
    """
    with ctx.database.read() as connection:
        return number_of(connection, TENANT)


ALTERATIONS = {
    "dropped": "DROP TRIGGER watch_roles_role_update ON roles",
    "disabled": "ALTER TABLE roles DISABLE TRIGGER watch_roles_role_update",
    "its function emptied": (
        "CREATE OR REPLACE FUNCTION watch_roles_role_update() RETURNS trigger LANGUAGE plpgsql "
        "AS 'BEGIN RETURN NULL; END'"
    ),
    "on another table": (
        "DROP TRIGGER watch_roles_role_update ON roles; "
        "CREATE TRIGGER watch_roles_role_update AFTER UPDATE ON users REFERENCING OLD TABLE AS old_rows "
        "NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION watch_roles_role_update()"
    ),
    "on a condition": (
        "DROP TRIGGER watch_roles_role_update ON roles; "
        "CREATE TRIGGER watch_roles_role_update AFTER UPDATE ON roles "
        "FOR EACH STATEMENT WHEN (false) EXECUTE FUNCTION watch_roles_role_update()"
    ),
}


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS.keys())
def test_altered_trigger_counts_as_missing(ctx: Context, alteration: str) -> None:
    """
    A trigger that is there by name only is missing, and put back.
    """
    with ctx.database.write() as connection:
        for statement in alteration.split("; CREATE TRIGGER"):
            prefix = "CREATE TRIGGER" if statement.startswith(" watch_") else ""
            connection.exec_driver_sql(prefix + statement)
        assert triggers.missing(connection) == ["watch_roles_role_update"]
        triggers.install(connection)
        assert triggers.missing(connection) == []


def test_statement_tells_of_each_key_once(ctx: Context, shopping: Shopping) -> None:
    """
    A statement that touches many rows tells of each key once, in numbers without a gap.
    """
    before = number_now(ctx)
    with ctx.database.write() as connection:
        connection.exec_driver_sql("UPDATE application_secrets SET name = name || '!'")
        connection.exec_driver_sql("UPDATE applications SET id = id || 'x' WHERE false")
    found = changed_since(ctx, before)
    assert [number for number, _, _ in found] == list(range(before + 1, before + 1 + len(found)))
    keys = [key for _, kind, key in found if kind == "application"]
    assert len(keys) == len(set(keys)) == 2
    assert shopping.application_id in keys


def test_truncated_table_voids_everything(ctx: Context) -> None:
    """
    Nobody can tell which rows there were: whoever looks next finds a gap.
    """
    with closing(ctx.database.looker()) as looker:
        mark = looker.since(TENANT, None).mark
        with ctx.database.write() as connection:
            connection.exec_driver_sql("TRUNCATE application_roles")
        voided = looker.since(TENANT, mark)
        assert voided.keys is None
        assert looker.since(TENANT, voided.mark).keys == ()


def test_writer_with_another_search_path_is_heard(ctx: Context, shopping: Shopping) -> None:
    """
    Triggers find their tables from wherever rows are written.
    """
    before = number_now(ctx)
    with ctx.database.write() as connection:
        connection.exec_driver_sql("SET LOCAL search_path TO tokens")
        connection.exec_driver_sql("UPDATE public.roles SET description = 'elsewhere'")
    assert [kind for _, kind, _ in changed_since(ctx, before)].count("role") >= 1


def test_numbers_follow_the_order_of_commits(ctx: Context) -> None:
    """
    A writer by raw SQL that has not committed holds up the numbers of the others: none is seen out of order.
    """
    before = number_now(ctx)
    with ThreadPoolExecutor(1) as pool:
        with ctx.database.write() as first:
            first.exec_driver_sql("UPDATE roles SET description = 'first'")

            def second() -> None:
                with ctx.database.write() as connection:
                    connection.exec_driver_sql("UPDATE roles SET description = 'second'")

            waiting = pool.submit(second)
            assert changed_since(ctx, before) == []
            assert not waiting.done()
        waiting.result(10)
    numbers = [number for number, _, _ in changed_since(ctx, before)]
    assert numbers == list(range(before + 1, before + 1 + len(numbers)))


@pytest.mark.parametrize("code", ["40P01", "40001"], ids=["deadlock", "serialization failure"])
def test_somebody_in_the_way_is_a_conflict(ctx: Context, code: str) -> None:
    """
    What may succeed at once is told apart from a database that is away.
    """
    with pytest.raises(StorageConflict), ctx.database.write() as connection:
        connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{code}'; END $$")


def test_operation_is_tried_again_after_a_conflict(ctx: Context, shopping: Shopping) -> None:
    """
    Somebody else's transaction in the way is nothing that a caller hears of; what was half done is done once.
    """
    tries: list[int] = []

    @writes(Permission.ALL)
    def rename(tx: Transaction) -> None:
        tries.append(1)
        tx.record(changed("Test.Changed", tx.actor, {}))
        if len(tries) == 1:
            tx.connection.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$")

    rename(shopping.acting)
    assert len(tries) == 2
    with ctx.database.read() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM audit_events WHERE key = 'Test.Changed'")
        assert count.scalar_one() == 1


def test_batch_goes_to_the_server_that_was_looked_at_or_nowhere(ctx: Context) -> None:
    """
    What was decided by one server's rows is not recorded on another, nor half here and half there.
    """
    with closing(ctx.database.looker()) as looker, closing(ctx.database.token_records()) as records:
        server = looker.since(TENANT, None).server
        here, elsewhere = Moment(0.0, server), Moment(0.0, "1")
        records.commit([Record(ROW, here), Record(ROW, None)])
        for batch in ([elsewhere], [here, elsewhere]):
            with pytest.raises(StorageUnavailable):
                records.commit([Record(ROW, moment) for moment in batch])
        records.commit([Record(ROW, here)])
    with ctx.database.read() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM tokens.token_events WHERE key = 'Test'").scalar_one()
    assert count == 3


def test_bad_record_is_refused_and_the_connection_goes_on(ctx: Context) -> None:
    """
    A record that the server can't keep is told apart from a server that is away.
    """
    with closing(ctx.database.token_records()) as records:
        with pytest.raises(RecordRefused):
            records.commit([Record(("default", "Te\0st", None, None, "{}", 1), None)])
        records.commit([Record(ROW, None)])


def test_uses_are_noted_in_one_statement(ctx: Context) -> None:
    """
    The newest use of a secret counts, however a batch repeats it, and an older one changes nothing.
    """
    with closing(ctx.database.token_records()) as records:
        for moments in ((7, 5), (6,)):
            uses = [("default", "app", "secret", moment) for moment in moments]
            records.note(uses)
    with ctx.database.read() as connection:
        assert connection.exec_driver_sql("SELECT last_used_at FROM tokens.uses").scalars().all() == [7]


def test_look_after_a_lost_connection(ctx: Context) -> None:
    """
    A connection that the server ends is one failed look; the next one opens another.
    """
    with closing(ctx.database.looker()) as looker:
        mark = looker.since(TENANT, None).mark
        with ctx.database.write() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE '%%JOIN LATERAL%%' AND pid <> pg_backend_pid()"
            )
        with pytest.raises(StorageUnavailable):
            looker.since(TENANT, mark)
        assert looker.since(TENANT, mark).keys == ()
        assert looker.since(TENANT, Mark(mark.number, "another history")).keys is None


def test_reader_can_not_write(ctx: Context) -> None:
    """
    A reading transaction refuses to write.
    """
    with pytest.raises(StorageUnavailable), ctx.database.read() as connection:
        connection.exec_driver_sql("DELETE FROM applications")


def test_token_log_that_is_gone_is_begun_anew_by_who_begins_to_serve_alone(ctx: Context) -> None:
    """
    A backup that was put back without the schema of the token log is not filled in by a worker or an audit.
    """
    with ctx.database.write() as connection:
        connection.exec_driver_sql("DROP SCHEMA tokens CASCADE")
    with pytest.raises(TokenLogMissing, match="tokens back"):
        open_context(ctx.settings, NoRequestLines())
    with pytest.raises(TokenLogMissing), open_logs(ctx.settings):
        pass
    open_context(ctx.settings, NoRequestLines(), begins_token_log=True).close()
    with open_logs(ctx.settings) as (database, _):
        assert count_token_records(database) == 0
