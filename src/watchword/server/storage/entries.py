"""
Loading what decisions read: one application, role, resource or tenant as an entry of the domain's view.
"""

import sqlalchemy as sa

from watchword.protocol.jose import Signer, load_private_key, public_jwk
from watchword.protocol.resource_indicators import is_registrable
from watchword.server.domain.secrets import SecretEntry
from watchword.server.domain.signing_keys import OwnAlgorithm, SigningKey
from watchword.server.domain.view import ApplicationEntry, ResourceEntry, RoleEntry, TenantEntry
from watchword.server.storage import schema
from watchword.server.storage.sealing import DataKeys, Purpose
from watchword.server.storage.sqlite.hints import BY_APPLICATION


def load_tenant(connection: sa.Connection, tenant_id: str, keys: DataKeys) -> TenantEntry | None:
    """
    Load a tenant with its default resource and its keys, unsealed.
    """
    tenant = connection.execute(sa.select(schema.tenants).where(schema.tenants.c.id == tenant_id)).one_or_none()
    if tenant is None:
        return None
    default = connection.execute(
        sa.select(schema.resources.c.indicator).where(
            schema.resources.c.tenant_id == tenant_id, schema.resources.c.is_default.is_(sa.true())
        )
    ).scalar_one_or_none()
    table = schema.signing_keys
    rows = connection.execute(sa.select(table).where(table.c.tenant_id == tenant_id).order_by(table.c.id))
    return TenantEntry(
        id=tenant_id,
        own_algorithm=OwnAlgorithm(
            present=tenant.signing_algorithm,
            following=tenant.next_signing_algorithm,
            following_from=tenant.next_algorithm_from,
        ),
        default_resource=default,
        keys=tuple(_signing_key(row, keys) for row in rows),
    )


def load_application(connection: sa.Connection, tenant_id: str, application_id: str) -> ApplicationEntry | None:
    """
    Load an application with its secrets and the ids of its roles.
    """
    table, secrets, links = schema.applications, schema.application_secrets, schema.application_roles
    row = connection.execute(
        sa.select(
            table.c.id,
            table.c.name,
            table.c.type,
            table.c.custom_client_metadata,
            table.c.oidc_client_metadata,
        ).where(table.c.tenant_id == tenant_id, table.c.id == application_id)
    ).one_or_none()
    if row is None:
        return None
    secret_rows = connection.execute(
        sa.select(secrets.c.id, secrets.c.name, secrets.c.digest, secrets.c.expires_at)
        .where(secrets.c.tenant_id == tenant_id, secrets.c.application_id == application_id)
        .order_by(secrets.c.created_at)
    )
    role_ids = connection.execute(
        sa.select(links.c.role_id)
        .with_hint(links, BY_APPLICATION, "sqlite")
        .where(links.c.tenant_id == tenant_id, links.c.application_id == application_id)
        .order_by(links.c.created_at)
    ).scalars()
    return ApplicationEntry(
        id=row.id,
        name=row.name,
        type=row.type,
        role_ids=tuple(role_ids),
        secrets=tuple(
            SecretEntry(id=secret.id, name=secret.name, digest=secret.digest, expires_at=secret.expires_at)
            for secret in secret_rows
        ),
        # Null is no list: it may stand in what older versions or an import have stored.
        origins=frozenset(row.custom_client_metadata.get("corsAllowedOrigins") or ())
        | frozenset(map(_origin, row.oidc_client_metadata.get("redirectUris") or ())),
    )


def load_role(connection: sa.Connection, tenant_id: str, role_id: str) -> RoleEntry | None:
    """
    Load a role with the ids of its scopes.
    """
    table, links = schema.roles, schema.role_scopes
    row = connection.execute(
        sa.select(table.c.id, table.c.name, table.c.type).where(table.c.tenant_id == tenant_id, table.c.id == role_id)
    ).one_or_none()
    if row is None:
        return None
    scope_ids = connection.execute(
        sa.select(links.c.scope_id).where(links.c.tenant_id == tenant_id, links.c.role_id == role_id)
    ).scalars()
    return RoleEntry(id=row.id, name=row.name, type=row.type, scope_ids=frozenset(scope_ids))


def load_resource(connection: sa.Connection, tenant_id: str, indicator: str) -> ResourceEntry | None:
    """
    Load the API resource with exactly this indicator, and its scopes.
    """
    table, scopes = schema.resources, schema.scopes
    row = connection.execute(
        sa.select(
            table.c.id, table.c.name, table.c.indicator, table.c.access_token_ttl, table.c.signing_algorithm
        ).where(table.c.tenant_id == tenant_id, table.c.indicator == indicator)
    ).one_or_none()
    if row is None:
        return None
    scope_rows = connection.execute(
        sa.select(scopes.c.name, scopes.c.id)
        .where(scopes.c.tenant_id == tenant_id, scopes.c.resource_id == row.id)
        .order_by(scopes.c.created_at)
    )
    return ResourceEntry(
        id=row.id,
        name=row.name,
        indicator=row.indicator,
        access_token_ttl=row.access_token_ttl,
        signing_algorithm=row.signing_algorithm,
        scopes={scope.name: scope.id for scope in scope_rows},
        is_requestable=is_registrable(row.indicator),
    )


def _signing_key(row: sa.Row[tuple[object, ...]], keys: DataKeys) -> SigningKey:
    der = keys.unseal(row.sealed_private_key, purpose=Purpose.SIGNING_KEY, tenant_id=row.tenant_id, row_id=row.id)
    key = load_private_key(der)
    return SigningKey(
        kid=row.id,
        algorithm=row.algorithm,
        # Not the row's own copy: whoever can write rows must not be able to publish a key of theirs.
        public_jwk=public_jwk(key, row.algorithm),
        signer=Signer.of(key, row.algorithm, row.id),
        published_at=row.published_at,
        signs_from=row.signs_from,
        signs_until=row.signs_until,
        dropped_at=row.dropped_at,
    )


def _origin(redirect_uri: str) -> str:
    scheme, _, rest = redirect_uri.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"
