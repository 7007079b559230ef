"""
The two logs, each a chain of its own: what operations changed, and what the token path wrote.
"""

import msgspec
import sqlalchemy as sa

from watchword.server.storage import schema, token_schema


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """
    A log and what is kept beside it, as reading connections see them.

    Attributes:
        name: Part of every head: never rename one.
        columns: What a record is made of, in the order in which it is sealed.
        is_of_tokens: Whether its tables stand where the token path writes.
    """

    name: str
    records: sa.Table
    seals: sa.Table
    marks: sa.Table
    counts: sa.Table
    columns: tuple[str, ...]
    is_of_tokens: bool


CHANGES = Chain(
    name="audit_events",
    records=schema.audit_events,
    seals=schema.log_seals,
    marks=schema.log_marks,
    counts=schema.log_counts,
    columns=("number", "created_at", "tenant_id", "id", "key", "application_id", "user_id", "payload"),
    is_of_tokens=False,
)
TOKENS = Chain(
    name="token_events",
    records=token_schema.read_token_events,
    seals=token_schema.read_log_seals,
    marks=token_schema.read_log_marks,
    counts=token_schema.read_log_counts,
    columns=("number", "created_at", "tenant_id", "key", "application_id", "user_id", "payload"),
    is_of_tokens=True,
)
CHAINS = (CHANGES, TOKENS)
