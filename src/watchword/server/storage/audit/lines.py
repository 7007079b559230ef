"""
Records as the text that is sealed.

The database writes it, a batch at a time: the interpreter's lock is free meanwhile, and sealing keeps no token waiting.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from watchword.server.storage.audit.chains import Chain
from watchword.server.storage.database import Connection

_INTEGERS = frozenset({"number", "created_at"})


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """
    Records in the order of their numbers.

    Attributes:
        text: Each column of each record as kind, length and value, so that no two records read alike.
        last: Number of the last.
        newest_at: When the youngest was written, microseconds since 1970.
    """

    text: bytes
    count: int
    last: int
    newest_at: int


def read_batch(connection: Connection, chain: Chain, *, after: int, up_to: int, most: int) -> Batch | None:
    """
    Read the records that come next, or None where there is none.

    Args:
        after: The first number that counts is one more.
        up_to: The last number that counts.
        most: How many records at most.
    """
    number, created_at = chain.records.c.number, sa.type_coerce(chain.records.c.created_at, sa.BigInteger)
    is_sqlite = connection.dialect.name == "sqlite"
    line = _line_on_sqlite(chain) if is_sqlite else _line_on_postgresql(chain)
    part = (
        sa.select(number, created_at.label("created_at"), line.label("line"))
        .where(number > after, number <= up_to)
        .order_by(number)
        .limit(most)
        .subquery()
    )
    lines: sa.ColumnElement[Any]
    if is_sqlite:
        # The rows come in the part's order. As a blob: text that is damaged is read like any other.
        lines = sa.cast(sa.func.group_concat(part.c.line, ""), sa.LargeBinary)
    else:
        lines = sa.func.string_agg(part.c.line, sa.literal("")).aggregate_order_by(part.c.number)
    found = connection.execute(
        sa.select(
            lines.label("text"),
            sa.func.count().label("records"),
            sa.func.max(part.c.number).label("last"),
            sa.cast(sa.func.max(part.c.created_at), sa.BigInteger).label("newest_at"),
        )
    ).one()
    if not found.records:
        return None
    text = found.text if is_sqlite else found.text.encode()
    return Batch(text=text, count=found.records, last=found.last, newest_at=found.newest_at)


def _line_on_sqlite(chain: Chain) -> sa.ColumnElement[str]:
    # A value may be of any type there, whatever its column says: the kind is part of the text.
    fields = (
        f"substr(typeof({name}), 1, 1) || ifnull(length(CAST({name} AS BLOB)), 0) || ':' || ifnull({name}, '')"
        for name in chain.columns
    )
    return sa.literal_column(f"({' || '.join(fields)})", sa.String)


def _line_on_postgresql(chain: Chain) -> sa.ColumnElement[str]:
    # Kinds are called as on SQLite: a log that is copied from one to the other keeps its seals.
    fields = (
        f"CASE WHEN {name} IS NULL THEN 'n0:' "
        f"ELSE '{'i' if name in _INTEGERS else 't'}' || octet_length({name}::text) || ':' || {name}::text END"
        for name in chain.columns
    )
    return sa.literal_column(f"({' || '.join(fields)})", sa.String)
