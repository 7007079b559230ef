"""
When secrets expire: what an operator wants to know ahead.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from watchword.server.storage import rows, schema
from watchword.server.storage.database import Connection
from watchword.server.storage.transaction import Transaction

_BY_EXPIRY = "INDEXED BY ix_application_secrets_expires_at"


class Expiring(msgspec.Struct, frozen=True, kw_only=True):
    """
    A secret that expires, and whose it is.
    """

    application_id: str
    application_name: str
    name: str
    expires_at: datetime


def next_expiries(connection: Connection, now: datetime, limit: int) -> Sequence[datetime]:
    """
    Return when the application secrets of all tenants that expire next do so, the first one first.
    """
    expires_at = schema.application_secrets.c.expires_at
    query = sa.select(expires_at).where(expires_at > now).order_by(expires_at).limit(limit)
    return connection.execute(query).scalars().all()


def expiring(tx: Transaction, before: datetime, most: int) -> Sequence[Expiring]:
    """
    Return the tenant's secrets that expire from now on and before a moment, the first one first.
    """
    secrets, owners = schema.application_secrets, schema.applications
    query = (
        sa.select(
            secrets.c.application_id,
            owners.c.name.label("application_name"),
            secrets.c.name,
            secrets.c.expires_at,
        )
        .join(owners, sa.and_(owners.c.tenant_id == secrets.c.tenant_id, owners.c.id == secrets.c.application_id))
        .with_hint(secrets, _BY_EXPIRY, "sqlite")
        .where(rows.of_tenant(tx, secrets), secrets.c.expires_at > tx.now(), secrets.c.expires_at < before)
        .order_by(secrets.c.expires_at)
        .limit(most)
    )
    return [rows.to_record(Expiring, row) for row in tx.connection.execute(query)]
