"""
Bringing a database up to the schema of this version, under its write lock, so that two processes can start at once.

A schema's name says who can work with it: `0007` is worked with by every version, `0007-from-0005` by those that know
schema 0005 at least. So a node of the version before goes on, and starts, beside those of the next one.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import sqlalchemy as sa

from watchword.server.storage import counts, schema, search_index, token_schema, triggers

HEADS = {"main": "0008", "tokens": "0004"}
METADATA = {"main": schema.metadata, "tokens": token_schema.metadata}
_MIGRATIONS = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(?P<number>\d{4})(?:-from-(?P<oldest>\d{4}))?\Z")


class SchemaError(Exception):
    """
    The database has a schema that this version can't work with. The text says what to do.
    """


class History(msgspec.Struct, frozen=True, kw_only=True):
    """
    How far a database has come in one of the two histories.

    Attributes:
        found: The schema that it has; None before it has one.
        known: The one that this version makes.
        pending: The migrations between the two.
    """

    name: str
    found: str | None
    known: str
    pending: list[str]


class DatabaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a database's schema is like.
    """

    name: str
    histories: list[History]
    missing_triggers: list[str]


def status_of(connection: sa.Connection, name: str, schemas: Mapping[str, str | None]) -> DatabaseStatus:
    """
    Look at a database, on a connection that reads it.

    Args:
        schemas: What was found of each history.

    Raises:
        SchemaError: The database comes from a newer version, with which this one can't work.
    """
    histories = []
    for history, known in HEADS.items():
        found = schemas[history]
        histories.append(History(name=history, found=found, known=known, pending=pending(found, history)))
    return DatabaseStatus(name=name, histories=histories, missing_triggers=missing_triggers(connection))


def bring_up_to_date(connection: sa.Connection, history: str) -> None:
    """
    Run the migrations that a database lacks, inside the caller's writing transaction.

    Args:
        history: `main` or `tokens`.

    Raises:
        SchemaError: The database comes from a newer version, with which this one can't work.
    """
    if not is_behind(version_of(connection), history):
        return
    _upgrade(connection, history)
    if history == "main":
        triggers.install(connection)
        counts.recount(connection)
        search_index.install(connection)


def check_version(found: str | None, history: str) -> None:
    """
    Refuse to work on a database that is behind, or that a newer version has taken too far.

    Raises:
        SchemaError: It is so.
    """
    if is_behind(found, history):
        raise SchemaError(
            f"the database has {'no schema' if found is None else f'schema {found}'} ({history}), "
            f"this version works with {HEADS[history]}: run `watchword db migrate`"
        )


def check_known(found: str | None, history: str) -> None:
    """
    Refuse a schema that is not this version's own, be it one that it can work with.

    Raises:
        SchemaError: It is another.
    """
    if found != HEADS[history]:
        raise SchemaError(
            f"the database has schema {found} ({history}), this version knows {HEADS[history]}: "
            "what a newer version has added would be lost: run that one's command"
        )


def is_behind(found: str | None, history: str) -> bool:
    """
    Tell whether a database lacks migrations.

    Raises:
        SchemaError: It comes from a newer version, with which this one can't work.
    """
    return found != HEADS[history] and not is_newer(found, history)


def is_newer(found: str | None, history: str) -> bool:
    """
    Tell whether a schema comes from a newer version, and can be worked with all the same.

    Raises:
        SchemaError: It is newer, and can't be worked with.
    """
    known = _number(HEADS[history])
    name = _NAME.match(found or "0000")
    if name is not None and int(name["number"]) <= known:
        return False
    if name is not None and int(name["oldest"] or 0) <= known:
        return True
    raise SchemaError(
        f"the database has schema {found}, this version knows {HEADS[history]}: "
        "it was written by a newer version of watchword, which must go on with it"
    )


def check(connection: sa.Connection) -> None:
    """
    Refuse to work on a main database whose triggers are not all in place.

    Raises:
        SchemaError: One is missing or altered.
    """
    lacking = [*missing_triggers(connection), *search_index.broken(connection)]
    if lacking:
        raise SchemaError(
            f"the database lacks the trigger {lacking[0]}: without change triggers a revoked right could live on, "
            "without the others lists are wrong: run `watchword doctor --repair`"
        )


def missing_triggers(connection: sa.Connection) -> list[str]:
    """
    Name the change triggers that are missing or altered.

    A newer version's may say something else under the same names, and more: those of this one must be there.

    Raises:
        SchemaError: The database comes from a newer version, with which this one can't work.
    """
    return triggers.missing(connection, by_name=is_newer(version_of(connection), "main"))


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


def pending(found: str | None, history: str) -> list[str]:
    """
    Name the migrations that a database lacks, in their order.

    Raises:
        SchemaError: The database comes from a newer version, with which this one can't work.
    """
    if not is_behind(found, history):
        return []
    numbers = sorted(path.stem for path in (_MIGRATIONS / history / "versions").glob("[0-9]*.py"))
    return [name for name in numbers if int(name[:4]) > _number(found or "0000")]


def _number(version: str) -> int:
    return int(version[:4])


def _upgrade(connection: sa.Connection, history: str) -> None:
    from alembic.config import Config  # noqa: PLC0415 - costs 150 ms, needed only here
    from alembic.runtime.environment import EnvironmentContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS / history))
    scripts = ScriptDirectory.from_config(config)
    with EnvironmentContext(
        config,
        scripts,
        fn=lambda revision, _context: scripts._upgrade_revs("head", revision),  # noqa: SLF001
    ) as environment:
        environment.configure(connection=connection, target_metadata=METADATA[history])
        environment.run_migrations()
