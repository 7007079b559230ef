"""
The tables of the console's operators: who they are, invitations that are open, sessions, and tries of passwords.
"""

from typing import NamedTuple

import sqlalchemy as sa

from watchword.server.domain.names import OperatorRole
from watchword.server.storage.table_parts import belongs, created, identity, tenant
from watchword.server.storage.types import Instant, Word


class OperatorTables(NamedTuple):
    """
    The four of them.
    """

    operators: sa.Table
    links: sa.Table
    sessions: sa.Table
    tries: sa.Table


def operator_tables(metadata: sa.MetaData) -> OperatorTables:
    """
    Define them.
    """
    operators = sa.Table(
        "operators",
        metadata,
        tenant(),
        identity(),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("folded_name", sa.String(128), nullable=False),
        sa.Column("role", Word(OperatorRole), nullable=False),
        sa.Column("password_digest", sa.String, nullable=False),
        created(),
        sa.UniqueConstraint("tenant_id", "folded_name"),
    )

    # What links and cookies carry is kept as its digest alone, which is the row's id.
    operator_links = sa.Table(
        "operator_links",
        metadata,
        tenant(),
        identity(),
        sa.Column("role", Word(OperatorRole), nullable=False),
        created(),
    )

    operator_sessions = sa.Table(
        "operator_sessions",
        metadata,
        tenant(),
        identity(),
        sa.Column("operator_id", sa.String, nullable=False),
        created(),
        sa.Column("used_at", Instant, nullable=False),
        sa.Column("confirmed_at", Instant, nullable=False),
        sa.Column("ip", sa.String(64), nullable=False),
        sa.Column("user_agent", sa.String(256), nullable=False),
        belongs("operator_id", "operators"),
        sa.Index(None, "tenant_id", "operator_id"),
    )

    # Who has tried whose password, as a digest that is the row's id: people type passwords where names belong.
    operator_tries = sa.Table(
        "operator_tries",
        metadata,
        tenant(),
        identity(),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("began_at", Instant, nullable=False),
    )
    return OperatorTables(operators, operator_links, operator_sessions, operator_tries)
