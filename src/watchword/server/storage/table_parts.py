"""
What tables have in common.
"""

from typing import Any

import sqlalchemy as sa

from watchword.server.storage.types import Instant


def identity(*, primary: bool = True) -> sa.Column[str]:
    """
    The id of a record.
    """
    return sa.Column("id", sa.String, primary_key=primary, nullable=False)


def tenant() -> sa.Column[str]:
    """
    The tenant of a record; it goes with it.
    """
    return sa.Column("tenant_id", sa.String, sa.ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True)


def created() -> sa.Column[Any]:
    """
    When a record was made.
    """
    return sa.Column("created_at", Instant, nullable=False)


def belongs(column: str, table: str) -> sa.ForeignKeyConstraint:
    """
    That a record goes with another of the same tenant.
    """
    return sa.ForeignKeyConstraint(["tenant_id", column], [f"{table}.tenant_id", f"{table}.id"], ondelete="CASCADE")
