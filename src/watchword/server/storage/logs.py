"""
The log as one list: what operations changed, and what the token path wrote.

The database walks one index of each table, newest first, and merges: a first page costs the same however long the log
is.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import msgspec
import sqlalchemy as sa

from watchword.server.domain.records import LogEntry
from watchword.server.storage import rows, schema
from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.audit.reading import token_event_id
from watchword.server.storage.log_filter import LogFilter, conditions, created_at_of, ways
from watchword.server.storage.log_totals import Hours, count_by_hour, start_of
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.types import from_microseconds

_TOKENS = TOKENS.records
_CHANGES = schema.audit_events
Start = tuple[LogFilter, Page | None]
_TOKEN_ID = re.compile(r"t(\d{20})\Z")
_LARGEST_NUMBER = 2**63 - 1
_AT_FIRST, _AT_ONCE = 30, 500  # entries: a page, then many


def listing(tx: Transaction, wanted: LogFilter, page: Page | None, *, count_up_to: int | None) -> Listing[LogEntry]:
    """
    List entries, newest first.

    Args:
        count_up_to: Where counting stops: a total of one more says that there are more. None counts all.
    """
    total, start = _total(tx, wanted, page, count_up_to)
    if start is None:
        return Listing([], total)
    found = tx.connection.execute(page_query(tx, *start))
    return Listing([_to_entry(tx, row) for row in found], total)


def newest(tx: Transaction, wanted: LogFilter, most: int) -> list[LogEntry]:
    """
    Return the newest entries, newest first, without counting the others.
    """
    found = tx.connection.execute(page_query(tx, wanted, Page(limit=most, offset=0)))
    return [_to_entry(tx, row) for row in found]


def walk(tx: Transaction, wanted: LogFilter) -> Iterator[LogEntry]:
    """
    Return entries one by one, newest first, of which few are in memory at once.
    """
    # An index leads straight to what one of them is; what is both is counted, and looked for where it is.
    is_both = wanted.application_id is not None and wanted.key is not None and wanted.user_id is None
    hours = count_by_hour(tx, wanted) if is_both else None
    offset, size = 0, _AT_FIRST
    while True:
        page = Page(limit=size, offset=offset)
        start = (wanted, page) if hours is None else _within(hours, wanted, page)
        found = () if start is None else tx.connection.execute(page_query(tx, *start)).all()
        for row in found:
            yield _to_entry(tx, row)
        if len(found) < size:
            return
        offset, size = offset + size, _AT_ONCE


def _total(tx: Transaction, wanted: LogFilter, page: Page | None, up_to: int | None) -> tuple[int, Start | None]:
    if wanted.user_id is not None:
        return tx.connection.execute(_count(tx, wanted, up_to)).scalar_one(), (wanted, page)
    hours = count_by_hour(tx, wanted)
    total = sum(count for _, count in hours)
    start = (wanted, None) if page is None else _within(hours, wanted, page)
    return total if up_to is None else min(total, up_to + 1), start


def _within(hours: Hours, wanted: LogFilter, page: Page) -> Start | None:
    """
    Look no further than the hours that a page lies in, however long the log is and however seldom what is wanted.
    """
    seen = list(accumulate(count for _, count in hours))
    first = bisect_right(seen, page.offset)
    if first == len(hours):
        return None
    last = min(bisect_left(seen, page.offset + page.limit), len(hours) - 1)
    (newest_hour, count), (oldest_hour, _) = hours[first], hours[last]
    narrowed = wanted.within(since=start_of(oldest_hour), before=start_of(newest_hour + 1))
    return narrowed, Page(limit=page.limit, offset=page.offset - (seen[first] - count))


def find(tx: Transaction, entry_id: str) -> LogEntry | None:
    """
    Return an entry, or None.
    """
    number = _TOKEN_ID.match(entry_id)
    if number is None:
        table, named = _CHANGES, _CHANGES.c.id == entry_id
    elif int(number[1]) <= _LARGEST_NUMBER:
        table, named = _TOKENS, _TOKENS.c.number == int(number[1])
    else:
        return None
    query = sa.select(*_columns(table, created_at_of(table))).where(rows.of_tenant(tx, table), named)
    row = tx.connection.execute(query).first()
    return None if row is None else _to_entry(tx, row)


def page_query(tx: Transaction, wanted: LogFilter, page: Page | None) -> sa.CompoundSelect[Any]:
    """
    Select a page of the log, or all of it.
    """
    tables = _tables(wanted)
    parts = [way.select(*_columns(table, way.created_at)) for table in tables for way in ways(tx, table, wanted)]
    if tx.connection.dialect.name == "sqlite":
        # By the time alone, which is what all indexes end with: their own order parts what happened in one microsecond.
        query = sa.union_all(*parts).order_by(*_descending("created_at"))
    else:
        newest_first = _descending("created_at", "number", "id")
        if page is not None:
            # Each part by itself walks its indexes; of all of them together PostgreSQL would sort the whole.
            most = page.offset + page.limit
            parts = [part.order_by(*newest_first).limit(most).subquery().select() for part in parts]
        query = sa.union_all(*parts).order_by(*newest_first)
    return query if page is None else query.limit(page.limit).offset(page.offset)


def _tables(wanted: LogFilter) -> tuple[sa.Table, ...]:
    if wanted.only_refusals:
        return (_TOKENS,)
    return (_CHANGES,) if wanted.only_changes else (_CHANGES, _TOKENS)


def _descending(*names: str) -> list[sa.UnaryExpression[Any]]:
    return [sa.desc(sa.literal_column(name)) for name in names]


def _count(tx: Transaction, wanted: LogFilter, up_to: int | None) -> sa.Select[int]:
    one = sa.literal_column("1", sa.Integer)
    parts = [sa.select(one).where(*conditions(tx, table, wanted)) for table in _tables(wanted)]
    found = sa.union_all(*parts)
    if up_to is not None:
        found = found.limit(up_to + 1)
    return sa.select(sa.func.count()).select_from(found.subquery())


def _columns(table: sa.Table, created_at: sa.ColumnElement[int]) -> tuple[sa.ColumnElement[Any], ...]:
    # As they are kept: times in microseconds and payloads as JSON text, in both tables.
    if table is _TOKENS:
        own: tuple[sa.ColumnElement[Any], ...] = (sa.cast(sa.null(), sa.String).label("id"), table.c.number)
    else:
        own = (table.c.id, sa.cast(sa.null(), sa.BigInteger).label("number"))
    return *own, table.c.key, sa.cast(table.c.payload, sa.Text).label("payload"), created_at.label("created_at")


def _to_entry(tx: Transaction, row: sa.Row[*tuple[Any, ...]]) -> LogEntry:
    return LogEntry(
        tenant_id=tx.tenant_id,
        id=row.id if row.number is None else token_event_id(row.number),
        key=row.key,
        payload=msgspec.json.decode(row.payload),
        created_at=from_microseconds(row.created_at),
    )
