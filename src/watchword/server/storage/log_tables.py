"""
What is kept beside a log, in the same database.

The seals over its records, where their chain stands, and what was sealed, counted by hour.
"""

from typing import NamedTuple

import sqlalchemy as sa


class SealTables(NamedTuple):
    """
    The tables beside one log.
    """

    seals: sa.Table
    marks: sa.Table
    counts: sa.Table


def seal_tables(metadata: sa.MetaData) -> SealTables:
    """
    Define them. Times are microseconds since 1970.
    """
    seals = sa.Table(
        "log_seals",
        metadata,
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("newest_at", sa.BigInteger, nullable=False),
        sa.Column("sealed_at", sa.BigInteger, nullable=False),
        sa.Column("head", sa.String, nullable=False),
    )
    marks = sa.Table(
        "log_marks",
        metadata,
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("seal", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("head", sa.String, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("signature", sa.String, nullable=False),
    )
    # An empty key or application stands for all of them, so that every total is a sum over the hours.
    counts = sa.Table(
        "log_counts",
        metadata,
        sa.Column("tenant_id", sa.String, primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("application_id", sa.String, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    return SealTables(seals, marks, counts)
