"""
The look: what has changed in a tenant since the last one.
"""

import os
from collections.abc import Sequence
from typing import Protocol

import msgspec
import sqlalchemy as sa

from watchword.server.storage import schema

Row = tuple[int, str, str, str]

# What a look reads at most, the mark's own row among it: to forget that much one by one takes three milliseconds, in
# which the event loop stands. Beyond that it is quicker to forget everything than to read what has changed.
MOST_ROWS = 1_000

_NEWEST = sa.select(sa.func.max(schema.changes.c.number)).where(
    schema.changes.c.tenant_id == sa.bindparam("tenant_id", type_=sa.String)
)


class Mark(msgspec.Struct, frozen=True):
    """
    A moment in a tenant's history: the newest change, and the nonce that tells it from another history's.
    """

    number: int
    nonce: str


class Changes(msgspec.Struct, frozen=True):
    """
    What a look saw.

    Attributes:
        server: Which run of the database server answered; two looks at different ones have nothing in common.
        keys: (kind, key) of each change since the last mark; None where the histories don't join, so that nothing that
            is remembered may be used.
    """

    mark: Mark
    keys: Sequence[tuple[str, str]] | None
    server: str = ""


class Looker(Protocol):
    """
    Looks for changes, on a connection of its own. One thread uses it at a time.
    """

    @property
    def is_immediate(self) -> bool:
        """
        Whether a look is so quick that the event loop can wait for it.
        """

    def since(self, tenant_id: str, mark: Mark | None) -> Changes:
        """
        Read what has changed since a mark; without one, or where that is too much, just where things are.

        Raises:
            StorageUnavailable: The database can't be read.
        """

    def close(self) -> None:
        """
        Close the connection; the next look opens another.
        """


def number_of(connection: sa.Connection, tenant_id: str) -> int:
    """
    Return the number of the newest change that a transaction sees: by the changes, as a look, not by their counter.
    """
    return connection.execute(_NEWEST, {"tenant_id": tenant_id}).scalar_one_or_none() or 0


def void_everything(connection: sa.Connection, tenant_id: str) -> None:
    """
    Leave a gap in a tenant's history: whoever looks next drops all that it remembers of the tenant.

    To be called in a writing transaction, when changes may have gone by without a trace.
    """
    counters, rows = schema.change_counters, schema.changes
    counted = sa.select(counters.c.number).where(counters.c.tenant_id == tenant_id)
    number = max(number_of(connection, tenant_id), connection.execute(counted).scalar_one_or_none() or 0) + 2
    connection.execute(counters.delete().where(counters.c.tenant_id == tenant_id))
    connection.execute(counters.insert().values(tenant_id=tenant_id, number=number))
    connection.execute(
        rows.insert().values(
            tenant_id=tenant_id, number=number, nonce=os.urandom(8).hex(), kind="tenant", key=tenant_id
        )
    )


def has_counter(connection: sa.Connection, tenant_id: str) -> bool:
    """
    Tell whether a tenant's changes are counted at all.
    """
    query = sa.select(schema.change_counters.c.number).where(schema.change_counters.c.tenant_id == tenant_id)
    return connection.execute(query).first() is not None


def where_things_are(rows: Sequence[Row], server: str = "") -> Changes:
    """
    Read the newest row of a tenant's changes, if there is one, as a look that joins nothing.
    """
    return Changes(Mark(rows[0][0], rows[0][1]) if rows else Mark(0, ""), None, server)


def since_mark(mark: Mark, rows: Sequence[Row], server: str = "") -> Changes:
    """
    Read the rows from a mark's own on, in order, as what has changed since that mark.
    """
    if len(rows) == 1 and rows[0][0] == mark.number and rows[0][1] == mark.nonce:
        return Changes(mark, (), server)
    if not rows:
        # Nothing at all: an empty history, or another one than the mark's.
        return Changes(mark, (), server) if mark.number == 0 else Changes(Mark(0, ""), None, server)
    newest = Mark(rows[-1][0], rows[-1][1])
    follows = rows[0][:2] == (mark.number, mark.nonce)
    whole = len(rows) == newest.number - mark.number + 1
    if mark.number and not (follows and whole):
        return Changes(newest, None, server)
    if not mark.number and rows[0][0] != 1:
        return Changes(newest, None, server)
    return Changes(newest, [(kind, key) for _, _, kind, key in (rows[1:] if mark.number else rows)], server)
