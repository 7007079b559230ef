"""
On SQLite an application's records are found by an index beside the log, made when they are sealed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """
    Put it in place of the log's own, which every token paid for. PostgreSQL keeps that.
    """
    if op.get_bind().dialect.name == "postgresql":
        return
    op.create_table(
        "token_places",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("application_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.execute(
        "INSERT INTO token_places (number, tenant_id, application_id, created_at) "
        "SELECT number, tenant_id, application_id, created_at FROM token_events"
    )
    # Afterwards: an index that is made of what is there is made in its order.
    op.create_index("ix_token_places_application_id", "token_places", ["tenant_id", "application_id", "created_at"])
    op.drop_index("ix_token_events_application_id", "token_events")
