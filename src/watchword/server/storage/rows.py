"""
Records and rows: the mapping follows from the names, so no family writes it again.

Every query is bound to the transaction's tenant here.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.operators import desc_op

from watchword.server.storage.listed import listed
from watchword.server.storage.sqlite.hints import BY_ROWID_ONLY
from watchword.server.storage.transaction import Transaction

R = TypeVar("R")
_Record = TypeVar("_Record", bound=msgspec.Struct)


class Page(msgspec.Struct, frozen=True):
    """
    A part of a list: `limit` records from `offset` on.
    """

    limit: int
    offset: int


class Listing(msgspec.Struct, Generic[R], frozen=True):
    """
    Records of a page, and how many there are in all.
    """

    records: Sequence[R]
    total: int


def of_tenant(tx: Transaction, table: sa.Table) -> sa.ColumnElement[bool]:
    """
    Return the condition that binds a table to the transaction's tenant.
    """
    return table.c.tenant_id == tx.tenant_id


def to_record(record_type: type[_Record], row: sa.Row[*tuple[Any, ...]]) -> _Record:
    """
    Make a record of a row that has its columns, by name.
    """
    mapping = row._mapping  # noqa: SLF001 - SQLAlchemy's documented accessor
    return record_type(**{name: mapping[name] for name in record_type.__struct_fields__})


def columns(table: sa.Table, record_type: type[msgspec.Struct]) -> list[sa.Column[Any]]:
    """
    Return the columns that a record is made of.
    """
    return [table.c[name] for name in record_type.__struct_fields__]


def find(tx: Transaction, table: sa.Table, record_type: type[_Record], **keys: object) -> _Record | None:
    """
    Return the record with these column values, or None.
    """
    query = sa.select(*columns(table, record_type)).where(of_tenant(tx, table), *_equal(table, keys))
    row = tx.connection.execute(query).one_or_none()
    return None if row is None else to_record(record_type, row)


def exists(tx: Transaction, table: sa.Table, **keys: object) -> bool:
    """
    Tell whether there is a row with these column values.
    """
    query = sa.select(sa.literal(1)).select_from(table).where(of_tenant(tx, table), *_equal(table, keys))
    return tx.connection.execute(query.limit(1)).first() is not None


def insert(tx: Transaction, table: sa.Table, record: msgspec.Struct, **more: object) -> None:
    """
    Add a record's row; `more` holds columns that the record does not carry.
    """
    tx.connection.execute(table.insert().values(**to_values(table, record), **more))


def to_values(table: sa.Table, record: msgspec.Struct) -> dict[str, object]:
    """
    Return a record's values for the columns of its table.
    """
    return {name: getattr(record, name) for name in record.__struct_fields__ if name in table.c}


def link(tx: Transaction, table: sa.Table, links: Sequence[Mapping[str, str]]) -> None:
    """
    Add rows of a table that links two records.
    """
    if links:
        rows = [{"tenant_id": tx.tenant_id, "created_at": tx.now(), **keys} for keys in links]
        tx.connection.execute(table.insert(), rows)


def linked(
    tx: Transaction, table: sa.Table, column: str, *, among: Collection[str] | None = None, **keys: object
) -> set[str]:
    """
    Return what the rows with these column values have in another column: of these ids alone, where some are given.
    """
    query = sa.select(table.c[column]).where(of_tenant(tx, table), *_equal(table, keys))
    if among is not None:
        query = query.where(table.c[column].in_(listed(tx.connection, list(among))))
    return set(tx.connection.execute(query).scalars())


def update(tx: Transaction, table: sa.Table, changes: Mapping[str, object], **keys: object) -> bool:
    """
    Change the row with these column values; tell whether there was one.
    """
    statement = table.update().where(of_tenant(tx, table), *_equal(table, keys)).values(**changes)
    return tx.connection.execute(statement).rowcount > 0


def delete(tx: Transaction, table: sa.Table, **keys: object) -> bool:
    """
    Delete the rows with these column values; tell whether there was one.
    """
    statement = table.delete().where(of_tenant(tx, table), *_equal(table, keys))
    return tx.connection.execute(statement).rowcount > 0


def listing(
    tx: Transaction,
    record_type: type[_Record],
    query: sa.Select[Any],
    page: Page | None,
    total: int | None = None,
    *,
    walked: sa.Table | None = None,
) -> Listing[_Record]:
    """
    Run a query whose columns make records; a page also counts all that the query finds.

    Args:
        query: In its order.
        total: How many that is, where it is known.
        walked: The table that has to be read from its beginning to its end to count them.
    """
    if page is None:
        found = tx.connection.execute(query).all()
        return Listing([to_record(record_type, row) for row in found], len(found))
    if total is None:
        total = count(tx, query if walked is None else query.with_hint(walked, BY_ROWID_ONLY, "sqlite"))
    return Listing([to_record(record_type, row) for row in page_of(tx, query, page, total)], total)


def count(tx: Transaction, query: sa.Select[Any]) -> int:
    """
    Count what a query finds.
    """
    counted = sa.select(sa.func.count()).select_from(query.order_by(None).subquery())
    return int(tx.connection.execute(counted).scalar_one())


def page_of(tx: Transaction, query: sa.Select[Any], page: Page, total: int) -> Sequence[sa.Row[Any]]:
    """
    Run a query for one page.

    Args:
        query: In its order.
        total: How many it finds.
    """
    if page.offset >= total:
        return []
    # All that goes before a page is walked over: from whichever end is nearer.
    limit = min(page.limit, total - page.offset)
    after = total - page.offset - limit
    if after >= page.offset:
        return tx.connection.execute(query.limit(limit).offset(page.offset)).all()
    order = query._order_by_clauses  # noqa: SLF001 - SQLAlchemy has no public way to ask
    backwards = query.order_by(None).order_by(*map(_reversed, order))
    return tx.connection.execute(backwards.limit(limit).offset(after)).all()[::-1]


def _reversed(clause: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if isinstance(clause, sa.UnaryExpression) and clause.modifier is desc_op:
        return clause.element
    return clause.desc()


def _equal(table: sa.Table, keys: Mapping[str, object]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in keys.items()]
