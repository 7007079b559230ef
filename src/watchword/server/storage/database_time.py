"""
What time the database says it is.

PostgreSQL has a clock, the same for all nodes. SQLite has none: there it is the newest instant that was written down.
"""

import sqlalchemy as sa

from watchword.server.domain.clock import DatabaseTime
from watchword.server.storage import schema, token_schema
from watchword.server.storage.database import Connection
from watchword.server.storage.types import from_microseconds


def database_time(connection: Connection) -> DatabaseTime | None:
    """
    Return it; None where nothing has been written yet. The connection is one that reads.
    """
    if connection.dialect.name == "postgresql":
        return DatabaseTime(time=connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one(), is_exact=True)
    return _newest_instant(connection)


def _newest_instant(connection: Connection) -> DatabaseTime | None:
    # What was noted last counts, be it earlier than a record before it: so a mark can put an end to records from a
    # future that never came.
    records, marks = token_schema.read_token_events, schema.token_log_marks
    newest = connection.execute(
        sa.select(records.c.number, records.c.created_at).order_by(records.c.number.desc()).limit(1)
    ).first()
    mine = sa.select(schema.installation.c.id).scalar_subquery()
    mark = connection.execute(
        sa.select(marks.c.number, marks.c.noted_at).where(marks.c.installation_id == mine)
    ).first()
    if mark is not None and (newest is None or newest.number <= mark.number):
        return DatabaseTime(time=mark.noted_at, is_exact=False)
    if newest is None:
        return None
    return DatabaseTime(time=from_microseconds(newest.created_at), is_exact=False)
