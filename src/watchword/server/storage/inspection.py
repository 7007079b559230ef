"""
A look at a home's databases that changes nothing, for whoever wants to know what is wrong with them.
"""

from datetime import datetime

import sqlalchemy as sa

from watchword.server.storage import schema, token_schema
from watchword.server.storage.types import from_microseconds

_MOST_FAULTS = 3


def find_faults(connection: sa.Connection, history: str) -> list[str]:
    """
    Return what the database's own checks complain of, the first few faults: damaged pages, rows that belong to nothing.

    PostgreSQL has no such check that is quick: an answer is all that is asked of it.

    Args:
        history: `main` or `tokens`.
    """
    if connection.dialect.name != "sqlite":
        return []
    checked = connection.exec_driver_sql(f"PRAGMA {history}.quick_check({_MOST_FAULTS})").scalars()
    damaged = [line for line in checked if line != "ok"]
    orphans = connection.exec_driver_sql(f"PRAGMA {history}.foreign_key_check").fetchmany(_MOST_FAULTS)
    return damaged + [f"a row of {row[0]} belongs to nothing in {row[2]}" for row in orphans]


def token_log_installation_id(connection: sa.Connection) -> str | None:
    """
    Return the id of the installation that the token log belongs to.
    """
    return connection.execute(sa.select(token_schema.read_installation.c.id)).scalar_one_or_none()


def newest_event_at(connection: sa.Connection) -> datetime | None:
    """
    Return when the newest record of what operations changed was written, from the last that confirmed the time on.
    """
    table = schema.audit_events
    confirmed = sa.select(sa.func.max(table.c.number)).where(table.c.key == "Time.Confirmed").scalar_subquery()
    query = sa.select(sa.func.max(table.c.created_at)).where(table.c.number >= sa.func.coalesce(confirmed, 0))
    return connection.execute(query).scalar_one_or_none()


def newest_token_event_at(connection: sa.Connection) -> datetime | None:
    """
    Return when the newest record of the token log was written.
    """
    table = token_schema.read_token_events
    newest = sa.select(table.c.created_at).order_by(table.c.number.desc()).limit(1)
    written = connection.execute(newest).scalar_one_or_none()
    return None if written is None else from_microseconds(written)
