"""
The partitions of the token log on PostgreSQL: made ahead, and dropped whole.

Each holds a span of time. What falls into none lies in the rest, the default partition, which was made with the table.
Before a span gets a partition PostgreSQL makes sure that the rest holds nothing of it. It would read all of the rest
for that, while tokens wait; so the rest is closed to what comes from then on, and read, before.
"""

import re

import msgspec
import sqlalchemy as sa

from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.database import Connection
from watchword.server.storage.transaction import Upkeep
from watchword.server.storage.types import from_microseconds

DAY = 86_400_000_000  # microseconds
_LOCK_TIMEOUT_MS = 200  # tokens wait behind whoever waits for the whole table
_BOUNDS = re.compile(r"FOR VALUES FROM \('?(\d+)'?\) TO \('?(\d+)'?\)")
_PARENT = TOKENS.records.fullname
_REST = f"{_PARENT}_rest"
_IS_CLOSED = "token_events_rest_is_closed"


class Partition(msgspec.Struct, frozen=True, order=True):
    """
    The records from a moment up to another, which is the next one's; microseconds since 1970.
    """

    first: int
    end: int

    @property
    def name(self) -> str:
        """
        Its table.
        """
        return f"{_PARENT}_{from_microseconds(self.first):%Y%m%d}"


def find_partitions(connection: Connection) -> list[Partition]:
    """
    Return the partitions that may be added to and dropped, oldest first.

    None on SQLite, and none where the role that the server has may not change tables.
    """
    if connection.dialect.name == "sqlite" or not may_change(connection):
        return []
    query = sa.text(
        "SELECT pg_get_expr(relpartbound, pg_class.oid) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
        "WHERE inhparent = to_regclass(:parent)"
    )
    bounds = [_BOUNDS.match(text) for text in connection.execute(query, {"parent": _PARENT}).scalars()]
    return sorted(Partition(int(found[1]), int(found[2])) for found in bounds if found is not None)


def may_change(connection: Connection) -> bool:
    """
    Tell whether the token log has partitions, and the server's role may make and drop them.
    """
    if connection.dialect.name == "sqlite":
        return False
    query = sa.text("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(:parent)")
    return bool(connection.execute(query, {"parent": _PARENT}).scalar_one_or_none())


def close_rest(upkeep: Upkeep, partition: Partition) -> None:
    """
    Keep what is to be in a partition out of the rest: until that begins the rest must be opened again.

    Raises:
        StorageUnavailable: The table was not free for long enough; later it may be.
    """
    _wait_briefly(upkeep)
    upkeep.connection.exec_driver_sql(
        f"ALTER TABLE {_REST} DROP CONSTRAINT IF EXISTS {_IS_CLOSED}, "
        f"ADD CONSTRAINT {_IS_CLOSED} CHECK "
        f"(created_at < {partition.first} OR created_at >= {partition.end}) NOT VALID"
    )


def check_rest(upkeep: Upkeep) -> bool:
    """
    Read the rest, whose writers go on meanwhile; tell whether it holds nothing that is to be in the partition.

    What it may hold of it is from a clock that was ahead.
    """
    try:
        with upkeep.connection.begin_nested():
            upkeep.connection.exec_driver_sql(f"ALTER TABLE {_REST} VALIDATE CONSTRAINT {_IS_CLOSED}")
    except sa.exc.IntegrityError:
        return False
    return True


def open_rest(upkeep: Upkeep) -> None:
    """
    Let into the rest whatever has no partition.

    Raises:
        StorageUnavailable: The table was not free for long enough; later it may be.
    """
    query = sa.text("SELECT 1 FROM pg_constraint WHERE conname = :name AND conrelid = to_regclass(:rest)")
    if upkeep.connection.execute(query, {"name": _IS_CLOSED, "rest": _REST}).first() is not None:
        _wait_briefly(upkeep)
        upkeep.connection.exec_driver_sql(f"ALTER TABLE {_REST} DROP CONSTRAINT IF EXISTS {_IS_CLOSED}")


def create(upkeep: Upkeep, partition: Partition) -> None:
    """
    Add a partition, once the rest is closed and was checked.

    Raises:
        StorageUnavailable: The table was not free for long enough; later it may be.
    """
    _wait_briefly(upkeep)
    upkeep.connection.exec_driver_sql(
        f"CREATE TABLE IF NOT EXISTS {partition.name} PARTITION OF {_PARENT} "
        f"FOR VALUES FROM ({partition.first}) TO ({partition.end})"
    )


def drop(upkeep: Upkeep, partition: Partition) -> None:
    """
    Drop a partition with all that is in it. Last in its transaction: from here to the commit tokens wait.

    Raises:
        StorageUnavailable: The table was not free for long enough; later it may be.
    """
    _wait_briefly(upkeep)
    upkeep.connection.exec_driver_sql(f"DROP TABLE {partition.name}")


def _wait_briefly(upkeep: Upkeep) -> None:
    upkeep.connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}")
