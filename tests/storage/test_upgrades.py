"""
From one version to the next while both run: what a migration may do, and who may work with what it leaves.
"""

from __future__ import annotations

import ast
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.config import Config

from tests.support.home import settings_of
from tests.support.shopping import ask_as_bot
from tests.support.stored import drop_trigger, execute_on_tokens
from watchword.protocol.errors import InvalidTarget
from watchword.server import storage
from watchword.server.bootstrap import open_context, open_logs
from watchword.server.storage import migrate, schema
from watchword.server.storage.administration import bring_up_to_date, database_status
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from tests.support.shopping import Shopping
    from watchword.server.context import Context
    from watchword.server.storage.database import Connection

MIGRATIONS = sorted((Path(storage.__file__).parent / "migrations").glob("*/versions/[0-9]*.py"))
# What takes away or renames something that code of the version before reads or writes.
CONTRACTING = {"drop_table", "drop_column", "alter_column", "rename_table", "drop_constraint"}


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _is_rebuilt(call: ast.Call) -> bool:
    # SQLite alters some things only in a table made anew: the old one moves aside, under this name, and goes.
    return any(isinstance(word, ast.Constant) and str(word.value).endswith("_before") for word in call.args)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: f"{path.parents[1].name} {path.stem}")
def test_migration_takes_nothing_from_the_version_before(path: Path) -> None:
    """
    Unless its name says from which schema on code can work with it: `0007-from-0005`.
    """
    tree = ast.parse(path.read_text())
    revision = next(
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "revision"
        and isinstance(node.value, ast.Constant)
    )
    assert isinstance(revision, str)
    assert revision[:4] == path.stem[:4]
    if "-from-" in revision:
        return
    for call in _calls(tree):
        assert _name(call) not in CONTRACTING or _is_rebuilt(call), f"{path.name} calls {_name(call)}"
        if _name(call) == "add_column":
            column = next(argument for argument in call.args if isinstance(argument, ast.Call))
            words = {word.arg: word.value for word in column.keywords}
            is_nullable = "nullable" not in words or getattr(words["nullable"], "value", None) is True
            assert is_nullable or "server_default" in words, f"{path.name} adds a column that older code can't fill"


def upgrade_to(connection: Connection, history: str, revision: str) -> None:
    """
    Run migrations up to one of them.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(storage.__file__).parent / "migrations" / history))
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    scripts = ScriptDirectory.from_config(config)
    with EnvironmentContext(
        config, scripts, fn=lambda found, _context: scripts._upgrade_revs(revision, found)
    ) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()


@pytest.fixture
def add_something(ctx: Context) -> Context:
    """
    Let a newer version have come by: a column more in every table, a table, a trigger that says more, another schema.
    """
    with ctx.database.administer() as main:
        for table in schema.metadata.tables:
            main.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN of_the_future VARCHAR")
        main.exec_driver_sql("CREATE TABLE of_the_future (id VARCHAR PRIMARY KEY)")
        main.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with ctx.database.administer_tokens(main) as tokens:
            tokens.exec_driver_sql("ALTER TABLE token_events ADD COLUMN of_the_future VARCHAR")
            tokens.exec_driver_sql("UPDATE alembic_version SET version_num = '9999-from-0001'")
    return ctx


async def test_this_version_works_on_what_a_newer_one_has_added_to(shopping: Shopping, add_something: Context) -> None:
    """
    A server that runs goes on, one that starts may, and neither touches what it doesn't know.
    """
    ctx = add_something
    assert (await ask_as_bot(ctx, shopping, scope="read:products")).scope == "read:products"
    for auto_migrate in (True, False):
        settings = ctx.settings.model_copy(update={"auto_migrate": auto_migrate})
        with closing(open_context(settings, NoRequestLines())) as opened:
            assert (await ask_as_bot(opened, shopping, scope="read:products")).scope == "read:products"
    status = database_status(ctx.settings)
    assert status is not None
    assert [one.found for one in status.histories] == ["9999", "9999-from-0001"]
    assert not any(one.pending for one in status.histories)
    assert bring_up_to_date(ctx.settings)[1] == {"main": "9999", "tokens": "9999-from-0001"}


def test_trigger_that_a_newer_version_dropped_is_missed(add_something: Context) -> None:
    """
    What this version relies on must be there by name, whatever it says.
    """
    ctx = add_something
    with ctx.database.write() as connection:
        drop_trigger(connection, "watch_roles_role_update", "roles")
    with pytest.raises(migrate.SchemaError, match="watch_roles_role_update"):
        open_context(ctx.settings, NoRequestLines())


def test_database_that_is_behind_is_refused_where_serve_must_not_migrate(ctx: Context) -> None:
    """
    The refusal says which command does it; with the setting at its default the server does it by itself.
    """
    settings = ctx.settings.model_copy(update={"auto_migrate": False})
    with ctx.database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(migrate.SchemaError, match="run `watchword db migrate`"):
        open_context(settings, NoRequestLines())


@pytest.mark.parametrize("history", ["main", "tokens"])
def test_logs_of_a_database_that_is_behind_are_not_read(ctx: Context, history: str) -> None:
    """
    Who only reads brings nothing up to date, whatever the settings say.
    """
    behind = "UPDATE alembic_version SET version_num = '0000'"
    if history == "main":
        with ctx.database.write() as connection:
            connection.exec_driver_sql(behind)
    else:
        execute_on_tokens(ctx.database, behind)
    for _ in range(2):
        refused = pytest.raises(migrate.SchemaError, match=rf"0000 \({history}\).* run `watchword db migrate`")
        with refused, open_logs(ctx.settings):
            pass


async def test_first_schema_with_data_is_brought_up_to_date(ctx: Context, shopping: Shopping) -> None:
    """
    The database as the first version left it, and what it held, is what this version goes on with.
    """
    rows = _dump(ctx, _first_tables())
    with ctx.database.administer() as main:
        _drop_everything(main)
        upgrade_to(main, "main", "0001")
        for table, held in rows.items():
            main.execute(sa.insert(table), held)
    assert database_status(ctx.settings) is not None
    bring_up_to_date(ctx.settings)
    with closing(open_context(settings_of(ctx.settings.home), NoRequestLines())) as opened:
        assert (await ask_as_bot(opened, shopping, scope="read:products")).scope == "read:products"
        with opened.database.write() as connection:
            connection.exec_driver_sql("DELETE FROM resources WHERE indicator = 'https://shopping.api'")
        with pytest.raises(InvalidTarget):
            await ask_as_bot(opened, shopping, scope="read:products")


def _first_tables() -> list[sa.TableClause]:
    """
    Return the tables that the first schema had, with their columns, parents first.
    """
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        upgrade_to(connection, "main", "0001")
        inspector = sa.inspect(connection)
        names = [name for name, _ in inspector.get_sorted_table_and_fkc_names() if name]
        found = {name: [column["name"] for column in inspector.get_columns(name)] for name in names}
    engine.dispose()
    return [
        sa.table(name, *(sa.column(column, schema.metadata.tables[name].c[column].type) for column in columns))
        for name, columns in found.items()
        if name in schema.metadata.tables and name != schema.changes.name
    ]


def _dump(ctx: Context, tables: list[sa.TableClause]) -> dict[sa.TableClause, list[dict[str, object]]]:
    with ctx.database.read() as connection:
        found = {table: [dict(row._mapping) for row in connection.execute(sa.select(*table.c))] for table in tables}
    return {table: held for table, held in found.items() if held}


def _drop_everything(main: Connection) -> None:
    for name in [*(table.name for table in reversed(schema.metadata.sorted_tables)), "alembic_version"]:
        main.exec_driver_sql(f"DROP TABLE {name}")
