"""
The schema, its migrations, and the triggers that tell what changed.
"""

from __future__ import annotations

import warnings
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from tests.support.home import ON_SQLITE, settings_of
from watchword.server import storage
from watchword.server.bootstrap import open_context
from watchword.server.storage import migrate, schema, token_schema, triggers
from watchword.server.storage.changes import number_of
from watchword.server.storage.databases import database_of
from watchword.server.storage.sqlite.database import SqliteDatabase
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.shopping import Shopping
    from watchword.server.context import Context


def together(*parts: sa.MetaData) -> sa.MetaData:
    """
    Return the tables of several.
    """
    whole = sa.MetaData()
    for part in parts:
        for table in part.sorted_tables:
            table.to_metadata(whole)
    return whole


ON_FILES: Mapping[str, sa.MetaData] = {
    "main": schema.metadata,
    "tokens": together(token_schema.metadata, token_schema.on_sqlite),
}
HISTORIES = list(ON_FILES)


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """
    Leave out the search indexes, which follow from the tables and are no part of the schema.
    """
    return kind != "table" or "_search" not in str(name)


@pytest.mark.parametrize("history", HISTORIES)
def test_migrations_make_the_schema(tmp_path: Path, history: str) -> None:
    """
    From nothing, the migrations lead to exactly the tables that the code knows.
    """
    database = SqliteDatabase(tmp_path / "db", tmp_path / "tokens")
    with database.administer() as connection:
        migrate.bring_up_to_date(connection, history)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Alembic can't compare the index over lower(primary_email)
            context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": is_ours})
            differences = compare_metadata(context, ON_FILES[history])
    database.close()
    assert [d for d in differences if "alembic_version" not in str(d)] == []


@pytest.mark.parametrize("history", HISTORIES)
def test_head_is_the_newest_migration(history: str) -> None:
    """
    The constant that spares start-up from loading Alembic says what the scripts say.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations" / history))
    assert ScriptDirectory.from_config(config).get_current_head() == migrate.HEADS[history]


def test_every_table_carries_its_tenant() -> None:
    """
    All but those of the installation itself; and keys and foreign keys are composite with it.
    """
    own = {"installation", "data_keys", "tenants", "jobs", "token_log_marks", "log_seals", "log_marks"}
    for table in schema.metadata.sorted_tables:
        if table.name in own:
            continue
        assert "tenant_id" in table.c, table.name
        # A log's numbers are one row for all tenants.
        assert "tenant_id" in table.primary_key.columns or table is schema.audit_events, table.name
        for constraint in table.foreign_key_constraints:
            assert "tenant_id" in constraint.column_keys, (table.name, constraint.name)


@pytest.mark.parametrize("version", ["9999-from-9998", "newer", "99999"])
def test_newer_database_is_refused(ctx: Context, version: str) -> None:
    """
    A schema that this version can't work with, or that says nothing that it understands, is left alone.
    """
    with ctx.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    for auto_migrate in (True, False):
        settings = ctx.settings.model_copy(update={"auto_migrate": auto_migrate})
        with pytest.raises(migrate.SchemaError, match="newer version"):
            open_context(settings, NoRequestLines())


def test_missing_trigger_is_refused(home: Path, database: str) -> None:
    """
    Without the triggers a revoked right could live on: the server does not start.
    """
    settings = settings_of(home)
    with closing(database_of(settings)) as opened, opened.write() as connection:
        on = " ON role_scopes" if database == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER watch_role_scopes_role_delete{on}")
    with pytest.raises(migrate.SchemaError, match="watch_role_scopes_role_delete"):
        open_context(settings, NoRequestLines())


@ON_SQLITE
def test_altered_trigger_counts_as_missing(ctx: Context) -> None:
    """
    It is the trigger's text that counts, not its name.
    """
    with ctx.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER watch_roles_role_update")
        connection.exec_driver_sql("CREATE TRIGGER watch_roles_role_update AFTER UPDATE ON roles BEGIN SELECT 1; END")
        assert triggers.missing(connection) == ["watch_roles_role_update"]
        triggers.install(connection)
        assert triggers.missing(connection) == []


STATEMENTS: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "application renamed": (
        "UPDATE applications SET name = 'x' WHERE id = :application",
        {("application", "application")},
    ),
    "application deleted": ("DELETE FROM applications WHERE id = :application", {("application", "application")}),
    "secret deleted": (
        "DELETE FROM application_secrets WHERE application_id = :application",
        {("application", "application")},
    ),
    "role taken": ("DELETE FROM application_roles WHERE role_id = :role", {("application", "application")}),
    "role deleted": ("DELETE FROM roles WHERE id = :role", {("role", "role"), ("application", "application")}),
    "scope deleted": ("DELETE FROM scopes WHERE id = :scope", {("resource", "resource"), ("role", "role")}),
    "resource deleted": (
        "DELETE FROM resources WHERE id = :resource",
        {("resource_indicator", "indicator"), ("role", "role")},
    ),
    "indicator changed": (
        "UPDATE resources SET indicator = 'https://other.api' WHERE id = :resource",
        {("resource_indicator", "indicator")},
    ),
    "key dropped": ("UPDATE signing_keys SET dropped_at = 1", {("tenant", "tenant")}),
}


@pytest.mark.parametrize(("statement", "told"), STATEMENTS.values(), ids=STATEMENTS.keys())
def test_change_of_rows_is_told(ctx: Context, shopping: Shopping, statement: str, told: set[tuple[str, str]]) -> None:
    """
    Raw SQL can't forget it, cascades neither: each entry that could be stale is named.
    """
    keys = {
        "application": shopping.application_id,
        "role": shopping.role_id,
        "resource": shopping.resource_id,
        "scope": shopping.scope_ids["read:products"],
        "indicator": "https://shopping.api",
        "tenant": "default",
    }
    with ctx.database.write() as connection:
        before = number_of(connection, "default")
        wanted = {name: value for name, value in keys.items() if f":{name}" in statement}
        connection.execute(sa.text(statement), wanted)
        rows = connection.execute(
            sa.text("SELECT number, kind, key FROM changes WHERE number > :before ORDER BY number"), {"before": before}
        ).all()
    assert {(kind, keys[name]) for kind, name in told} <= {(row.kind, row.key) for row in rows}
    assert [row.number for row in rows] == list(range(before + 1, before + 1 + len(rows)))


def test_insert_or_replace_is_not_used() -> None:
    """
    It fires no delete trigger.
    """
    folder = Path(storage.__file__).parents[1]
    assert not [path for path in folder.rglob("*.py") if "INSERT OR REPLACE" in path.read_text().upper()]
