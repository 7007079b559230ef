"""
Hints to SQLite's planner, which SQLAlchemy knows for other databases only.
"""

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler

# Rows are found by rowid, or read in its order. SQLite guesses that a tenant has ten rows, and would rather look those
# up one by one.
BY_ROWID_ONLY = "NOT INDEXED"
# The roles of an application, by the primary key. For the same guess SQLite would rather walk over all that a tenant's
# applications hold, in an index that has every column of the answer, than look up the few links of one.
BY_APPLICATION = "INDEXED BY sqlite_autoindex_application_roles_1"
# Refusals of tokens, by the index that holds nothing else.
BY_REFUSAL = "INDEXED BY ix_token_events_refused"


class HintingCompiler(SQLiteCompiler):
    """
    Writes a hint behind the name of its table.
    """

    def get_from_hint_text(self, table: sa.FromClause, text: str | None) -> str | None:
        """
        Return the hint.
        """
        del table
        return text
