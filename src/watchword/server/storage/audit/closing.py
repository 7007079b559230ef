"""
Which numbers of a log are closed: no transaction that is still open can add a record below them.

    SQLite      one transaction writes at a time, and numbers are given inside it: what is committed is closed.
    PostgreSQL  a sequence gives numbers in no order of commits. Whoever inserts holds a lock on the table from before
                the number is given until the commit: once all who held it when a number was read have let go, all
                records up to that number are there, or will never be.
"""

import sqlalchemy as sa

from watchword.server.storage.audit.chains import Chain
from watchword.server.storage.audit.reading import newest_number
from watchword.server.storage.database import Database

# A writer that takes longer keeps its numbers, and those after them, open until the next turn.
_MOST_LOOKS, _LOOK_EVERY_SECONDS = 40, 0.05


def closed_number(database: Database, chain: Chain) -> int | None:
    """
    Return the largest number that is closed, 0 where there is no record; None where it can't be told now.

    Raises:
        StorageUnavailable: The database can't be read.
    """
    with database.read() as connection:
        newest = newest_number(connection, chain)
        if connection.dialect.name == "sqlite":
            return newest
    return newest if _have_ended(database, _writers(database, chain), chain) else None


def _have_ended(database: Database, writers: frozenset[str], chain: Chain) -> bool:
    for _ in range(_MOST_LOOKS):
        writers &= _writers(database, chain)
        if not writers:
            return True
        with database.read() as connection:
            connection.execute(sa.select(sa.func.pg_sleep(_LOOK_EVERY_SECONDS)))
    return False


def _writers(database: Database, chain: Chain) -> frozenset[str]:
    # Not the transactions' own numbers: those are given later than a record's number.
    name = chain.records.fullname
    query = sa.text(
        "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' "
        "AND relation = to_regclass(:name) "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with database.read() as connection:
        return frozenset(connection.execute(query, {"name": name}).scalars())
