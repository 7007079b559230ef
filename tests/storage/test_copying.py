"""
Copying an installation: from SQLite to PostgreSQL and back, all of it or nothing, and nobody goes on with what was.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from tests.support.home import settings_of
from tests.support.sealed import seal
from tests.support.shopping import ask_as_bot
from tests.support.stored import execute_on_tokens
from watchword.server.bootstrap import open_context
from watchword.server.operations import audit, scopes
from watchword.server.storage import copying, schema, token_schema
from watchword.server.storage.administration import bring_up_to_date, copy_database
from watchword.server.storage.changes import Mark
from watchword.server.storage.copying import CopyError
from watchword.server.storage.databases import database_of
from watchword.server.storage.migrate import SchemaError
from watchword.server.storage.settling import TokenLogMissing
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.postgres_server import PostgresServer
    from tests.support.shopping import Shopping
    from watchword.server.context import Context
    from watchword.server.settings import Settings


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest) -> str:
    """
    Begin with SQLite: the way back is part of each test.
    """
    chosen: str = request.param
    return chosen


@pytest.fixture
def both(ctx: Context, postgres: PostgresServer) -> Iterator[Settings]:
    """
    Return settings that name both ends: the home's files, and a new database.
    """
    with postgres.new_database() as url:
        yield settings_of(ctx.settings.home, database_url=url)


def copy(settings: Settings, *, to_postgresql: bool) -> dict[str, tuple[int, str]]:
    """
    Copy; return rows and digest by table.
    """
    copied = copy_database(settings, to_postgresql=to_postgresql, report=lambda _: None)
    return {one.table: (one.rows, one.digest) for one in copied}


def empty_files(settings: Settings) -> Settings:
    """
    Move to a home with the same master key and no files of a database.
    """
    home = settings.home.parent / "other"
    home.mkdir()
    (home / "master.key").write_bytes((settings.home / "master.key").read_bytes())
    (home / "master.key").chmod(0o600)
    assert settings.database_url is not None
    return settings_of(home, database_url=settings.database_url.get_secret_value())


async def test_all_arrives_and_all_comes_back(ctx: Context, shopping: Shopping, both: Settings) -> None:
    """
    Every table of both histories is copied; a secret that was good is good there, and what is read is the same.
    """
    await ask_as_bot(ctx, shopping, scope="read:products")
    there = copy(both, to_postgresql=True)
    tables = {*schema.metadata.tables, *token_schema.metadata.tables} - {"changes"}
    assert set(there) == tables
    assert there["token_events"][0] == 1
    with closing(open_context(both, NoRequestLines())) as copied:
        assert (await ask_as_bot(copied, shopping, scope="read:products")).scope == "read:products"
    other = empty_files(both)
    back = copy(other, to_postgresql=False)
    assert back["token_events"][0] == 2
    unchanged = tables - {"token_events", "uses", "change_counters", "jobs"}
    assert {name: back[name] for name in unchanged} == {name: there[name] for name in unchanged}
    with closing(open_context(settings_of(other.home), NoRequestLines())) as returned:
        assert (await ask_as_bot(returned, shopping, scope="read:products")).scope == "read:products"


def assert_proved(ctx: Context) -> None:
    """
    Both logs are as they were sealed, and nothing is left unsealed.
    """
    found = audit.verify(ctx.database, ctx.keys, frozenset())
    assert [(one.faults, one.unsealed, one.records > 0) for one in found] == [([], 0, True)] * 2


async def test_what_was_sealed_is_proved_on_either_side(ctx: Context, shopping: Shopping, both: Settings) -> None:
    """
    Records are sealed as the text that stands there, however each database would write it, and arrive as such.
    """
    await ask_as_bot(ctx, shopping, scope="read:products")
    seal(ctx)
    copy(both, to_postgresql=True)
    with closing(open_context(both, NoRequestLines())) as copied:
        assert_proved(copied)
        scopes.create(replace(shopping.acting, ctx=copied), shopping.resource_id, "there", "as it is written there")
        seal(copied)
    other = empty_files(both)
    copy(other, to_postgresql=False)
    with closing(open_context(settings_of(other.home), NoRequestLines())) as returned:
        assert_proved(returned)


async def test_record_that_is_written_with_spaces_arrives_with_them(
    ctx: Context, shopping: Shopping, both: Settings
) -> None:
    """
    As other programs, and older versions, have written them.
    """
    await ask_as_bot(ctx, shopping, scope="read:products")
    spaced = "UPDATE audit_events SET payload = replace(payload, ':', ' : ')"
    with ctx.database.write("default") as connection:
        connection.execute(sa.text(spaced))
    seal(ctx)
    copy(both, to_postgresql=True)
    with closing(open_context(both, NoRequestLines())) as copied:
        assert_proved(copied)


@pytest.mark.parametrize("to_postgresql", [True, False], ids=["files", "server"])
def test_nothing_is_copied_from_nothing(both: Settings, *, to_postgresql: bool) -> None:
    """
    A source without an installation is a mistake, and the target stays as it was.
    """
    with pytest.raises(CopyError, match="nothing to copy"):
        copy(empty_files(both), to_postgresql=to_postgresql)


@pytest.mark.parametrize("history", ["main", "tokens"])
@pytest.mark.parametrize("end", ["source", "target"])
def test_newer_schema_is_not_copied(both: Settings, end: str, history: str) -> None:
    """
    A version that could work with it does not know what would be lost.
    """
    settings = both if end == "target" else both.model_copy(update={"database_url": None})
    bring_up_to_date(settings)
    newer = "UPDATE alembic_version SET version_num = '9999-from-0001'"
    with closing(database_of(settings)) as database:
        if history == "main":
            with database.write() as connection:
                connection.exec_driver_sql(newer)
        else:
            execute_on_tokens(database, newer)
    with pytest.raises(SchemaError, match=rf"has schema 9999-from-0001 \({history}\)"):
        copy(both, to_postgresql=True)


def test_token_log_that_is_missing_is_not_copied(ctx: Context, both: Settings) -> None:
    """
    A copy without records is none; and what is another installation's goes nowhere.
    """
    ctx.database.close()
    away = both.home / "away.db"
    both.token_database.rename(away)
    with pytest.raises(TokenLogMissing):
        copy(both, to_postgresql=True)
    assert not both.token_database.exists()
    away.rename(both.token_database)
    with closing(database_of(settings_of(both.home))) as database:
        execute_on_tokens(database, "UPDATE installation SET id = 'other'")
    with pytest.raises(SchemaError, match="belongs to another installation"):
        copy(both, to_postgresql=True)


def test_target_that_holds_something_is_left_alone(both: Settings) -> None:
    """
    A second copy would mix two moments.
    """
    copy(both, to_postgresql=True)
    for to_postgresql in (True, False):
        with pytest.raises(CopyError, match="is not empty"):
            copy(both, to_postgresql=to_postgresql)


def test_database_that_waits_for_the_other_is_not_given_up(both: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While a long table is read back on one side, nothing is asked of the other.
    """
    waits: list[str] = []
    copy_table = copying._copy

    def asking(origin: sa.Connection, read: sa.Table, connection: sa.Connection, table: sa.Table) -> copying.Copied:
        (server,) = [each for each in (origin, connection) if each.dialect.name == "postgresql"]
        waits.append(server.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar_one())
        return copy_table(origin, read, connection, table)

    monkeypatch.setattr(copying, "_copy", asking)
    copy(both, to_postgresql=True)
    assert set(waits) == {"0"}


def test_copy_that_differs_is_undone(both: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What arrived is read back and compared: a row that was altered on its way undoes all.
    """
    batches = copying._batches

    def altering(connection: sa.Connection, table: sa.Table) -> Iterator[list[tuple[object, ...]]]:
        for batch in batches(connection, table):
            alter = table.name == "roles" and connection.dialect.name == "postgresql"
            yield [(*row[:2], "x", *row[3:]) for row in batch] if alter else batch

    monkeypatch.setattr(copying, "_batches", altering)
    with pytest.raises(CopyError, match="the copy of roles differs"):
        copy(both, to_postgresql=True)
    monkeypatch.undo()
    copy(both, to_postgresql=True)


async def test_numbers_go_on_where_they_were(ctx: Context, shopping: Shopping, both: Settings) -> None:
    """
    A record's id is its number: one that was ever given is not given again, its record being there or not.
    """
    for _ in range(3):
        await ask_as_bot(ctx, shopping)
    with ctx.database.read() as connection:
        changed = connection.exec_driver_sql("SELECT max(number) FROM audit_events").scalar_one()
    with ctx.database.write() as main, ctx.database.administer_tokens(main) as tokens:
        tokens.exec_driver_sql("DELETE FROM token_events")
    with ctx.database.write() as main:
        main.exec_driver_sql("DELETE FROM audit_events")
    copy(both, to_postgresql=True)
    with closing(open_context(both, NoRequestLines())) as copied:
        await ask_as_bot(copied, shopping)
        with copied.database.read() as connection:
            number = "SELECT max(number) FROM tokens.token_events"
            assert connection.exec_driver_sql(number).scalar_one() == 4
        scopes.create(replace(shopping.acting, ctx=copied), shopping.resource_id, "count:products", None)
        with copied.database.read() as connection:
            assert connection.exec_driver_sql("SELECT min(number) FROM audit_events").scalar_one() == changed + 1


def test_whoever_looks_at_the_target_forgets(ctx: Context, both: Settings) -> None:
    """
    The history of the copy joins no other's: neither the source's, nor that of what was there before.
    """
    with closing(ctx.database.looker()) as looker:
        seen = looker.since("default", None).mark
    copy(both, to_postgresql=True)
    with closing(database_of(both)) as target, closing(target.looker()) as looker:
        assert looker.since("default", seen).keys is None
        assert looker.since("default", Mark(0, "")).keys is None
        found = looker.since("default", None).mark
        assert found.number > seen.number
        assert looker.since("default", found).keys == ()
