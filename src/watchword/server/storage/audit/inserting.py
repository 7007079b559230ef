"""
Inserts that say what is to happen where a row is there already: both databases can, each by its own words.
"""

from typing import TYPE_CHECKING, TypeAlias, Union

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from watchword.server.storage.database import Connection

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

Insert: TypeAlias = Union["postgresql.Insert", sqlite.Insert]


def insert_into(connection: Connection, table: sa.Table) -> Insert:
    """
    Begin an insert.
    """
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 3 MiB and 30 ms that SQLite needs not pay

        return postgresql.insert(table)
    return sqlite.insert(table)
