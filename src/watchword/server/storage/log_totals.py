"""
How many entries of the log a list has, hour by hour, without counting them one by one.

Whole hours come from what was counted when it was sealed. What is not sealed yet, and the hours that a window cuts, are
counted by the records themselves.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa
from msgspec.structs import replace

from watchword.server.domain.log_chain import MarkKind
from watchword.server.storage.audit import seals
from watchword.server.storage.audit.chains import CHAINS, Chain
from watchword.server.storage.audit.counts import ALL, HOUR, hour_of
from watchword.server.storage.log_filter import LogFilter, conditions, ways
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.types import from_microseconds, to_microseconds

_LAST = to_microseconds(datetime.max.replace(tzinfo=UTC))
Hours = list[tuple[int, int]]


def count_by_hour(tx: Transaction, wanted: LogFilter) -> Hours:
    """
    Return hours since 1970 and how many entries each has, newest first; the filter names no user.
    """
    found: Counter[int] = Counter()
    for chain in CHAINS:
        if wanted.only_changes and chain.is_of_tokens:
            continue
        tip = seals.find_mark(tx.connection, chain, MarkKind.TIP)
        sealed = 0 if tip is None else tip.position.last
        for hour, count in _counted(tx, chain, wanted, sealed):
            found[hour] += count
    return sorted(found.items(), reverse=True)


def start_of(hour: int) -> datetime:
    """
    Return when an hour begins; an hour that no calendar has begins with the last moment that there is.
    """
    return from_microseconds(min(hour * HOUR, _LAST))


def _counted(tx: Transaction, chain: Chain, wanted: LogFilter, sealed: int) -> Iterator[tuple[int, int]]:
    first = None if wanted.since is None else -(-to_microseconds(wanted.since) // HOUR)
    end = None if wanted.before is None else to_microseconds(wanted.before) // HOUR
    number = chain.records.c.number
    yield from _rest(tx, chain, wanted, sealed)
    if first is not None and end is not None and first >= end:
        yield from _one_by_one(tx, chain, wanted, number <= sealed)
        return
    yield from _whole_hours(tx, chain, wanted, first, end)
    if first is not None:
        yield from _one_by_one(tx, chain, replace(wanted, before=start_of(first)), number <= sealed)
    if end is not None:
        yield from _one_by_one(tx, chain, replace(wanted, since=start_of(end)), number <= sealed)


def _whole_hours(
    tx: Transaction, chain: Chain, wanted: LogFilter, first: int | None, end: int | None
) -> Iterator[tuple[int, int]]:
    table = chain.counts
    query = sa.select(table.c.hour, table.c.count).where(
        table.c.tenant_id == tx.tenant_id,
        table.c.key == (wanted.key or ALL),
        table.c.application_id == (wanted.application_id or ALL),
    )
    if first is not None:
        query = query.where(table.c.hour >= first)
    if end is not None:
        query = query.where(table.c.hour < end)
    yield from _pairs(tx, query)


def _rest(tx: Transaction, chain: Chain, wanted: LogFilter, sealed: int) -> Iterator[tuple[int, int]]:
    # Along the numbers, of which there are few: an index of the tenant's would lead through all of its records.
    table = chain.records
    of_tenant, *others = conditions(tx, table, wanted)
    del of_tenant
    unsealed = (table.c.number > sealed, table.c.tenant_id.concat("") == tx.tenant_id)
    yield from _by_hour(tx, table, sa.select(table.c.number).where(*unsealed, *others))


def _one_by_one(
    tx: Transaction, chain: Chain, wanted: LogFilter, is_sealed: sa.ColumnElement[bool]
) -> Iterator[tuple[int, int]]:
    table = chain.records
    for way in ways(tx, table, wanted):
        yield from _by_hour(tx, table, way.select(table.c.number).where(is_sealed))


def _by_hour(tx: Transaction, table: sa.Table, found: sa.Select[int]) -> list[tuple[int, int]]:
    hour = hour_of(table).label("hour")
    return _pairs(tx, found.with_only_columns(hour, sa.func.count()).group_by(hour))


def _pairs(tx: Transaction, query: sa.Select[int, int]) -> list[tuple[int, int]]:
    return [(hour, count) for hour, count in tx.connection.execute(query)]
