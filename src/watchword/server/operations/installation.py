"""
What a new installation holds.

The tenant with its key, the built-in Management API, the roles that come with it, and a first application that may
run everything.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from watchword.server.domain import names
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.confidential import Confidential
from watchword.server.domain.events import changed
from watchword.server.domain.ids import RandomBytes
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.records import Application, Resource, Role, Scope, Tenant
from watchword.server.domain.secrets import new_secret
from watchword.server.operations.key_upkeep import ensure_keys
from watchword.server.operations.oidc_keys import ensure_cookie_key
from watchword.server.settings import Settings
from watchword.server.storage import applications, resources, roles, tenants
from watchword.server.storage.database import Connection
from watchword.server.storage.sealing import DataKeys
from watchword.server.storage.transaction import Transaction

FIRST_APPLICATION = "First application"


class FirstApplication(Confidential, frozen=True, kw_only=True):
    """
    The application that a new installation begins with.

    Attributes:
        secret: None where it was made earlier: a secret is told once.
    """

    id: str | None
    secret: str | None


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """
    What setting up needs while there is no context yet.
    """

    connection: Connection
    keys: DataKeys
    settings: Settings
    clock: Callable[[], datetime]
    random: RandomBytes

    def transaction(self, tenant_id: str) -> Transaction:
        """
        Act as the machine's own command line, inside the given transaction.
        """
        actor = Actor(kind=ActorKind.LOCAL)
        return Transaction(self.connection, tenant_id, actor, self.keys, self.settings, self.clock, self.random)


def set_up(ground: Ground) -> FirstApplication:
    """
    Create the tenant `default` and all that comes with it; where there is a tenant already, change nothing.
    """
    tx = ground.transaction(names.DEFAULT_TENANT)
    if tenants.holds_a_tenant(ground.connection):
        return FirstApplication(id=tenants.first_manager(tx, names.MANAGEMENT_ROLE), secret=None)
    algorithm = tx.settings.signing_algorithm
    tenants.insert(tx, Tenant(id=tx.tenant_id, signing_algorithm=algorithm, created_at=tx.now()))
    _add_management_api(tx)
    ensure_keys(tx)
    ensure_cookie_key(tx)
    role_id = _add_role(tx, tx.new_id(), names.MANAGEMENT_ROLE, names.MANAGEMENT_ROLE_DESCRIPTION)
    _add_role(tx, names.ADMIN_ROLE_ID, names.ADMIN_ROLE, "Internal admin role for Management API access.")
    first = _add_application(tx, role_id)
    tx.record(changed("Tenant.Created", tx.actor, {"tenantId": tx.tenant_id}))
    return first


def ensure_all_keys(ground: Ground, tenant_id: str) -> None:
    """
    Give a tenant what it lacks of keys: one that signs and a standby for each algorithm in use.
    """
    tx = ground.transaction(tenant_id)
    ensure_keys(tx)
    ensure_cookie_key(tx)


def record_new_token_log(ground: Ground, lost: int) -> None:
    """
    Record that the token log was gone and is a new one: else nothing would prove that there had been another.

    Args:
        lost: How far the one before is known to have come.
    """
    tx = ground.transaction(names.DEFAULT_TENANT)
    tx.record(changed("TokenLog.Begun", tx.actor, {"lost": lost}))


def _add_management_api(tx: Transaction) -> None:
    resources.insert(
        tx,
        Resource(
            tenant_id=tx.tenant_id,
            id=names.MANAGEMENT_RESOURCE_ID,
            name=names.MANAGEMENT_RESOURCE_NAME,
            indicator=names.management_indicator(tx.tenant_id),
            is_default=False,
            access_token_ttl=names.DEFAULT_TOKEN_LIFETIME,
            signing_algorithm=None,
        ),
    )
    resources.insert_scope(
        tx,
        Scope(
            tenant_id=tx.tenant_id,
            id=names.MANAGEMENT_SCOPE_ID,
            resource_id=names.MANAGEMENT_RESOURCE_ID,
            name=names.MANAGEMENT_SCOPE,
            description=names.MANAGEMENT_SCOPE_DESCRIPTION,
            created_at=tx.now(),
        ),
    )


def _add_role(tx: Transaction, role_id: str, name: str, description: str) -> str:
    roles.insert(
        tx,
        Role(
            tenant_id=tx.tenant_id,
            id=role_id,
            name=name,
            description=description,
            type=RoleType.MACHINE_TO_MACHINE,
            is_default=False,
        ),
        built_in=True,
    )
    roles.add_scopes(tx, role_id, [names.MANAGEMENT_SCOPE_ID])
    return role_id


def _add_application(tx: Transaction, role_id: str) -> FirstApplication:
    application = Application(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        name=FIRST_APPLICATION,
        description="Made by `watchword init`, to run everything through the Management API.",
        type=ApplicationType.MACHINE_TO_MACHINE,
        oidc_client_metadata={"redirectUris": [], "postLogoutRedirectUris": []},
        custom_client_metadata={},
        protected_app_metadata=None,
        custom_data={},
        is_third_party=False,
        app_level_access_control_enabled=False,
        created_at=tx.now(),
    )
    applications.insert(tx, application)
    applications.add_roles(tx, application.id, [role_id])
    secret = new_secret(tx.random)
    applications.insert_secret(tx, application.id, names.DEFAULT_SECRET_NAME, secret, expires_at=None)
    return FirstApplication(id=application.id, secret=secret.value)
