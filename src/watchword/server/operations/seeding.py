"""
Many applications at once, for development: what load tests are run against.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from watchword.server.domain.events import changed
from watchword.server.domain.names import DEFAULT_TOKEN_LIFETIME, ApplicationType, Permission, RoleType
from watchword.server.domain.records import Application, Resource, Role, Scope
from watchword.server.domain.secrets import new_secret
from watchword.server.operations.operation import writes
from watchword.server.storage import bulk, resources, roles
from watchword.server.storage.bulk import WithSecret
from watchword.server.storage.transaction import Transaction

SCOPES = ("read:things", "write:things", "delete:things")
_COLOURS = ("amber", "azure", "coral", "ivory", "jade", "lilac", "ochre", "olive", "pearl", "ruby", "sepia", "teal")
_TRADES = ("billing", "catalog", "dispatch", "export", "invoice", "ledger", "metrics", "notify", "orders", "pricing")


class Landscape(msgspec.Struct, frozen=True, kw_only=True):
    """
    What seeded applications may have.

    Attributes:
        indicators: Of the API resources; each offers `SCOPES`.
        common_role_id: The role that every application holds: all scopes of the first resource.
        role_ids: Each gives all scopes of one resource; applications hold one of them besides the common one.
    """

    indicators: Sequence[str]
    common_role_id: str
    role_ids: Sequence[str]


@writes(Permission.ALL)
def prepare(tx: Transaction, resource_count: int, role_count: int) -> Landscape:
    """
    Create API resources with scopes, and roles that give them.
    """
    bulk.begin(tx)
    label = tx.new_id(8)
    indicators = [f"https://api-{number}.{label}.example" for number in range(1, resource_count + 1)]
    scope_ids = [_add_resource(tx, indicator) for indicator in indicators]
    common = _add_role(tx, f"Seeded {label}: everybody", scope_ids[0])
    role_ids = [
        _add_role(tx, f"Seeded {label}: role {number + 1}", scope_ids[number % resource_count])
        for number in range(role_count)
    ]
    tx.record(changed("Development.Prepared", tx.actor, {"indicators": indicators, "roles": role_count + 1}))
    return Landscape(indicators=indicators, common_role_id=common, role_ids=role_ids)


@writes(Permission.ALL)
def add_applications(tx: Transaction, landscape: Landscape, numbers: range, begun_at: datetime) -> list[WithSecret]:
    """
    Create machine-to-machine applications, one for each number, in a transaction and as one change.

    Args:
        begun_at: When seeding began: each application is a microsecond younger than the one before.
    """
    added = [
        WithSecret(
            application=_application(tx, number, begun_at),
            secret=new_secret(tx.random),
            role_ids=(landscape.common_role_id, landscape.role_ids[number % len(landscape.role_ids)]),
        )
        for number in numbers
    ]
    with bulk.told_at_once(tx):
        bulk.add_applications(tx, added)
    tx.record(changed("Development.Seeded", tx.actor, {"applications": len(added)}))
    return added


@writes(Permission.ALL)
def finish(tx: Transaction) -> None:
    """
    Bring indexes and statistics up to date.
    """
    bulk.finish(tx)
    tx.leave_unchanged()


def _application(tx: Transaction, number: int, begun_at: datetime) -> Application:
    colour = _COLOURS[number % len(_COLOURS)]
    trade = _TRADES[number // len(_COLOURS) % len(_TRADES)]
    return Application(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        name=f"{colour}-{trade}-{number:07}",
        description=f"Seeded for development, number {number}",
        type=ApplicationType.MACHINE_TO_MACHINE,
        oidc_client_metadata={"redirectUris": [], "postLogoutRedirectUris": []},
        custom_client_metadata={},
        protected_app_metadata=None,
        custom_data={},
        is_third_party=False,
        app_level_access_control_enabled=False,
        created_at=begun_at + timedelta(microseconds=number),
    )


def _add_resource(tx: Transaction, indicator: str) -> list[str]:
    resource = Resource(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        name=indicator.removeprefix("https://"),
        indicator=indicator,
        is_default=False,
        access_token_ttl=DEFAULT_TOKEN_LIFETIME,
        signing_algorithm=None,
    )
    resources.insert(tx, resource)
    added = [
        Scope(
            tenant_id=tx.tenant_id,
            id=tx.new_id(),
            resource_id=resource.id,
            name=name,
            description=None,
            created_at=tx.now(),
        )
        for name in SCOPES
    ]
    for scope in added:
        resources.insert_scope(tx, scope)
    return [scope.id for scope in added]


def _add_role(tx: Transaction, name: str, scope_ids: Sequence[str]) -> str:
    role = Role(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        name=name,
        description="Seeded for development",
        type=RoleType.MACHINE_TO_MACHINE,
        is_default=False,
    )
    roles.insert(tx, role)
    roles.add_scopes(tx, role.id, scope_ids)
    return role.id
