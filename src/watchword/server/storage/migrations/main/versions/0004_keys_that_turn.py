"""
What turning signing keys needs: how long a key's tokens live, what a tenant's algorithm becomes, ids of cookie keys.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """
    Add the columns and the table. The previous version goes on with the database: it knows neither and needs neither.
    """
    op.add_column("tenants", sa.Column("next_signing_algorithm", sa.String(), nullable=True))
    op.add_column("tenants", sa.Column("next_algorithm_from", sa.BigInteger(), nullable=True))
    op.add_column("signing_keys", sa.Column("longest_lifetime", sa.BigInteger(), nullable=False, server_default="3600"))
    op.execute(
        "UPDATE signing_keys SET longest_lifetime = (SELECT max(access_token_ttl) FROM resources "
        "WHERE resources.tenant_id = signing_keys.tenant_id) "
        "WHERE longest_lifetime < (SELECT max(access_token_ttl) FROM resources "
        "WHERE resources.tenant_id = signing_keys.tenant_id)"
    )
    op.create_table(
        "cookie_keys",
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_cookie_keys_tenants", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_cookie_keys"),
    )
