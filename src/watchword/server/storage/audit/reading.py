"""
Records in the order of their numbers, of all tenants.
"""

from collections.abc import Iterator

import msgspec
import sqlalchemy as sa

from watchword.server.domain.records import Json
from watchword.server.storage.audit.chains import Chain
from watchword.server.storage.database import Connection


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """
    A record of a log.

    Attributes:
        id: As the Management API names it.
        created_at: Microseconds since 1970.
    """

    number: int
    id: str
    tenant_id: str
    key: str
    application_id: str | None
    user_id: str | None
    payload: Json
    created_at: int


def records_after(connection: Connection, chain: Chain, number: int, up_to: int, most: int) -> Iterator[Record]:
    """
    Read the records that come next, in order.
    """
    table = chain.records
    # As they are kept, in both tables.
    query = (
        sa.select(
            *(table.c[name] for name in chain.columns if name not in {"payload", "created_at"}),
            sa.cast(table.c.payload, sa.Text).label("payload"),
            sa.type_coerce(table.c.created_at, sa.BigInteger).label("created_at"),
        )
        .where(table.c.number > number, table.c.number <= up_to)
        .order_by(table.c.number)
        .limit(most)
    )
    for row in connection.execute(query):
        members = {"id": token_event_id(row.number), **row._mapping}  # noqa: SLF001 - SQLAlchemy's documented accessor
        yield Record(**{**members, "payload": msgspec.json.decode(row.payload)})


def token_event_id(number: int) -> str:
    """
    Return the id of a token's record, which follows from its number: 21 characters, as all ids of records.
    """
    return f"t{number:020d}"


def newest_number_before(connection: Connection, chain: Chain, moment: int) -> int:
    """
    Return the largest number of the records from before a moment, 0 where there is none.
    """
    table = chain.records
    query = sa.select(sa.func.max(table.c.number)).where(table.c.created_at < moment)
    return connection.execute(query).scalar_one_or_none() or 0


def newest_number(connection: Connection, chain: Chain) -> int:
    """
    Return the number of the newest record, 0 where there is none.
    """
    return connection.execute(sa.select(sa.func.max(chain.records.c.number))).scalar_one_or_none() or 0
