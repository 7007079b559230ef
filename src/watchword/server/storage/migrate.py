"""
Bringing a database up to the schema of this version, under its write lock, so that two processes can start at once.
"""

from pathlib import Path

import sqlalchemy as sa

from watchword.server.storage import schema, token_schema, triggers

HEADS = {"main": "0004", "tokens": "0002"}
METADATA = {"main": schema.metadata, "tokens": token_schema.metadata}
_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaError(Exception):
    """
    The database has a schema that this version can't work with. The text says what to do.
    """


def bring_up_to_date(connection: sa.Connection, history: str) -> None:
    """
    Run the migrations that a database lacks, inside the caller's writing transaction.

    Args:
        history: `main` or `tokens`.

    Raises:
        SchemaError: The database comes from a newer version.
    """
    found = version_of(connection)
    if found != HEADS[history]:
        _upgrade(connection, history, found)
        if history == "main":
            triggers.install(connection)


def check(connection: sa.Connection) -> None:
    """
    Refuse to work on a main database whose change triggers are not all in place.

    Raises:
        SchemaError: One is missing or altered.
    """
    lacking = triggers.missing(connection)
    if lacking:
        raise SchemaError(
            f"the database lacks the change trigger {lacking[0]}, without which a revoked right could live on: "
            "run `watchword doctor --repair`"
        )


def version_of(connection: sa.Connection, schema: str | None = None) -> str | None:
    """
    Return the schema that a database has, or None before it has one.

    Args:
        schema: Where to look, if not where the connection looks by itself.
    """
    if not sa.inspect(connection).has_table("alembic_version", schema):
        return None
    table = sa.table("alembic_version", sa.column("version_num", sa.String), schema=schema)
    return connection.execute(sa.select(table.c.version_num)).scalar_one_or_none()


def _upgrade(connection: sa.Connection, history: str, found: str | None) -> None:
    from alembic.config import Config  # noqa: PLC0415 - costs 150 ms, needed only here
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS / history))
    scripts = ScriptDirectory.from_config(config)
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise SchemaError(
            f"the database has schema {found}, this version knows {HEADS[history]}: "
            "it was written by a newer version of watchword, which must go on with it"
        )
    with EnvironmentContext(
        config,
        scripts,
        fn=lambda revision, _context: scripts._upgrade_revs("head", revision),  # noqa: SLF001
    ) as environment:
        environment.configure(connection=connection, target_metadata=METADATA[history])
        environment.run_migrations()
