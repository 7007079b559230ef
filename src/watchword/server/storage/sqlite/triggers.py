"""
The triggers of SQLite, where a trigger sees one row at a time.

Those that tell of changes are defined here and in `replacing.py`, those that count in `counting.py`.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from watchword.server.storage.sqlite import counting, replacing
from watchword.server.storage.sqlite.replacing import PREFIX
from watchword.server.storage.watched import WATCHED, Watched


def create(connection: sa.Connection, definition: str) -> None:
    """
    Create a trigger.
    """
    connection.exec_driver_sql(definition)


def drop_all(connection: sa.Connection) -> None:
    """
    Drop all triggers that are there.
    """
    for name in present(connection):
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')


def present(connection: sa.Connection) -> dict[str, str]:
    """
    Return the triggers that are there, by name.
    """
    rows = connection.exec_driver_sql(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' "
        f"AND (name LIKE '{PREFIX}%' OR name LIKE '{counting.PREFIX}%')"
    )
    return {row.name: row.sql for row in rows}


def pause(connection: sa.Connection) -> None:
    """
    Drop the change triggers. Other connections see them as they were until this transaction commits.
    """
    for name in _changes():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


def resume(connection: sa.Connection) -> None:
    """
    Create the change triggers that were dropped.
    """
    for definition in _changes().values():
        create(connection, definition)


def definitions() -> dict[str, str]:
    """
    Return the triggers that there should be, by name.
    """
    return {**_changes(), **counting.definitions()}


def _changes() -> dict[str, str]:
    statements = replacing.definitions()
    for watched in WATCHED:
        for event in ("INSERT", "UPDATE", "DELETE"):
            name = f"{PREFIX}{watched.table}_{watched.kind}_{event.lower()}"
            body = "\n  ".join(_body(watched, event))
            statements[name] = f"CREATE TRIGGER {name} AFTER {event} ON {watched.table}\nBEGIN\n  {body}\nEND"
    return statements


def _body(watched: Watched, event: str) -> Iterator[str]:
    if watched.table == "tenants" and event == "INSERT":
        yield "INSERT INTO change_counters (tenant_id, number) SELECT NEW.id, 0 WHERE NOT EXISTS (SELECT 1 FROM change_counters WHERE tenant_id = NEW.id);"  # noqa: E501
    if event != "INSERT":
        moved = f"(OLD.{watched.tenant} IS NOT NEW.{watched.tenant} OR OLD.{watched.key} IS NOT NEW.{watched.key})"
        yield from _append(watched, "OLD", f" AND {moved}" if event == "UPDATE" else "")
    if event != "DELETE":
        yield from _append(watched, "NEW", "")


def _append(watched: Watched, row: str, condition: str) -> Iterator[str]:
    tenant = f"tenant_id = {row}.{watched.tenant}{condition}"
    yield f"UPDATE change_counters SET number = number + 1 WHERE {tenant};"
    yield (
        "INSERT INTO changes (tenant_id, number, nonce, kind, key) "
        f"SELECT tenant_id, number, lower(hex(randomblob(8))), '{watched.kind}', {row}.{watched.key} "
        f"FROM change_counters WHERE {tenant};"
    )
