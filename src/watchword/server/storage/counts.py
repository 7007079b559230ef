"""
Row counts that triggers keep, so that a list of a million tells its total at once.
"""

from collections.abc import Collection
from typing import Any

import msgspec
import sqlalchemy as sa

from watchword.server.domain.names import INTERNAL_ROLE_PREFIX, ApplicationType
from watchword.server.storage import schema
from watchword.server.storage.transaction import Transaction


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """
    A table whose rows are counted.

    Attributes:
        key: The column by whose value they are counted apart; None counts all together.
        unless: A column and a beginning of its value: such rows are not counted.
    """

    table: str
    key: str | None = None
    unless: tuple[str, str] | None = None

    def key_of(self, row: str) -> str:
        """
        Return the key as SQL.

        Args:
            row: What the row is called there.
        """
        return "''" if self.key is None else f"{row}.{self.key}"

    def condition(self, row: str) -> str:
        """
        Return whether a row is counted, as SQL.
        """
        if self.unless is None:
            return "1 = 1"
        column, beginning = self.unless
        return f"substr({row}.{column}, 1, {len(beginning)}) <> '{beginning}'"


COUNTED = (
    Counted(table="applications", key="type"),
    Counted(table="application_roles", key="role_id"),
    Counted(table="resources"),
    Counted(table="roles", key="type", unless=("name", INTERNAL_ROLE_PREFIX)),
    Counted(table="users"),
    Counted(table="user_roles", key="role_id"),
)


def total(tx: Transaction, table: sa.Table, keys: Collection[str] | None = None) -> int:
    """
    Return how many rows of a table are counted, with any of these keys or all together.
    """
    counted = schema.row_counts
    query = sa.select(sa.func.sum(counted.c.number)).where(
        counted.c.tenant_id == tx.tenant_id, counted.c.counted == table.name
    )
    if keys is not None:
        query = query.where(counted.c.key.in_(keys))
    return int(tx.connection.execute(query).scalar_one() or 0)


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """
    How many things a tenant has.

    Attributes:
        machines: Applications that get tokens for themselves.
        applications: Applications of all types.
        roles: Roles for machines and for users; internal ones are left out.
    """

    machines: int
    applications: int
    resources: int
    roles: int
    users: int


def totals(tx: Transaction) -> Totals:
    """
    Return how many things there are, from the counts that are kept.
    """
    return Totals(
        machines=total(tx, schema.applications, [ApplicationType.MACHINE_TO_MACHINE]),
        applications=total(tx, schema.applications),
        resources=total(tx, schema.resources),
        roles=total(tx, schema.roles),
        users=total(tx, schema.users),
    )


def recount(connection: sa.Connection) -> None:
    """
    Count everything anew, in a writing transaction: when rows may have come or gone uncounted.
    """
    counted = schema.row_counts
    connection.execute(counted.delete())
    for one in COUNTED:
        connection.execute(counted.insert().from_select(list(counted.c.keys()), _count_all(one)))


def find_wrong(connection: sa.Connection) -> list[str]:
    """
    Name the tables whose counts are not what counting says.
    """
    kept = schema.row_counts
    wrong = []
    for one in COUNTED:
        counted = {tuple(row) for row in connection.execute(_count_all(one))}
        query = sa.select(kept).where(kept.c.counted == one.table, kept.c.number != 0)
        if counted != {tuple(row) for row in connection.execute(query)}:
            wrong.append(f"count of {one.table}")
    return wrong


def _count_all(one: Counted) -> sa.Select[Any]:
    table = schema.metadata.tables[one.table]
    tenant, key = table.c.tenant_id, sa.literal_column(one.key_of(one.table), sa.String)
    query = sa.select(tenant, sa.literal(one.table), key, sa.func.count()).where(sa.text(one.condition(one.table)))
    return query.group_by(tenant, *([] if one.key is None else [key]))
