"""
Row counts, and indexes that lists walk in their own order.

The counts are filled, and their triggers and the search indexes made, by `migrate` itself, as after every migration.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """
    Add the table of counts and the indexes; an older version that still runs needs none of what is added or dropped.
    """
    op.create_table(
        "row_counts",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("counted", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "counted", "key", name="pk_row_counts"),
    )
    newest_first = sa.text("created_at DESC")
    op.create_index("ix_applications_newest", "applications", ["tenant_id", newest_first, "id"])
    op.create_index("ix_applications_newest_of_type", "applications", ["tenant_id", "type", newest_first, "id"])
    op.create_index("ix_users_newest", "users", ["tenant_id", newest_first, "id"])
    for table in ("applications", "users"):
        op.drop_index(f"ix_{table}_tenant_id_created_at_id", table_name=table)
