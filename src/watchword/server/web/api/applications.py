"""
Rows for applications, their custom data, secrets and roles.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool

from watchword.server.domain import problems
from watchword.server.domain.names import ApplicationType
from watchword.server.domain.search import parse_search
from watchword.server.operations import application_roles, applications, secrets
from watchword.server.operations.applications import NewApplication
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.web.api.flags import flag, only, words
from watchword.server.web.api.guard import Body, NonEmpty, RoleIds, Text, Text256, issue, word
from watchword.server.web.api.route import Call, Paged, Paging, Query, Route
from watchword.server.web.api.wire import all_as_json, as_json, from_milliseconds
from watchword.server.web.free_json import whole_where_it_is

SEARCHED = ("id", "name", "description")
# A wildcard may stand in the host, once there is a dot, and in the path: not in port, query or fragment.
_WEB_URI = re.compile(r"https?://(?:[^\s/?#:*]+|(?=[^/?#:]*\.)[^\s/?#:]+)(?::\d+)?(?:/[^\s?#]*)?(?:[?#][^\s*]*)?\Z")
_CUSTOM_URI = re.compile(r"[a-z][a-z0-9_+\-]*(\.[a-z0-9_+\-]+)*:/?/?\S*\Z")
_DOTS = re.compile(r"/\.\.?(/|\Z)")


def _check_redirect_uri(value: str) -> str:
    is_web = value.lower().startswith(("http:", "https:"))
    if (_WEB_URI if is_web else _CUSTOM_URI).match(value) is None or _DOTS.search(value):
        raise issue(code="custom", message="Invalid input")
    return value


RedirectUri = Annotated[str, AfterValidator(_check_redirect_uri)]


class OidcClientMetadata(Body):
    """
    Redirect URIs and the like, kept for applications that people sign in with elsewhere.
    """

    redirect_uris: list[RedirectUri]
    post_logout_redirect_uris: list[RedirectUri]
    backchannel_logout_uri: RedirectUri = ""
    backchannel_logout_session_required: StrictBool = False
    logo_uri: Text = ""


def _no_uris() -> OidcClientMetadata:
    return OidcClientMetadata.model_validate(applications.NO_URIS)


# Kept as it came, not turned into a fraction.
Number = Annotated[float, AfterValidator(whole_where_it_is)]


class CustomClientMetadata(Body):
    """
    How the server treats the application.
    """

    cors_allowed_origins: list[NonEmpty] = Field(default_factory=list)
    id_token_ttl: Number = 0
    refresh_token_ttl: Number = 0
    refresh_token_ttl_in_days: Annotated[int, Field(ge=1, le=180)] = 1
    tenant_id: Text = ""
    always_issue_refresh_token: StrictBool = False
    rotate_refresh_token: StrictBool = False
    allow_token_exchange: StrictBool = False
    is_device_flow: StrictBool = False
    max_allowed_grants: Annotated[int, Field(ge=1)] = 1


class CreateApplication(Body):
    """
    What `POST /applications` takes.
    """

    name: Text256
    type: Annotated[ApplicationType, word(ApplicationType)]
    description: Text | None = None
    oidc_client_metadata: OidcClientMetadata = Field(default_factory=_no_uris)
    custom_client_metadata: CustomClientMetadata = Field(default_factory=CustomClientMetadata)
    protected_app_metadata: dict[str, Any] | None = None
    custom_data: dict[str, Any] = Field(default_factory=dict)
    is_third_party: StrictBool = False


class UpdateApplication(Body):
    """
    What `PATCH /applications/{id}` takes.
    """

    name: Text256 = ""
    description: Text | None = None
    oidc_client_metadata: OidcClientMetadata = Field(default_factory=_no_uris)
    custom_client_metadata: CustomClientMetadata = Field(default_factory=CustomClientMetadata)
    protected_app_metadata: dict[str, Any] | None = None
    custom_data: dict[str, Any] = Field(default_factory=dict)
    app_level_access_control_enabled: StrictBool = False
    is_admin: StrictBool = False


class CreateSecret(Body):
    """
    What `POST /applications/{id}/secrets` takes; `expiresAt` is in milliseconds since 1970.
    """

    name: Text256
    expires_at: float | None = None


class RenameSecret(Body):
    """
    What `PATCH /applications/{id}/secrets/{name}` takes.
    """

    name: Text256


def _list(call: Call[None]) -> Paged:
    if "excludeRoleId" in call.query and "excludeOrganizationId" in call.query:
        raise problems.invalid_input(
            "Parameters `excludeRoleId` and `excludeOrganizationId` cannot be used at the same time."
        )
    wanted = ApplicationFilter(
        types=words(call.query, "types", ApplicationType),
        exclude_role_id=only(call.query, "excludeRoleId") or None,
        is_third_party=flag(call.query, "isThirdParty"),
    )
    found = applications.listing(call.acting, wanted, parse_search(call.query, SEARCHED), call.page)
    return Paged(all_as_json(found.records), found.total)


def _create(call: Call[CreateApplication]) -> object:
    body = call.body
    new = NewApplication(
        name=body.name,
        type=body.type,
        description=body.description,
        oidc_client_metadata=_metadata(body.oidc_client_metadata),
        custom_client_metadata=_metadata(body.custom_client_metadata),
        protected_app_metadata=body.protected_app_metadata,
        custom_data=body.custom_data,
        is_third_party=body.is_third_party,
    )
    application, secret = applications.create(call.acting, new)
    return {**as_json(application), **({} if secret is None else {"secret": secret})}


def _read(call: Call[None]) -> object:
    detail = applications.read(call.acting, call.path["id"])
    secret = {} if detail.secret is None else {"secret": detail.secret}
    return {**as_json(detail.application), **secret, "isAdmin": detail.is_admin}


def _update(call: Call[UpdateApplication]) -> object:
    changes = call.body.given()
    is_admin = changes.pop("is_admin", None)
    for name in ("oidc_client_metadata", "custom_client_metadata"):
        if name in changes:
            changes[name] = _metadata(getattr(call.body, name))
    application = applications.update(
        call.acting, call.path["id"], changes, is_admin=None if is_admin is None else bool(is_admin)
    )
    return as_json(application)


def _delete(call: Call[None]) -> None:
    applications.delete(call.acting, call.path["id"])


def _merge_custom_data(call: Call[Mapping[str, object]]) -> object:
    return applications.merge_custom_data(call.acting, call.path["id"], call.body)


def _list_secrets(call: Call[None]) -> object:
    return all_as_json(secrets.listing(call.acting, call.path["id"]))


def _create_secret(call: Call[CreateSecret]) -> object:
    expires_at = None if call.body.expires_at is None else from_milliseconds(call.body.expires_at)
    return as_json(secrets.create(call.acting, call.path["id"], call.body.name, expires_at))


def _rename_secret(call: Call[RenameSecret]) -> object:
    return as_json(secrets.rename(call.acting, call.path["id"], call.path["name"], call.body.name))


def _delete_secret(call: Call[None]) -> None:
    secrets.delete(call.acting, call.path["id"], call.path["name"])


def _delete_legacy_secret(call: Call[None]) -> None:
    secrets.refuse_legacy(call.acting, call.path["id"])


def _list_roles(call: Call[None]) -> Paged:
    search = parse_search(call.query, SEARCHED)
    found = application_roles.listing(call.acting, call.path["id"], search, call.page)
    return Paged(all_as_json(found.records), found.total)


def _assign_roles(call: Call[RoleIds]) -> object:
    added = application_roles.assign(call.acting, call.path["id"], call.body.role_ids)
    return {"roleIds": call.body.role_ids, "addedRoleIds": added}


def _replace_roles(call: Call[RoleIds]) -> None:
    application_roles.replace(call.acting, call.path["id"], call.body.role_ids)


def _remove_role(call: Call[None]) -> None:
    application_roles.remove(call.acting, call.path["id"], call.path["roleId"])


def _metadata(body: Body) -> dict[str, Any]:
    return body.model_dump(by_alias=True, exclude_unset=True)


_ONE = "/applications/{id}"
_FILTERS = (
    Query(name="types", description="Only these types.", enum=list(ApplicationType), repeats=True),
    Query(name="excludeRoleId", description="Only applications without this role."),
    Query(name="isThirdParty", description="Only third-party applications, or none.", enum=("true", "false")),
)
ROUTES: Sequence[Route] = (
    Route(
        method="GET", path="/applications", summary="List applications", handler=_list,
        paging=Paging.OPTIONAL, search=SEARCHED, query=_FILTERS, answer="[Application]",
    ),
    Route(
        method="POST", path="/applications", summary="Create an application", handler=_create,
        body=CreateApplication, answer="Application", also=(501,),
    ),
    Route(method="GET", path=_ONE, summary="Read an application", handler=_read, answer="Application"),
    Route(
        method="PATCH", path=_ONE, summary="Change an application", handler=_update,
        body=UpdateApplication, answer="Application",
    ),
    Route(method="DELETE", path=_ONE, summary="Delete an application", handler=_delete, status=204),
    Route(
        method="PATCH", path=_ONE + "/custom-data", summary="Merge into an application's custom data",
        handler=_merge_custom_data, body=dict[str, object], answer="CustomData",
    ),
    Route(
        method="GET", path=_ONE + "/secrets", summary="List an application's secrets",
        handler=_list_secrets, answer="[ApplicationSecret]",
    ),
    Route(
        method="POST", path=_ONE + "/secrets", summary="Add a secret to an application",
        handler=_create_secret, status=201, body=CreateSecret, answer="ApplicationSecret",
    ),
    Route(
        method="PATCH", path=_ONE + "/secrets/{name}", summary="Rename a secret",
        handler=_rename_secret, body=RenameSecret, answer="ApplicationSecret",
    ),
    Route(
        method="DELETE", path=_ONE + "/secrets/{name}", summary="Delete a secret",
        handler=_delete_secret, status=204,
    ),
    Route(
        method="DELETE", path=_ONE + "/legacy-secret", summary="Delete an application's legacy secret",
        handler=_delete_legacy_secret, status=204,
    ),
    Route(
        method="GET", path=_ONE + "/roles", summary="List an application's roles", handler=_list_roles,
        paging=Paging.ALWAYS, search=SEARCHED, answer="[Role]",
    ),
    Route(
        method="POST", path=_ONE + "/roles", summary="Give roles to an application", handler=_assign_roles,
        status=201, body=RoleIds, answer="AssignedRoles",
    ),
    Route(
        method="PUT", path=_ONE + "/roles", summary="Replace an application's roles",
        handler=_replace_roles, body=RoleIds,
    ),
    Route(
        method="DELETE", path=_ONE + "/roles/{roleId}", summary="Take a role from an application",
        handler=_remove_role, status=204,
    ),
)  # fmt: skip
