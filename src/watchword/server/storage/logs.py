"""
The log as one list: what operations changed, and what the token path wrote.

The database walks one index of each table, newest first, and merges: a first page costs the same however long the log
is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from watchword.server.domain.records import LogEntry
from watchword.server.storage import rows, schema, token_schema
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.types import from_microseconds, to_microseconds

_TOKENS = token_schema.read_token_events
_TABLES = (schema.audit_events, _TOKENS)
# 21 characters, as all ids of records; those of operations begin with a letter or digit too, and are random.
_TOKEN_ID = re.compile(r"t(\d{20})\Z")
_LARGEST_NUMBER = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """
    Which entries a list shows; None does not filter.

    Attributes:
        since: The first moment, aware UTC.
        before: The first moment that is no longer shown, aware UTC.
    """

    user_id: str | None = None
    application_id: str | None = None
    key: str | None = None
    since: datetime | None = None
    before: datetime | None = None


def listing(tx: Transaction, wanted: LogFilter, page: Page | None, *, count_up_to: int | None) -> Listing[LogEntry]:
    """
    List entries, newest first.

    Args:
        count_up_to: Where counting stops: a total of one more says that there are more. None counts all.
    """
    total = tx.connection.execute(_count(tx, wanted, count_up_to)).scalar_one()
    found = tx.connection.execute(page_query(tx, wanted, page))
    return Listing([_to_entry(tx, row) for row in found], total)


def find(tx: Transaction, entry_id: str) -> LogEntry | None:
    """
    Return an entry, or None.
    """
    number = _TOKEN_ID.match(entry_id)
    if number is None:
        table, named = schema.audit_events, schema.audit_events.c.id == entry_id
    elif int(number[1]) <= _LARGEST_NUMBER:
        table, named = _TOKENS, _TOKENS.c.number == int(number[1])
    else:
        return None
    row = tx.connection.execute(sa.select(*_columns(table)).where(rows.of_tenant(tx, table), named)).first()
    return None if row is None else _to_entry(tx, row)


def page_query(tx: Transaction, wanted: LogFilter, page: Page | None) -> sa.CompoundSelect[Any]:
    """
    Select a page of the log, or all of it.
    """
    parts = [sa.select(*_columns(table)).where(*_conditions(tx, table, wanted)) for table in _TABLES]
    # By the time alone, which is what all indexes end with: their own order parts what happened in one microsecond.
    newest_first: sa.UnaryExpression[Any] = sa.desc(sa.literal_column("created_at"))
    query = sa.union_all(*parts).order_by(newest_first)
    return query if page is None else query.limit(page.limit).offset(page.offset)


def _count(tx: Transaction, wanted: LogFilter, up_to: int | None) -> sa.Select[int]:
    one = sa.literal_column("1", sa.Integer)
    parts = [sa.select(one).where(*_conditions(tx, table, wanted)) for table in _TABLES]
    found = sa.union_all(*parts)
    if up_to is not None:
        found = found.limit(up_to + 1)
    return sa.select(sa.func.count()).select_from(found.subquery())


def _columns(table: sa.Table) -> tuple[sa.ColumnElement[Any], ...]:
    # As they are kept: times in microseconds and payloads as JSON text, in both tables.
    created_at = sa.type_coerce(table.c.created_at, sa.BigInteger).label("created_at")
    if table is _TOKENS:
        own: tuple[sa.ColumnElement[Any], ...] = (sa.cast(sa.null(), sa.String).label("id"), table.c.number)
    else:
        own = (table.c.id, sa.cast(sa.null(), sa.BigInteger).label("number"))
    return *own, table.c.key, sa.cast(table.c.payload, sa.Text).label("payload"), created_at


def _conditions(tx: Transaction, table: sa.Table, wanted: LogFilter) -> Iterator[sa.ColumnElement[bool]]:
    created_at = sa.type_coerce(table.c.created_at, sa.BigInteger)
    yield rows.of_tenant(tx, table)
    if wanted.user_id is not None:
        yield table.c.user_id == wanted.user_id
    if wanted.application_id is not None:
        yield table.c.application_id == wanted.application_id
    if wanted.key is not None:
        # One index is walked. An application's own is the shorter one: this keeps the planner from the key's.
        by_whom = wanted.user_id is not None or wanted.application_id is not None
        yield (table.c.key.concat("") if by_whom else table.c.key) == wanted.key
    if wanted.since is not None:
        yield created_at >= to_microseconds(wanted.since)
    if wanted.before is not None:
        yield created_at < to_microseconds(wanted.before)


def _to_entry(tx: Transaction, row: sa.Row[*tuple[Any, ...]]) -> LogEntry:
    return LogEntry(
        tenant_id=tx.tenant_id,
        id=row.id if row.number is None else f"t{row.number:020d}",
        key=row.key,
        payload=msgspec.json.decode(row.payload),
        created_at=from_microseconds(row.created_at),
    )
