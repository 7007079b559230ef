"""
The partitions of the token log on PostgreSQL: made ahead, and dropped whole.

Each holds a span of time. What falls into none lies in the default partition, which was made with the table.
"""

import re
from dataclasses import dataclass

import sqlalchemy as sa

from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.database import Connection
from watchword.server.storage.transaction import Upkeep
from watchword.server.storage.types import from_microseconds

DAY = 86_400_000_000  # microseconds
_LOCK_TIMEOUT_MS = 200  # tokens wait behind whoever waits for the whole table
_BOUNDS = re.compile(r"FOR VALUES FROM \('?(\d+)'?\) TO \('?(\d+)'?\)")
_PARENT = TOKENS.records.fullname


@dataclass(frozen=True, slots=True, order=True)
class Partition:
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


def create(upkeep: Upkeep, partition: Partition) -> None:
    """
    Add a partition.

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
