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
    op.create_table(
        "token_events",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("application_id", sa.String(), nullable=True),
        sa.Column("user_id", sa.String(), nullable=True),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
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
