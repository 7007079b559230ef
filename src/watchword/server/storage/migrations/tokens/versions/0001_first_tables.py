"""
The first tables of the token log.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """
    Create the first tables.
    """
    op.create_table("installation", sa.Column("id", sa.String(), nullable=False), sa.PrimaryKeyConstraint("id"))
    # PostgreSQL keeps the records in partitions by time, so that old ones can go at once.
    is_partitioned = op.get_bind().dialect.name == "postgresql"
    op.create_table(
        "token_events",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("application_id", sa.String(), nullable=True),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", *(["created_at"] if is_partitioned else [])),
        sqlite_autoincrement=True,
        postgresql_partition_by="RANGE (created_at)",
    )
    if is_partitioned:
        op.execute("CREATE TABLE token_events_rest PARTITION OF token_events DEFAULT")
    op.create_index(
        "ix_token_events_application_id",
        "token_events",
        ["tenant_id", "application_id", "created_at"],
        unique=False,
    )
    op.create_index("ix_token_events_created_at", "token_events", ["tenant_id", "created_at"], unique=False)
    op.create_index("ix_token_events_key", "token_events", ["tenant_id", "key", "created_at"], unique=False)
    op.create_index(
        "ix_token_events_user_id",
        "token_events",
        ["tenant_id", "user_id", "created_at"],
        unique=False,
        sqlite_where=sa.text("user_id IS NOT NULL"),
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_table(
        "uses",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("application_id", sa.String(), nullable=False),
        sa.Column("secret_id", sa.String(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "application_id", "secret_id"),
    )
    # ### end Alembic commands ###
