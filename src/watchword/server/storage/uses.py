"""
When secrets were last used, and which applications use none.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from watchword.server.domain.names import ApplicationType
from watchword.server.storage import rows, schema, token_schema
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.types import from_microseconds, to_microseconds

_USES = token_schema.read_uses
_T = schema.applications


class Unused(msgspec.Struct, frozen=True, kw_only=True):
    """
    An application that has had no token for long.

    Attributes:
        last_used_at: None where it never had one.
    """

    id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


def last_uses(tx: Transaction, application_id: str) -> Mapping[str, datetime]:
    """
    Return when each of an application's secrets was last used, by the secret's id; one that never was is left out.
    """
    query = sa.select(_USES.c.secret_id, _USES.c.last_used_at).where(
        rows.of_tenant(tx, _USES), _USES.c.application_id == application_id
    )
    return {row.secret_id: from_microseconds(row.last_used_at) for row in tx.connection.execute(query)}


def unused(tx: Transaction, since: datetime, *, among: int, most: int) -> Sequence[Unused]:
    """
    Return machine-to-machine applications that are older than a moment and have had no token since, oldest first.

    Args:
        among: So many of the oldest are looked at.
    """
    oldest = (
        sa.select(_T.c.id, _T.c.name, _T.c.created_at)
        .where(
            rows.of_tenant(tx, _T),
            _T.c.type == ApplicationType.MACHINE_TO_MACHINE,
            _T.c.created_at < since,
        )
        # Backwards along the index that lists walk.
        .order_by(_T.c.created_at, _T.c.id.desc())
        .limit(among)
        .subquery()
    )
    last = (
        sa.select(sa.func.max(_USES.c.last_used_at))
        .where(rows.of_tenant(tx, _USES), _USES.c.application_id == oldest.c.id)
        .scalar_subquery()
    )
    query = (
        sa.select(oldest, last.label("last_used_at"))
        .where(sa.func.coalesce(last, 0) < to_microseconds(since))
        .order_by(oldest.c.created_at, oldest.c.id.desc())
        .limit(most)
    )
    return [
        Unused(
            id=row.id,
            name=row.name,
            created_at=row.created_at,
            last_used_at=None if row.last_used_at is None else from_microseconds(row.last_used_at),
        )
        for row in tx.connection.execute(query)
    ]
