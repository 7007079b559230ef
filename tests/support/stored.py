"""
What a home's database holds, read and changed behind the servers' backs: whichever of the two databases it is.

Where it is read, the token log's tables are `tokens.token_events` and so on; where it is changed, `token_events`.
"""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from tests.support.home import settings_of
from watchword.server.storage.databases import database_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from watchword.server.storage.database import Database


@contextmanager
def stored(home: Path) -> Iterator[Database]:
    """
    Open a home's database, beside any server.
    """
    with closing(database_of(settings_of(home))) as database:
        yield database


def token_payloads(database: Database) -> list[dict[str, Any]]:
    """
    Return what the records of tokens say, oldest first.
    """
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT payload FROM tokens.token_events ORDER BY number").scalars()
        return [json.loads(payload) for payload in found]


def count_token_records(database: Database) -> int:
    """
    Count the records of tokens.
    """
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM tokens.token_events").scalar_one())


def rows_of(home: Path, query: str) -> Sequence[Sequence[Any]]:
    """
    Return the rows that a query finds.
    """
    with stored(home) as database, database.read() as connection:
        return connection.execute(sa.text(query)).all()


def execute_on_tokens(database: Database, statement: str) -> None:
    """
    Change the token log.
    """
    with database.write_tokens() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL search_path TO tokens")
        connection.exec_driver_sql(statement)


def drop_trigger(connection: sa.Connection, name: str, table: str) -> None:
    """
    Drop a trigger.
    """
    on = f" ON {table}" if connection.dialect.name == "postgresql" else ""
    connection.exec_driver_sql(f"DROP TRIGGER {name}{on}")
