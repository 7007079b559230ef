"""
Which entries of the log a list shows, and the ways that lead to them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from watchword.server.storage import rows
from watchword.server.storage.audit.places import newest_placed, places_in
from watchword.server.storage.sqlite.hints import BY_REFUSAL, BY_ROWID_ONLY
from watchword.server.storage.token_schema import IS_REFUSED
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.types import to_microseconds


class LogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which entries a list shows; None does not filter.

    Attributes:
        only_changes: Whether what the token path wrote is left out.
        only_refusals: Whether all but refusals of tokens is left out.
        since: The first moment, aware UTC.
        before: The first moment that is no longer shown, aware UTC.
    """

    user_id: str | None = None
    application_id: str | None = None
    key: str | None = None
    only_changes: bool = False
    only_refusals: bool = False
    since: datetime | None = None
    before: datetime | None = None

    def within(self, *, since: datetime | None = None, before: datetime | None = None) -> "LogFilter":
        """
        Return the filter of what this one shows within a window.
        """
        begins = [moment for moment in (self.since, since) if moment is not None]
        ends = [moment for moment in (self.before, before) if moment is not None]
        return replace(self, since=max(begins, default=None), before=min(ends, default=None))


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """
    What leads to entries of a table that a filter shows.

    Attributes:
        created_at: When an entry was written, in microseconds since 1970, as it stands in the index that is walked.
        places: The table whose index is walked; None where it is one of the entries' own, or none.
        hint: How SQLite finds the entries themselves, where it would choose otherwise.
    """

    table: sa.Table
    created_at: sa.ColumnElement[int]
    conditions: tuple[sa.ColumnElement[bool], ...]
    places: sa.Table | None = None
    hint: str | None = None

    def select(self, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        """
        Select columns of the entries.
        """
        found = sa.select(*columns).select_from(self.table).where(*self.conditions)
        if self.places is not None:
            found = found.join(self.places, self.places.c.number == self.table.c.number)
        return found.with_hint(self.table, self.hint, "sqlite") if self.hint else found


def ways(tx: Transaction, table: sa.Table, wanted: LogFilter) -> Iterator[Way]:
    """
    Return the ways that lead to all entries of a table that a filter shows, to none by two of them.
    """
    places = places_in(tx.connection, table)
    by_itself = Way(table=table, created_at=created_at_of(table), conditions=tuple(conditions(tx, table, wanted)))
    if wanted.only_refusals:
        yield replace(by_itself, hint=BY_REFUSAL)
        return
    if places is None or wanted.application_id is None or wanted.user_id is not None:
        yield by_itself
        return
    placed = (*_by_whom_and_when(tx, places, wanted), *_of_key(table, wanted))
    yield Way(table=table, created_at=created_at_of(places), conditions=placed, places=places, hint=BY_ROWID_ONLY)
    yield replace(by_itself, conditions=(table.c.number > newest_placed(), *by_itself.conditions), hint=BY_ROWID_ONLY)


def created_at_of(table: sa.Table) -> sa.ColumnElement[int]:
    """
    Return when a row of a log was written, as it is kept: in microseconds since 1970, in the tables of both.
    """
    return sa.type_coerce(table.c.created_at, sa.BigInteger)


def conditions(tx: Transaction, table: sa.Table, wanted: LogFilter) -> Iterator[sa.ColumnElement[bool]]:
    """
    Return what a row of a log must fulfil.
    """
    yield from _by_whom_and_when(tx, table, wanted)
    yield from _of_key(table, wanted)
    if wanted.only_refusals:
        yield sa.literal_column(IS_REFUSED)


def _by_whom_and_when(tx: Transaction, table: sa.Table, wanted: LogFilter) -> Iterator[sa.ColumnElement[bool]]:
    yield rows.of_tenant(tx, table)
    if wanted.user_id is not None:
        yield table.c.user_id == wanted.user_id
    if wanted.application_id is not None:
        yield table.c.application_id == wanted.application_id
    if wanted.since is not None:
        yield created_at_of(table) >= to_microseconds(wanted.since)
    if wanted.before is not None:
        yield created_at_of(table) < to_microseconds(wanted.before)


def _of_key(table: sa.Table, wanted: LogFilter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.key is not None:
        # One index is walked. An application's own is the shorter one: this keeps the planner from the key's.
        by_whom = wanted.user_id is not None or wanted.application_id is not None
        yield (table.c.key.concat("") if by_whom else table.c.key) == wanted.key
