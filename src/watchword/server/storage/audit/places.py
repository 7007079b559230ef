"""
Where an application's records are in the token log: on SQLite an index that is made when records are sealed.

An index of the log itself costs a token a page of its own: the commit of sixteen tokens of sixteen applications writes
four times as much. So what is not sealed yet, the last minute's, is looked through. PostgreSQL, where whole partitions
go with their indexes, keeps its own.
"""

import sqlalchemy as sa

from watchword.server.storage import token_schema
from watchword.server.storage.audit.chains import TOKENS, Chain
from watchword.server.storage.database import Connection
from watchword.server.storage.transaction import Upkeep

_PLACES = token_schema.read_token_places
_COLUMNS = ("number", "tenant_id", "application_id", "created_at")
_MOST_AT_ONCE = 5_000  # tokens wait for them


def places_in(connection: Connection, records: sa.Table) -> sa.Table | None:
    """
    Return the places of a log's records; None where an index of the log itself leads to them.
    """
    return _PLACES if records is TOKENS.records and connection.dialect.name == "sqlite" else None


def newest_placed() -> sa.ScalarSelect[int]:
    """
    Select the number up to which all records have their place.
    """
    return sa.select(sa.func.coalesce(sa.func.max(_PLACES.c.number), 0)).scalar_subquery()


def add(upkeep: Upkeep, chain: Chain, last: int) -> None:
    """
    Give records their places, up to a number, those too that another version has sealed without: some at a time.
    """
    if places_in(upkeep.connection, chain.records) is not None:
        number = chain.records.c.number
        missing = _as_places(chain.records).where(number.between(newest_placed() + 1, last))
        upkeep.execute(_PLACES.insert().from_select(_COLUMNS, missing.order_by(number).limit(_MOST_AT_ONCE)))


def drop(upkeep: Upkeep, chain: Chain, last: int) -> None:
    """
    Take the places away from records that are dropped, up to a number.
    """
    if places_in(upkeep.connection, chain.records) is not None:
        upkeep.execute(_PLACES.delete().where(_PLACES.c.number <= last))


def count_misplaced(connection: Connection, chain: Chain, first: int, last: int) -> int:
    """
    Count the records of a range of numbers that have a place by now which is not theirs, or none.
    """
    if places_in(connection, chain.records) is None:
        return 0
    records = chain.records
    their_own = sa.and_(*(_PLACES.c[name].is_not_distinct_from(records.c[name]) for name in _COLUMNS))
    query = (
        sa.select(sa.func.count())
        .select_from(records.outerjoin(_PLACES, their_own))
        .where(records.c.number.between(first, last), records.c.number <= newest_placed(), _PLACES.c.number.is_(None))
    )
    return connection.execute(query).scalar_one()


def fill(connection: Connection) -> None:
    """
    Give all records their places, where there are none yet, on a connection that writes the token log.
    """
    if connection.dialect.name == "sqlite":
        table = token_schema.token_places
        connection.execute(table.insert().from_select(_COLUMNS, _as_places(token_schema.token_events)))


def _as_places(records: sa.Table) -> sa.Select[int, str, str | None, int]:
    return sa.select(*(records.c[name] for name in _COLUMNS))
