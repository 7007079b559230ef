"""
The trigram indexes of PostgreSQL, by its extension `pg_trgm`, and the function by which letter case does not count.

The extension comes with PostgreSQL and is a trusted one: who may create objects in the database may create it.
"""

import sqlalchemy as sa
from sqlalchemy import exc

from watchword.server.storage.folding import FOLD_CASE
from watchword.server.storage.searched import SEARCHED

# The best of what this server has; by the database's own rules, which may know ASCII only, where it has none.
_COLLATIONS = ("und-x-icu", "pg_unicode_fast", "pg_c_utf8")
# Written so that the planner can put its body in the place of a call. ASCII is folded by the quickest rules.
_FOLD = """
CREATE FUNCTION {name}(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE WHEN octet_length(value) = char_length(value) THEN lower(value COLLATE "C")
  ELSE replace(lower(value COLLATE {collation}) COLLATE "C", U&'\\03C2', U&'\\03C3') END
"""


def install(connection: sa.Connection) -> None:
    """
    Make the function, and the indexes that are missing where the extension can be had.
    """
    # What is there stays: indexes depend on it.
    if connection.exec_driver_sql("SELECT to_regproc(%s)", (FOLD_CASE,)).scalar_one() is None:
        connection.exec_driver_sql(_FOLD.format(name=FOLD_CASE, collation=f'"{_collation(connection)}"'))
    try:
        with connection.begin_nested():
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            for table, columns in SEARCHED.items():
                parts = ", ".join(f"{FOLD_CASE}({column}) gin_trgm_ops" for column in columns)
                connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {_index(table)} ON {table} USING gin ({parts})")
    except (exc.ProgrammingError, exc.NotSupportedError, exc.OperationalError):
        return


def broken(connection: sa.Connection) -> list[str]:
    """
    The database keeps its indexes itself.
    """
    del connection
    return []


def absent(connection: sa.Connection) -> list[str]:
    """
    Name the indexes that are not there and could be.
    """
    if not is_possible(connection):
        return []
    query = "SELECT to_regclass(%s)"
    return [
        _index(table) for table in SEARCHED if connection.exec_driver_sql(query, (_index(table),)).scalar_one() is None
    ]


def is_possible(connection: sa.Connection) -> bool:
    """
    Tell whether the extension is there.
    """
    return connection.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").first() is not None


def _index(table: str) -> str:
    return f"ix_{table}_search"


def _collation(connection: sa.Connection) -> str:
    query = "SELECT collname FROM pg_collation WHERE collname = ANY (%s)"
    known = set(connection.exec_driver_sql(query, (list(_COLLATIONS),)).scalars())
    return next((name for name in _COLLATIONS if name in known), "default")
