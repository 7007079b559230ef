"""
Inserts that say what is to happen where a row is there already: both databases can, each by its own words.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from watchword.server.storage.database import Connection


def insert_into(connection: Connection, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """
    Begin an insert.
    """
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
