"""
Rows for the roles of users: from a user's side, and from a role's.
"""

from collections.abc import Sequence
from typing import Annotated

from watchword.server.domain.search import parse_search
from watchword.server.operations import user_roles
from watchword.server.web.api.guard import Body, NonEmpty, RoleIds, items
from watchword.server.web.api.roles import SEARCHED
from watchword.server.web.api.route import Call, Paged, Paging, Route
from watchword.server.web.api.users import SEARCHED as SEARCHED_USERS
from watchword.server.web.api.wire import all_as_json


class UserIds(Body):
    """
    Users, by id; at least one.
    """

    user_ids: Annotated[list[NonEmpty], items(least=1)]


def _list(call: Call[None]) -> Paged:
    search = parse_search(call.query, SEARCHED)
    found = user_roles.listing(call.acting, call.path["userId"], search, call.page)
    return Paged(all_as_json(found.records), found.total)


def _assign(call: Call[RoleIds]) -> object:
    added = user_roles.assign(call.acting, call.path["userId"], call.body.role_ids)
    return {"roleIds": call.body.role_ids, "addedRoleIds": added}


def _replace(call: Call[RoleIds]) -> object:
    role_ids = list(dict.fromkeys(call.body.role_ids))
    user_roles.replace(call.acting, call.path["userId"], role_ids)
    return {"roleIds": role_ids}


def _remove(call: Call[None]) -> None:
    user_roles.remove(call.acting, call.path["userId"], call.path["roleId"])


def _list_holders(call: Call[None]) -> Paged:
    search = parse_search(call.query, SEARCHED_USERS)
    found = user_roles.holders(call.acting, call.path["id"], search, call.page)
    return Paged(all_as_json(found.records), found.total)


def _give(call: Call[UserIds]) -> None:
    user_roles.give(call.acting, call.path["id"], call.body.user_ids)


def _take(call: Call[None]) -> None:
    user_roles.take(call.acting, call.path["id"], call.path["userId"])


_OF_USER, _OF_ROLE = "/users/{userId}/roles", "/roles/{id}/users"
ROUTES: Sequence[Route] = (
    Route(
        method="GET", path=_OF_USER, summary="List a user's roles", handler=_list,
        paging=Paging.OPTIONAL, search=SEARCHED, answer="[Role]",
    ),
    Route(
        method="POST", path=_OF_USER, summary="Give roles to a user", handler=_assign,
        status=201, body=RoleIds, answer="AssignedRoles",
    ),
    Route(
        method="PUT", path=_OF_USER, summary="Replace a user's roles", handler=_replace,
        body=RoleIds, answer="ReplacedRoles",
    ),
    Route(
        method="DELETE", path=_OF_USER + "/{roleId}", summary="Take a role from a user", handler=_remove, status=204,
    ),
    Route(
        method="GET", path=_OF_ROLE, summary="List the users who hold a role", handler=_list_holders,
        paging=Paging.ALWAYS, search=SEARCHED_USERS, answer="[User]",
    ),
    Route(
        method="POST", path=_OF_ROLE, summary="Give a role to users", handler=_give, status=201, body=UserIds,
    ),
    Route(
        method="DELETE", path=_OF_ROLE + "/{userId}", summary="Take a role from a user who holds it",
        handler=_take, status=204,
    ),
)  # fmt: skip
