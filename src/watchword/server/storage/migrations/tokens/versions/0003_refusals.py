"""
An index of the records of refusals, of which there are few: an overview reads why tokens were refused.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """
    Add the index. A record of a token that was issued is not in it, and pays nothing for it.
    """
    is_refused = sa.text("""substr(payload, 1, 17) = '{"result":"Error"'""")
    op.create_index(
        "ix_token_events_refused",
        "token_events",
        ["tenant_id", "created_at"],
        sqlite_where=is_refused,
        postgresql_where=is_refused,
    )
