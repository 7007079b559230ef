"""
Applications: list, create, read, change, delete, and their custom data.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from watchword.server.domain import names, problems
from watchword.server.domain.actors import ActorKind
from watchword.server.domain.events import changed
from watchword.server.domain.names import ApplicationType, Permission
from watchword.server.domain.problems import DoneAlready, Problem
from watchword.server.domain.records import Application, Json
from watchword.server.domain.search import Search
from watchword.server.domain.secrets import new_secret
from watchword.server.operations.operation import reads, writes
from watchword.server.storage import applications
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction

_THIRD_PARTY_TYPES = frozenset({ApplicationType.TRADITIONAL, ApplicationType.SPA, ApplicationType.NATIVE})
_SUBDOMAIN = re.compile(r"[0-9a-z]([0-9a-z-]{0,61}[0-9a-z])?\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_NAME = 256
NO_URIS: Json = {"redirectUris": [], "postLogoutRedirectUris": []}


class NewApplication(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an application is created with.
    """

    name: str
    type: ApplicationType
    description: str | None = None
    oidc_client_metadata: Json = msgspec.field(default_factory=lambda: dict(NO_URIS))
    custom_client_metadata: Json = msgspec.field(default_factory=dict)
    protected_app_metadata: Json | None = None
    custom_data: Json = msgspec.field(default_factory=dict)
    is_third_party: bool = False


class ApplicationDetail(msgspec.Struct, frozen=True, kw_only=True):
    """
    An application, and whether it holds the internal admin role.

    Attributes:
        secret: Only of applications that exist by name alone: a text that is no secret.
    """

    application: Application
    is_admin: bool
    secret: str | None = None


@reads(Permission.ALL)
def listing(tx: Transaction, wanted: ApplicationFilter, search: Search, page: Page | None) -> Listing[Application]:
    """
    List applications, newest first.
    """
    return applications.listing(tx, wanted, search, page)


@reads(Permission.ALL)
def read(tx: Transaction, application_id: str) -> ApplicationDetail:
    """
    Read an application.

    Raises:
        Problem: There is none.
    """
    synthetic = _synthetic(tx.tenant_id).get(application_id)
    if synthetic is not None:
        return ApplicationDetail(application=synthetic, is_admin=False, secret="N/A")
    application = demand(tx, application_id)
    return ApplicationDetail(
        application=application, is_admin=names.ADMIN_ROLE_ID in applications.role_ids(tx, application_id)
    )


@writes(Permission.ALL)
def create(tx: Transaction, new: NewApplication, application_id: str | None = None) -> tuple[Application, str | None]:
    """
    Create an application; one of a type with secrets gets its first secret.

    Args:
        application_id: The id that it gets; a fresh one if None.

    Returns:
        The application, and its secret in clear text where it can't be read back afterwards.

    Raises:
        DoneAlready: There is one with this id.
        Problem: The type can't be made here, or its parts don't go together.
    """
    _check_new(new)
    if application_id is not None and applications.find(tx, application_id) is not None:
        raise DoneAlready
    if len(new.name) > LONGEST_NAME:
        raise problems.too_long("name")
    application = Application(
        tenant_id=tx.tenant_id,
        id=application_id or tx.new_id(),
        name=new.name,
        description=new.description or None,
        type=new.type,
        oidc_client_metadata=new.oidc_client_metadata,
        custom_client_metadata=new.custom_client_metadata,
        protected_app_metadata=None,
        custom_data=new.custom_data,
        is_third_party=new.is_third_party,
        app_level_access_control_enabled=False,
        created_at=tx.now(),
    )
    applications.insert(tx, application)
    secret = _add_first_secret(tx, application) if new.type.has_secrets else None
    tx.record(changed("Application.Created", tx.actor, {"id": application.id, "name": application.name}))
    return application, secret


@writes(Permission.ALL)
def update(
    tx: Transaction, application_id: str, changes: Mapping[str, object], *, is_admin: bool | None = None
) -> Application:
    """
    Change an application. JSON columns are replaced whole; `is_admin` gives or takes the internal admin role.

    Raises:
        Problem: There is none, or the change makes no sense for it.
    """
    application = demand(tx, application_id)
    _check_changes(application, changes)
    has_other_roles = is_admin is not None and _set_admin(tx, application_id, is_admin=is_admin)
    columns = {name: value for name, value in changes.items() if name != "protected_app_metadata"}
    if "description" in columns:
        columns["description"] = columns["description"] or None
    if columns:
        applications.update(tx, application_id, columns)
        tx.record(changed("Application.Data.Updated", tx.actor, {"id": application_id, "changed": sorted(columns)}))
    elif not has_other_roles:
        tx.leave_unchanged()
    return demand(tx, application_id)


@writes(Permission.ALL)
def delete(tx: Transaction, application_id: str) -> None:
    """
    Delete an application with everything that hangs on it.

    Raises:
        Problem: There is none.
    """
    application = demand(tx, application_id)
    applications.delete(tx, application_id)
    tx.record(changed("Application.Deleted", tx.actor, {"id": application_id, "name": application.name}))


@writes(Permission.ALL)
def merge_custom_data(tx: Transaction, application_id: str, data: Json) -> Json:
    """
    Merge top-level members into an application's custom data; return all of it.

    Raises:
        Problem: There is no such application.
    """
    application = applications.find(tx, application_id)
    if application is None:
        raise problems.not_exists("application")
    merged = {**application.custom_data, **data}
    applications.update(tx, application_id, {"custom_data": merged})
    tx.record(changed("Application.Data.Updated", tx.actor, {"id": application_id, "changed": ["custom_data"]}))
    return merged


def demand(tx: Transaction, application_id: str) -> Application:
    """
    Return an application.

    Raises:
        Problem: There is none.
    """
    application = applications.find(tx, application_id)
    if application is None:
        raise problems.unknown("applications", application_id)
    return application


def record_roles(
    tx: Transaction, application_id: str, *, added: Sequence[str] = (), removed: Sequence[str] = ()
) -> None:
    """
    Record which roles an application got and lost, by their ids.
    """
    data = {"id": application_id, "added": list(added), "removed": list(removed)}
    tx.record(changed("Application.Roles.Updated", tx.actor, data))


def _add_first_secret(tx: Transaction, application: Application) -> str | None:
    secret = new_secret(tx.random)
    applications.insert_secret(tx, application.id, names.DEFAULT_SECRET_NAME, secret, expires_at=None)
    is_shown_once = tx.settings.secret_reveal_hours == 0 or tx.actor.kind is ActorKind.OPERATOR
    return secret.value if is_shown_once else None


def _set_admin(tx: Transaction, application_id: str, *, is_admin: bool) -> bool:
    role_id = names.ADMIN_ROLE_ID
    if is_admin == (role_id in applications.role_ids(tx, application_id)):
        return False
    if is_admin:
        applications.add_roles(tx, application_id, [role_id])
        record_roles(tx, application_id, added=[role_id])
    else:
        applications.remove_role(tx, application_id, role_id)
        record_roles(tx, application_id, removed=[role_id])
    return True


def _check_new(new: NewApplication) -> None:
    if new.type is ApplicationType.SAML:
        raise Problem(
            "application.saml.use_saml_app_api",
            status=400,
            message="Use `[METHOD] /saml-applications(/.*)?` API to operate SAML app.",
        )
    if new.custom_client_metadata.get("isDeviceFlow") and new.type is not ApplicationType.NATIVE:
        raise Problem(
            "application.device_flow_native_only",
            status=422,
            message="The device flow is only for native applications.",
        )
    if new.type is ApplicationType.PROTECTED:
        raise _protected(new.protected_app_metadata)
    if new.is_third_party and new.type not in _THIRD_PARTY_TYPES:
        raise Problem(
            "application.invalid_third_party_application_type",
            status=400,
            message="Only traditional web, single-page, and native applications can be marked as third-party apps.",
        )
    _check_token_exchange(new.custom_client_metadata, is_third_party=new.is_third_party)


def _synthetic(tenant_id: str) -> Mapping[str, Application]:
    """
    Return the applications of the reference's own pages. Scripts may read them; they can't ask for tokens here.
    """
    types = {
        "demo-app": ApplicationType.SPA,
        "device-demo-app": ApplicationType.NATIVE,
        "account-center": ApplicationType.SPA,
    }
    return {
        application_id: Application(
            tenant_id=tenant_id,
            id=application_id,
            name=application_id.replace("-", " ").capitalize(),
            description=None,
            type=application_type,
            oidc_client_metadata=dict(NO_URIS),
            custom_client_metadata={"isDeviceFlow": True} if application_type is ApplicationType.NATIVE else {},
            protected_app_metadata=None,
            custom_data={},
            is_third_party=False,
            app_level_access_control_enabled=False,
            created_at=_EPOCH,
        )
        for application_id, application_type in types.items()
    }


def _protected(metadata: Json | None) -> Problem:
    if metadata is None:
        return Problem(
            "application.protected_app_metadata_is_required",
            status=400,
            message="Protected app metadata is required.",
        )
    if _SUBDOMAIN.match(str(metadata.get("subDomain"))) is None:
        return Problem(
            "application.invalid_subdomain",
            status=422,
            message="The subdomain must be 1 to 63 of 0-9, a-z and -, and neither begin nor end with -.",
        )
    return Problem(
        "application.protected_app_not_configured",
        status=501,
        message="Protected applications are not available on this server.",
    )


def _check_token_exchange(metadata: Json, *, is_third_party: bool) -> None:
    if is_third_party and metadata.get("allowTokenExchange"):
        raise Problem(
            "application.third_party_application_cannot_enable_token_exchange",
            status=422,
            message="A third-party application cannot enable token exchange.",
        )


def _check_changes(application: Application, changes: Mapping[str, object]) -> None:
    name = changes.get("name")
    if isinstance(name, str) and len(name) > LONGEST_NAME:
        raise problems.too_long("name")
    if changes.get("app_level_access_control_enabled"):
        raise problems.invalid_input("The application has no access control rule.", status=422)
    metadata = changes.get("custom_client_metadata")
    if isinstance(metadata, Mapping):
        _check_token_exchange(metadata, is_third_party=application.is_third_party)
        if bool(metadata.get("isDeviceFlow")) != bool(application.custom_client_metadata.get("isDeviceFlow")):
            raise Problem(
                "application.device_flow_not_changeable",
                status=422,
                message="The device flow of an application can't be changed.",
            )
    if changes.get("protected_app_metadata") is not None:
        raise Problem(
            "application.protected_application_only",
            status=400,
            message="Only protected applications have protected app metadata.",
        )
