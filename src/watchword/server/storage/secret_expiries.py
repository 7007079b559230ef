"""
When secrets expire, over all tenants: what an operator wants to know ahead.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from watchword.server.storage import schema
from watchword.server.storage.database import Connection


def next_expiries(connection: Connection, now: datetime, limit: int) -> Sequence[datetime]:
    """
    Return when the application secrets that expire next do so, the first one first.
    """
    expires_at = schema.application_secrets.c.expires_at
    query = sa.select(expires_at).where(expires_at > now).order_by(expires_at).limit(limit)
    return connection.execute(query).scalars().all()
