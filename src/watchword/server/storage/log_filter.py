"""
Which entries of the log a list shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from watchword.server.storage import rows
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.types import to_microseconds


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


def conditions(tx: Transaction, table: sa.Table, wanted: LogFilter) -> Iterator[sa.ColumnElement[bool]]:
    """
    Return what a row of a log must fulfil.
    """
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
