"""
Loading what decisions read: applications, a role, a resource or a tenant as entries of the domain's view.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from watchword.protocol.jose import Signer, load_private_key, public_jwk
from watchword.protocol.resource_indicators import is_registrable
from watchword.server.domain.secrets import SecretEntry
from watchword.server.domain.signing_keys import OwnAlgorithm, SigningKey
from watchword.server.domain.view import ApplicationEntry, ResourceEntry, RoleEntry, TenantEntry
from watchword.server.storage import schema
from watchword.server.storage.sealing import DataKeys, Purpose
from watchword.server.storage.sqlite.hints import BY_APPLICATION

_TENANT, _KEY = sa.bindparam("tenant_id", type_=sa.String), sa.bindparam("key", type_=sa.String)
_APPLICATION_IDS = sa.bindparam("keys", type_=sa.String, expanding=True)
# Made once: to put a query together takes as long as to run it, and each application that asks is loaded by these.
_tenants, _applications, _secrets = schema.tenants, schema.applications, schema.application_secrets
_holders, _roles, _role_scopes = schema.application_roles, schema.roles, schema.role_scopes
_resources, _scopes, _signing_keys = schema.resources, schema.scopes, schema.signing_keys
_TENANT_ROW = sa.select(_tenants).where(_tenants.c.id == _TENANT)
_DEFAULT_RESOURCE = sa.select(_resources.c.indicator).where(
    _resources.c.tenant_id == _TENANT, _resources.c.is_default.is_(sa.true())
)
_KEYS = sa.select(_signing_keys).where(_signing_keys.c.tenant_id == _TENANT).order_by(_signing_keys.c.id)
_APPLICATION_ROWS = sa.select(
    *(_applications.c[name] for name in ("id", "name", "type", "custom_client_metadata", "oidc_client_metadata"))
).where(_applications.c.tenant_id == _TENANT, _applications.c.id.in_(_APPLICATION_IDS))
_SECRETS = (
    sa.select(*(_secrets.c[name] for name in ("application_id", "id", "name", "digest", "expires_at")))
    .where(_secrets.c.tenant_id == _TENANT, _secrets.c.application_id.in_(_APPLICATION_IDS))
    .order_by(_secrets.c.created_at)
)
_ROLE_IDS = (
    sa.select(_holders.c.application_id, _holders.c.role_id)
    .with_hint(_holders, BY_APPLICATION, "sqlite")
    .where(_holders.c.tenant_id == _TENANT, _holders.c.application_id.in_(_APPLICATION_IDS))
    .order_by(_holders.c.created_at)
)
_ROLE_ROW = sa.select(_roles.c.id, _roles.c.name, _roles.c.type).where(
    _roles.c.tenant_id == _TENANT, _roles.c.id == _KEY
)
_SCOPE_IDS = sa.select(_role_scopes.c.scope_id).where(
    _role_scopes.c.tenant_id == _TENANT, _role_scopes.c.role_id == _KEY
)
_HELD = (
    sa.select(_holders.c.role_id)
    .with_hint(_holders, BY_APPLICATION, "sqlite")
    .where(_holders.c.tenant_id == _TENANT, _holders.c.application_id.in_(_APPLICATION_IDS))
)
_ROWS_OF_HELD = sa.select(_roles.c.id, _roles.c.name, _roles.c.type).where(
    _roles.c.tenant_id == _TENANT, _roles.c.id.in_(_HELD)
)
_SCOPE_IDS_OF_HELD = sa.select(_role_scopes.c.role_id, _role_scopes.c.scope_id).where(
    _role_scopes.c.tenant_id == _TENANT, _role_scopes.c.role_id.in_(_HELD)
)
_RESOURCE_ROW = sa.select(
    *(_resources.c[name] for name in ("id", "name", "indicator", "access_token_ttl", "signing_algorithm"))
).where(_resources.c.tenant_id == _TENANT, _resources.c.indicator == _KEY)
_SCOPES = (
    sa.select(_scopes.c.name, _scopes.c.id)
    .where(_scopes.c.tenant_id == _TENANT, _scopes.c.resource_id == _KEY)
    .order_by(_scopes.c.created_at)
)


def load_tenant(connection: sa.Connection, tenant_id: str, keys: DataKeys) -> TenantEntry | None:
    """
    Load a tenant with its default resource and its keys, unsealed.
    """
    of_tenant = {"tenant_id": tenant_id}
    tenant = connection.execute(_TENANT_ROW, of_tenant).one_or_none()
    if tenant is None:
        return None
    return TenantEntry(
        id=tenant_id,
        own_algorithm=OwnAlgorithm(
            present=tenant.signing_algorithm,
            following=tenant.next_signing_algorithm,
            following_from=tenant.next_algorithm_from,
        ),
        default_resource=connection.execute(_DEFAULT_RESOURCE, of_tenant).scalar_one_or_none(),
        keys=tuple(_signing_key(row, keys) for row in connection.execute(_KEYS, of_tenant)),
    )


def load_application(connection: sa.Connection, tenant_id: str, application_id: str) -> ApplicationEntry | None:
    """
    Load an application with its secrets and the ids of its roles.
    """
    return load_applications(connection, tenant_id, [application_id]).get(application_id)


def load_applications(
    connection: sa.Connection, tenant_id: str, application_ids: Sequence[str]
) -> Mapping[str, ApplicationEntry]:
    """
    Load applications with their secrets and the ids of their roles; those that there are, by their ids.
    """
    of_them = {"tenant_id": tenant_id, "keys": application_ids}
    found = connection.execute(_APPLICATION_ROWS, of_them).all()
    if not found:
        return {}
    links, secrets = (_by_application(connection.execute(query, of_them)) for query in (_ROLE_IDS, _SECRETS))
    return {row.id: _application(row, links[row.id], secrets[row.id]) for row in found}


def _by_application(found: Iterable[sa.Row[Any]]) -> Mapping[str, list[sa.Row[Any]]]:
    grouped: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in found:
        grouped[row.application_id].append(row)
    return grouped


def _application(row: sa.Row[Any], links: Sequence[sa.Row[Any]], secrets: Sequence[sa.Row[Any]]) -> ApplicationEntry:
    return ApplicationEntry(
        id=row.id,
        name=row.name,
        type=row.type,
        role_ids=tuple(link.role_id for link in links),
        secrets=tuple(
            SecretEntry(id=secret.id, name=secret.name, digest=secret.digest, expires_at=secret.expires_at)
            for secret in secrets
        ),
        # Null is no list: it may stand in what older versions or an import have stored.
        origins=frozenset(row.custom_client_metadata.get("corsAllowedOrigins") or ())
        | frozenset(map(_origin, row.oidc_client_metadata.get("redirectUris") or ())),
    )


def load_role(connection: sa.Connection, tenant_id: str, role_id: str) -> RoleEntry | None:
    """
    Load a role with the ids of its scopes.
    """
    of_role = {"tenant_id": tenant_id, "key": role_id}
    row = connection.execute(_ROLE_ROW, of_role).one_or_none()
    if row is None:
        return None
    scope_ids = connection.execute(_SCOPE_IDS, of_role).scalars()
    return RoleEntry(id=row.id, name=row.name, type=row.type, scope_ids=frozenset(scope_ids))


def load_roles_held(
    connection: sa.Connection, tenant_id: str, application_ids: Sequence[str]
) -> Mapping[str, RoleEntry]:
    """
    Load all roles that any of these applications holds, with the ids of their scopes, by their own ids.
    """
    of_them = {"tenant_id": tenant_id, "keys": application_ids}
    scope_ids: defaultdict[str, set[str]] = defaultdict(set)
    for link in connection.execute(_SCOPE_IDS_OF_HELD, of_them):
        scope_ids[link.role_id].add(link.scope_id)
    return {
        row.id: RoleEntry(id=row.id, name=row.name, type=row.type, scope_ids=frozenset(scope_ids[row.id]))
        for row in connection.execute(_ROWS_OF_HELD, of_them)
    }


def load_resource(connection: sa.Connection, tenant_id: str, indicator: str) -> ResourceEntry | None:
    """
    Load the API resource with exactly this indicator, and its scopes.
    """
    row = connection.execute(_RESOURCE_ROW, {"tenant_id": tenant_id, "key": indicator}).one_or_none()
    if row is None:
        return None
    return ResourceEntry(
        id=row.id,
        name=row.name,
        indicator=row.indicator,
        access_token_ttl=row.access_token_ttl,
        signing_algorithm=row.signing_algorithm,
        scopes={scope.name: scope.id for scope in connection.execute(_SCOPES, {"tenant_id": tenant_id, "key": row.id})},
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
