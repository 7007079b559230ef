"""
The tables of the token log: what the token path writes.

On SQLite they are in a file of their own, `tokens.db`, which keeps their growth and their write lock off the main
tables; on PostgreSQL in the schema `tokens`. Where they are read beside the main tables, `tokens` is the name of both.
"""

import sqlalchemy as sa

from watchword.server.storage.log_tables import seal_tables

metadata = sa.MetaData()

installation = sa.Table("installation", metadata, sa.Column("id", sa.String, primary_key=True))

# On PostgreSQL the records are partitioned by time, an index holds some of the rows, as here, and one leads to those of
# an application: by the migrations.
# A record's id follows from its number (`logs.py`): a column and an index less for each token to pay.
# Times are microseconds since 1970, payloads JSON text: the log writes them with the driver, a batch at a time.
token_events = sa.Table(
    "token_events",
    metadata,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("tenant_id", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("application_id", sa.String),
    sa.Column("user_id", sa.String),
    sa.Column("payload", sa.String, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Index("ix_token_events_created_at", "tenant_id", "created_at"),
    sa.Index("ix_token_events_key", "tenant_id", "key", "created_at"),
    sqlite_autoincrement=True,
)
# Machines' tokens have no user, and pay nothing for this one.
sa.Index(
    "ix_token_events_user_id",
    *(token_events.c[name] for name in ("tenant_id", "user_id", "created_at")),
    sqlite_where=token_events.c.user_id.is_not(None),
)

# Of refusals there are few: an index of them alone costs nothing to a token that is issued. Every payload begins with
# its result.
IS_REFUSED = """substr(payload, 1, 17) = '{"result":"Error"'"""
sa.Index(
    "ix_token_events_refused",
    *(token_events.c[name] for name in ("tenant_id", "created_at")),
    sqlite_where=sa.text(IS_REFUSED),
)

uses = sa.Table(
    "uses",
    metadata,
    sa.Column("tenant_id", sa.String, primary_key=True),
    sa.Column("application_id", sa.String, primary_key=True),
    sa.Column("secret_id", sa.String, primary_key=True),
    sa.Column("last_used_at", sa.BigInteger, nullable=False),
)

log_seals, log_marks, log_counts = seal_tables(metadata)

# What SQLite has in place of an application's index (`audit/places.py`): it follows from the records.
on_sqlite = sa.MetaData()
token_places = sa.Table(
    "token_places",
    on_sqlite,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("tenant_id", sa.String, nullable=False),
    sa.Column("application_id", sa.String),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Index("ix_token_places_application_id", "tenant_id", "application_id", "created_at"),
)

_READ = sa.MetaData(schema="tokens")
read_token_events = token_events.to_metadata(_READ)
read_uses = uses.to_metadata(_READ)
read_installation = installation.to_metadata(_READ)
read_log_seals = log_seals.to_metadata(_READ)
read_log_marks = log_marks.to_metadata(_READ)
read_log_counts = log_counts.to_metadata(_READ)
read_token_places = token_places.to_metadata(_READ)
