"""
What is sealed, counted: how many records of each hour, key and application.

An empty key or application stands for all of them, so that any total is a sum over at most one row an hour.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from watchword.server.storage.audit.chains import Chain
from watchword.server.storage.audit.inserting import insert_into
from watchword.server.storage.database import Connection
from watchword.server.storage.transaction import Upkeep

HOUR = 3_600_000_000  # microseconds
ALL = ""


class Bin(NamedTuple):
    """
    What is counted together. `hour` is the number of hours since 1970.
    """

    tenant_id: str
    key: str
    application_id: str
    hour: int


def hour_of(table: sa.Table) -> sa.ColumnElement[int]:
    """
    Return the hour of a record.
    """
    return sa.type_coerce(table.c.created_at, sa.BigInteger) // sa.literal_column(str(HOUR), sa.BigInteger)


def tally(connection: Connection, chain: Chain, first: int, last: int, *, since: int = 0) -> Mapping[Bin, int]:
    """
    Count the records of a range of numbers.

    Args:
        since: Leaves out those from before this moment, microseconds since 1970; 0 leaves out none.
    """
    table = chain.records
    hour = hour_of(table).label("hour")
    groups = (table.c.tenant_id, hour, table.c.key, table.c.application_id)
    counted = sa.select(*groups, sa.func.count().label("records")).where(table.c.number.between(first, last))
    if since:
        counted = counted.where(table.c.created_at >= since)
    bins: Counter[Bin] = Counter()
    for row in connection.execute(counted.group_by(*groups)):
        for key in (ALL, row.key):
            bins[Bin(row.tenant_id, key, ALL, row.hour)] += row.records
            if row.application_id:
                bins[Bin(row.tenant_id, key, row.application_id, row.hour)] += row.records
    return bins


def add(upkeep: Upkeep, chain: Chain, bins: Mapping[Bin, int]) -> None:
    """
    Count records that have been sealed.
    """
    if not bins:
        return
    table = chain.counts
    added = insert_into(upkeep.connection, table)
    statement = added.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_={"count": table.c.count + added.excluded.count}
    )
    upkeep.execute(statement, [{**found._asdict(), "count": bins[found]} for found in sorted(bins)])


def subtract(upkeep: Upkeep, chain: Chain, bins: Mapping[Bin, int]) -> None:
    """
    Count no longer what is being dropped.
    """
    if not bins:
        return
    add(upkeep, chain, {found: -count for found, count in bins.items()})
    table = chain.counts
    is_empty = [table.c[name] == sa.bindparam(f"of_{name}") for name in Bin._fields]
    emptied = table.delete().where(*is_empty, table.c.count <= 0)
    upkeep.execute(
        emptied, [{f"of_{name}": value for name, value in found._asdict().items()} for found in sorted(bins)]
    )


def forget_before(upkeep: Upkeep, chain: Chain, hour: int) -> None:
    """
    Count nothing any more of the hours before one.
    """
    upkeep.execute(chain.counts.delete().where(chain.counts.c.hour < hour))


def kept(connection: Connection, chain: Chain) -> Iterator[tuple[Bin, int]]:
    """
    Go through all that is counted.
    """
    table = chain.counts
    columns = [table.c[name] for name in Bin._fields]
    query = sa.select(*columns, table.c.count).execution_options(yield_per=1_000)
    for row in connection.execute(query):
        *found, count = row
        yield Bin(*found), count if isinstance(count, int) else -1  # SQLite keeps a value of any type
