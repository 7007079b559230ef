"""
Indexes for what grows with the number of applications: the holders of a role, and the secrets that expire next.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """
    Add the indexes; an older version that still runs needs none of what is added or dropped.
    """
    op.create_index(
        "ix_application_roles_held", "application_roles", ["tenant_id", "role_id", "created_at", "application_id"]
    )
    op.drop_index("ix_application_roles_tenant_id_role_id_created_at", table_name="application_roles")
    expires = sa.text("expires_at IS NOT NULL")
    op.create_index(
        "ix_application_secrets_expires_at",
        "application_secrets",
        ["expires_at"],
        sqlite_where=expires,
        postgresql_where=expires,
    )
