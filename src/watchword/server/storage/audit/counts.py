"""
What is sealed, counted: how many records of each hour, key and application.

An empty key or application stands for all of them, so that any total is a sum over at most one row an hour.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from watchword.server.storage.audit.chains import Chain
from watchword.server.storage.audit.inserting import Insert, insert_into
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


_COLUMNS = (*Bin._fields, "count")


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
    of_range: list[sa.ColumnElement[bool]] = [chain.records.c.number.between(first, last)]
    if since:
        of_range.append(chain.records.c.created_at >= since)
    return {Bin(*found): count for *found, count in connection.execute(_counted(chain, of_range))}


def add(upkeep: Upkeep, chain: Chain, first: int, last: int) -> None:
    """
    Count records that are being sealed. The database does it by itself: there are more counts than records.
    """
    table, of_range = chain.counts, chain.records.c.number.between(first, last)
    added = insert_into(upkeep.connection, table).from_select(_COLUMNS, _counted(chain, [of_range]))
    upkeep.execute(_on_top_of_others(added, table))


def subtract(upkeep: Upkeep, chain: Chain, bins: Mapping[Bin, int]) -> None:
    """
    Count no longer what is being dropped.
    """
    if not bins:
        return
    table = chain.counts
    taken = [{**found._asdict(), "count": -bins[found]} for found in sorted(bins)]
    upkeep.execute(_on_top_of_others(insert_into(upkeep.connection, table), table), taken)
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


def _counted(chain: Chain, wanted: Sequence[sa.ColumnElement[bool]]) -> sa.CompoundSelect[Any]:
    records = chain.records.c
    every = sa.literal(ALL, sa.String)
    return sa.union_all(*(
        _grouped(chain, key, application).where(*wanted)
        for key in (every, records.key)
        for application in (every, records.application_id)
    ))  # fmt: skip


def _grouped(chain: Chain, *names: sa.ColumnElement[str]) -> sa.Select[Any]:
    hour = hour_of(chain.records)
    of_the_log = [name for name in names if isinstance(name, sa.Column)]
    counted = sa.select(chain.records.c.tenant_id, *names, hour, sa.func.count())
    return counted.where(*(name != ALL for name in of_the_log)).group_by(chain.records.c.tenant_id, *of_the_log, hour)


def _on_top_of_others(added: Insert, table: sa.Table) -> Insert:
    return added.on_conflict_do_update(
        index_elements=list(table.primary_key.columns), set_={"count": table.c.count + added.excluded.count}
    )
