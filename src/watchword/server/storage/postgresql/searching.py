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
# Not strict, so that the planner can put its body in the place of a call. ASCII is folded by the quickest rules. I with
# a dot, U+0130, stays as `fold_case` leaves it: what no text has stands in for it while the collation's rules apply.
_FOLD = """
CREATE FUNCTION {name}(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(value) = char_length(value) THEN lower(value COLLATE "C")
  ELSE replace(replace(lower(replace(value, U&'\\0130', U&'\\FDD0') COLLATE {collation}) COLLATE "C",
    U&'\\FDD0', U&'\\0130'), U&'\\03C2', U&'\\03C3') END
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
            for table in _lacking(connection):
                parts = ", ".join(f"{FOLD_CASE}({column}) gin_trgm_ops" for column in SEARCHED[table])
                connection.exec_driver_sql(f"CREATE INDEX {_index(table)} ON {table} USING gin ({parts})")
                # By what it then knows of how values are spread, the planner sees when the index is worth its while.
                connection.exec_driver_sql(f"ANALYZE {table}")
    except (exc.ProgrammingError, exc.NotSupportedError, exc.OperationalError):
        return


def suspend(connection: sa.Connection) -> None:
    """
    Drop the indexes before many rows are added: to make them anew afterwards, with `install`, is far quicker.
    """
    for table in SEARCHED:
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {_index(table)}")


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
    return [_index(table) for table in _lacking(connection)] if is_possible(connection) else []


def _lacking(connection: sa.Connection) -> list[str]:
    query = "SELECT to_regclass(%s)"
    return [table for table in SEARCHED if connection.exec_driver_sql(query, (_index(table),)).scalar_one() is None]


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
