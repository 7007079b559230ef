"""
On SQLite, triggers that tell of rows whose place another one takes.

They are made by `migrate` itself, as after every migration.
"""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """
    Change no table; an older version that still runs needs none of what is added.
    """
