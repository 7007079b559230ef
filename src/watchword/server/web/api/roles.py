"""
Rows for roles, their scopes and their applications.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StrictBool

from watchword.server.domain.names import RoleType
from watchword.server.domain.search import parse_search
from watchword.server.operations import role_applications, role_scopes, roles
from watchword.server.operations.roles import NewRole
from watchword.server.storage.roles import RoleFilter
from watchword.server.web.api.flags import only, word_of
from watchword.server.web.api.guard import Body, NonEmpty, Text128, items, word
from watchword.server.web.api.route import Call, Paged, Paging, Query, Route
from watchword.server.web.api.wire import all_as_json, as_json

SEARCHED = ("id", "name", "description")


class CreateRole(Body):
    """
    What `POST /roles` takes.
    """

    name: Text128
    description: Text128
    type: Annotated[RoleType, word(RoleType)] = RoleType.USER
    is_default: StrictBool = False
    scope_ids: Annotated[list[NonEmpty], items()] = Field(default_factory=list)


class UpdateRole(Body):
    """
    What `PATCH /roles/{id}` takes.
    """

    name: Text128 = ""
    description: Text128 = ""
    is_default: StrictBool = False


class ScopeIds(Body):
    """
    Scopes, by id; at least one.
    """

    scope_ids: Annotated[list[NonEmpty], items(least=1)]


class ApplicationIds(Body):
    """
    Applications, by id; at least one.
    """

    application_ids: Annotated[list[NonEmpty], items(least=1)]


def _list(call: Call[None]) -> Paged:
    wanted = RoleFilter(
        type=word_of(call.query, "type", RoleType),
        exclude_user_id=only(call.query, "excludeUserId") or None,
        exclude_application_id=only(call.query, "excludeApplicationId") or None,
    )
    found, holders = roles.listing(call.acting, wanted, parse_search(call.query, SEARCHED), call.page)
    items = [{**as_json(role), **as_json(who)} for role, who in zip(found.records, holders, strict=True)]
    return Paged(items, found.total)


def _create(call: Call[CreateRole]) -> object:
    body = call.body
    new = NewRole(
        name=body.name,
        description=body.description,
        type=body.type,
        is_default=body.is_default,
        scope_ids=body.scope_ids,
    )
    return as_json(roles.create(call.acting, new))


def _read(call: Call[None]) -> object:
    return as_json(roles.read(call.acting, call.path["id"]))


def _update(call: Call[UpdateRole]) -> object:
    return as_json(roles.update(call.acting, call.path["id"], call.body.given()))


def _delete(call: Call[None]) -> None:
    roles.delete(call.acting, call.path["id"])


def _list_scopes(call: Call[None]) -> Paged:
    search = parse_search(call.query, SEARCHED)
    found, resources = role_scopes.listing(call.acting, call.path["id"], search, call.page)
    items = [{**as_json(scope), "resource": as_json(resources[scope.resource_id])} for scope in found.records]
    return Paged(items, found.total)


def _add_scopes(call: Call[ScopeIds]) -> object:
    return all_as_json(role_scopes.add(call.acting, call.path["id"], call.body.scope_ids))


def _remove_scope(call: Call[None]) -> None:
    role_scopes.remove(call.acting, call.path["id"], call.path["scopeId"])


def _list_applications(call: Call[None]) -> Paged:
    search = parse_search(call.query, SEARCHED)
    found = role_applications.listing(call.acting, call.path["id"], search, call.page)
    return Paged(all_as_json(found.records), found.total)


def _assign(call: Call[ApplicationIds]) -> None:
    role_applications.assign(call.acting, call.path["id"], call.body.application_ids)


def _remove_application(call: Call[None]) -> None:
    role_applications.remove(call.acting, call.path["id"], call.path["applicationId"])


_ONE = "/roles/{id}"
ROUTES: Sequence[Route] = (
    Route(
        method="GET", path="/roles", summary="List roles, each with who holds it", handler=_list,
        paging=Paging.ALWAYS, search=SEARCHED, answer="[RoleWithHolders]",
        query=(
            Query(name="type", description="Only this type.", enum=list(RoleType)),
            Query(name="excludeUserId", description="Only roles that this user does not hold."),
            Query(name="excludeApplicationId", description="Only roles that this application does not hold."),
        ),
    ),
    Route(
        method="POST", path="/roles", summary="Create a role", handler=_create,
        body=CreateRole, answer="Role",
    ),
    Route(method="GET", path=_ONE, summary="Read a role", handler=_read, answer="Role"),
    Route(
        method="PATCH", path=_ONE, summary="Change a role", handler=_update, body=UpdateRole, answer="Role",
    ),
    Route(method="DELETE", path=_ONE, summary="Delete a role", handler=_delete, status=204),
    Route(
        method="GET", path=_ONE + "/scopes", summary="List a role's scopes", handler=_list_scopes,
        paging=Paging.OPTIONAL, search=SEARCHED, answer="[RoleScope]",
    ),
    Route(
        method="POST", path=_ONE + "/scopes", summary="Give scopes to a role", handler=_add_scopes,
        status=201, body=ScopeIds, answer="[Scope]",
    ),
    Route(
        method="DELETE", path=_ONE + "/scopes/{scopeId}", summary="Take a scope from a role",
        handler=_remove_scope, status=204,
    ),
    Route(
        method="GET", path=_ONE + "/applications", summary="List the applications that hold a role",
        handler=_list_applications, paging=Paging.ALWAYS, search=SEARCHED, answer="[Application]",
    ),
    Route(
        method="POST", path=_ONE + "/applications", summary="Give a role to applications",
        handler=_assign, status=201, body=ApplicationIds,
    ),
    Route(
        method="DELETE", path=_ONE + "/applications/{applicationId}",
        summary="Take a role from an application", handler=_remove_application, status=204,
    ),
)  # fmt: skip
