"""
The tables of the main database.

Every table carries `tenant_id`; keys and foreign keys are composite with it. `tokens.db` has its own schema, in
`token_schema.py`; no foreign key crosses the files.
"""

from typing import Any

import sqlalchemy as sa

from watchword.protocol.names import Algorithm
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.storage.log_tables import seal_tables
from watchword.server.storage.operator_tables import operator_tables
from watchword.server.storage.table_parts import belongs as _belongs
from watchword.server.storage.table_parts import created as _created
from watchword.server.storage.table_parts import identity as _id
from watchword.server.storage.table_parts import tenant as _tenant
from watchword.server.storage.types import Instant, LogNumber, Word

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _newest_first(table: sa.Table, *before: str) -> list[sa.ColumnElement[Any]]:
    # As lists are ordered: what has the same age, by id.
    return [*(table.c[name] for name in ("tenant_id", *before)), table.c.created_at.desc(), table.c.id]


installation = sa.Table(
    "installation",
    metadata,
    _id(),
    _created(),
)

data_keys = sa.Table(
    "data_keys",
    metadata,
    sa.Column("purpose", sa.String, primary_key=True),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("master_key_id", sa.String, nullable=False),
)

tenants = sa.Table(
    "tenants",
    metadata,
    _id(),
    sa.Column("signing_algorithm", Word(Algorithm), nullable=False),
    _created(),
    sa.Column("next_signing_algorithm", Word(Algorithm)),
    sa.Column("next_algorithm_from", Instant),
)

# What changed, for the directory: one counter row per tenant puts the commits in order, triggers append to `changes`.
change_counters = sa.Table(
    "change_counters",
    metadata,
    sa.Column("tenant_id", sa.String, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

changes = sa.Table(
    "changes",
    metadata,
    sa.Column("tenant_id", sa.String, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("nonce", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
)

# How many rows there are, kept by triggers (`counts.py` says of what): lists tell their totals without counting.
row_counts = sa.Table(
    "row_counts",
    metadata,
    sa.Column("tenant_id", sa.String, primary_key=True),
    sa.Column("counted", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    _tenant(),
    _id(),
    sa.Column("algorithm", Word(Algorithm), nullable=False),
    sa.Column("public_jwk", sa.JSON, nullable=False),
    sa.Column("sealed_private_key", sa.LargeBinary, nullable=False),
    _created(),
    sa.Column("published_at", Instant, nullable=False),
    sa.Column("signs_from", Instant, nullable=False),
    sa.Column("signs_until", Instant),
    sa.Column("dropped_at", Instant),
    # The previous version, which does not know the column, signs for as long as tokens live unless told otherwise.
    sa.Column("longest_lifetime", sa.BigInteger, nullable=False, server_default="3600"),
)

# Nobody signs in, so that no cookie is signed: ids alone, for scripts that rotate cookie keys.
cookie_keys = sa.Table(
    "cookie_keys",
    metadata,
    _tenant(),
    _id(),
    _created(),
)

applications = sa.Table(
    "applications",
    metadata,
    _tenant(),
    _id(),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("description", sa.String),
    sa.Column("type", Word(ApplicationType), nullable=False),
    sa.Column("oidc_client_metadata", sa.JSON, nullable=False),
    sa.Column("custom_client_metadata", sa.JSON, nullable=False),
    sa.Column("protected_app_metadata", sa.JSON(none_as_null=True)),
    sa.Column("custom_data", sa.JSON, nullable=False),
    sa.Column("is_third_party", sa.Boolean, nullable=False),
    sa.Column("app_level_access_control_enabled", sa.Boolean, nullable=False),
    _created(),
)
sa.Index("ix_applications_newest", *_newest_first(applications))
sa.Index("ix_applications_newest_of_type", *_newest_first(applications, "type"))

application_secrets = sa.Table(
    "application_secrets",
    metadata,
    _tenant(),
    _id(),
    sa.Column("application_id", sa.String, nullable=False),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("masked_value", sa.String, nullable=False),
    _created(),
    sa.Column("expires_at", Instant),
    _belongs("application_id", "applications"),
    sa.UniqueConstraint("tenant_id", "application_id", "name"),
)
# Indexes over some of the rows are that on PostgreSQL too, by the migrations: to say it here would load its dialect.
sa.Index(
    "ix_application_secrets_expires_at",
    application_secrets.c.expires_at,
    sqlite_where=application_secrets.c.expires_at.is_not(None),
)

# Sealed copies serve read-back for a while. They are apart, so that deleting them changes nothing that decisions read.
secret_copies = sa.Table(
    "secret_copies",
    metadata,
    _tenant(),
    sa.Column("secret_id", sa.String, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    _created(),
    _belongs("secret_id", "application_secrets"),
    sa.Index(None, "created_at"),
)

resources = sa.Table(
    "resources",
    metadata,
    _tenant(),
    _id(),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("indicator", sa.String, nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    sa.Column("access_token_ttl", sa.BigInteger, nullable=False),
    sa.Column("signing_algorithm", Word(Algorithm)),
    _created(),
    sa.UniqueConstraint("tenant_id", "indicator"),
    sa.Index(None, "tenant_id", "created_at", "id"),
)
sa.Index(
    "uq_resources_default",
    resources.c.tenant_id,
    unique=True,
    sqlite_where=resources.c.is_default.is_(sa.true()),
)

scopes = sa.Table(
    "scopes",
    metadata,
    _tenant(),
    _id(),
    sa.Column("resource_id", sa.String, nullable=False),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("description", sa.String),
    _created(),
    _belongs("resource_id", "resources"),
    sa.UniqueConstraint("tenant_id", "resource_id", "name"),
    sa.Index(None, "tenant_id", "resource_id", "created_at", "id"),
)

roles = sa.Table(
    "roles",
    metadata,
    _tenant(),
    _id(),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("description", sa.String(128), nullable=False),
    sa.Column("type", Word(RoleType), nullable=False),
    sa.Column("is_default", sa.Boolean, nullable=False),
    # Came with the tenant and keeps it manageable: it stays, and keeps its permission.
    sa.Column("built_in", sa.Boolean, nullable=False),
    _created(),
    sa.UniqueConstraint("tenant_id", "name"),
    sa.Index(None, "tenant_id", "created_at", "id"),
)

role_scopes = sa.Table(
    "role_scopes",
    metadata,
    _tenant(),
    sa.Column("role_id", sa.String, primary_key=True),
    sa.Column("scope_id", sa.String, primary_key=True),
    _created(),
    _belongs("role_id", "roles"),
    _belongs("scope_id", "scopes"),
    sa.Index(None, "tenant_id", "scope_id"),
)

application_roles = sa.Table(
    "application_roles",
    metadata,
    _tenant(),
    sa.Column("application_id", sa.String, primary_key=True),
    sa.Column("role_id", sa.String, primary_key=True),
    _created(),
    _belongs("application_id", "applications"),
    _belongs("role_id", "roles"),
    sa.Index("ix_application_roles_held", "tenant_id", "role_id", "created_at", "application_id"),
)

operators, operator_links, operator_sessions, operator_tries = operator_tables(metadata)

users = sa.Table(
    "users",
    metadata,
    _tenant(),
    _id(),
    sa.Column("username", sa.String(128)),
    sa.Column("primary_email", sa.String(128)),
    sa.Column("primary_phone", sa.String(128)),
    sa.Column("name", sa.String(128)),
    sa.Column("avatar", sa.String(2048)),
    sa.Column("custom_data", sa.JSON, nullable=False),
    sa.Column("identities", sa.JSON, nullable=False),
    sa.Column("last_sign_in_at", Instant),
    _created(),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("profile", sa.JSON, nullable=False),
    sa.Column("application_id", sa.String),
    sa.Column("cimd_client_id", sa.String),
    sa.Column("is_suspended", sa.Boolean, nullable=False),
    sa.Column("password_digest", sa.String),
    sa.Column("password_algorithm", sa.String),
    sa.UniqueConstraint("tenant_id", "username"),
    sa.UniqueConstraint("tenant_id", "primary_phone"),
)
sa.Index("ix_users_newest", *_newest_first(users))
sa.Index("uq_users_email", users.c.tenant_id, sa.func.lower(users.c.primary_email), unique=True)

user_roles = sa.Table(
    "user_roles",
    metadata,
    _tenant(),
    sa.Column("user_id", sa.String, primary_key=True),
    sa.Column("role_id", sa.String, primary_key=True),
    _created(),
    _belongs("user_id", "users"),
    _belongs("role_id", "roles"),
    sa.Index(None, "tenant_id", "role_id", "created_at"),
)

# A record outlives what it tells of: no foreign key. Its number is its place in the chain of all tenants' records.
audit_events = sa.Table(
    "audit_events",
    metadata,
    sa.Column("number", LogNumber, primary_key=True, autoincrement=True),
    sa.Column("tenant_id", sa.String, nullable=False),
    _id(primary=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("application_id", sa.String),
    sa.Column("user_id", sa.String),
    sa.Column("payload", sa.JSON, nullable=False),
    _created(),
    sa.UniqueConstraint("tenant_id", "id"),
    sa.Index(None, "tenant_id", "created_at", "id"),
    sa.Index(None, "tenant_id", "key", "created_at"),
    sa.Index(None, "tenant_id", "application_id", "created_at"),
    sa.Index(None, "tenant_id", "user_id", "created_at"),
    sqlite_autoincrement=True,
)
log_seals, log_marks, log_counts = seal_tables(metadata)

# Upkeep: whose turn it is to run a job, and how far the token log had come when a node last looked.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("leased_until", Instant, nullable=False),
)

token_log_marks = sa.Table(
    "token_log_marks",
    metadata,
    sa.Column("installation_id", sa.String, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("noted_at", Instant, nullable=False),
)

# Tables that `Upkeep` may write: no tenant's rows that decisions read, none with a change trigger.
UPKEEP = frozenset(
    {
        "jobs",
        "token_log_marks",
        "secret_copies",
        "changes",
        "log_seals",
        "log_marks",
        "log_counts",
        "token_places",
        "operator_links",
        "operator_sessions",
        "operator_tries",
    }
)
# Logs, whose records retention drops; nothing may change one.
UPKEEP_DELETES = frozenset({"audit_events", "token_events"})
