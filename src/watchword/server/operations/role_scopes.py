"""
The permissions of a role.
"""

from collections.abc import Mapping, Sequence

from watchword.server.domain import names, problems
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Resource, Role, Scope
from watchword.server.domain.search import NO_SEARCH, Search
from watchword.server.operations.operation import reads, writes
from watchword.server.storage import resources, role_lists, roles
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction


@reads(Permission.ALL)
def listing(
    tx: Transaction, role_id: str, search: Search, page: Page | None
) -> tuple[Listing[Scope], Mapping[str, Resource]]:
    """
    List a role's scopes, and the resources that they belong to by id.

    Raises:
        Problem: There is no such role.
    """
    demand(tx, role_id)
    found = roles.list_scopes(tx, role_id, search, page)
    return found, resources.resources_with_ids(tx, {scope.resource_id for scope in found.records})


@reads(Permission.ALL)
def giving(
    tx: Transaction, resource_id: str, scope_id: str | None, page: Page, *, role_type: RoleType | None = None
) -> Listing[Role]:
    """
    List the roles that give a scope of a resource, or any of its scopes; internal ones are hidden.

    Args:
        scope_id: None for any.
        role_type: None for any.
    """
    return role_lists.giving(tx, resource_id, scope_id, page, role_type=role_type)


@writes(Permission.ALL)
def add(tx: Transaction, role_id: str, scope_ids: Sequence[str]) -> Sequence[Scope]:
    """
    Give a role scopes, all or none.

    Returns:
        All scopes of the role afterwards.

    Raises:
        Problem: There is no such role or scope, the role has one already, or one is not for this type of role.
    """
    role = demand(tx, role_id)
    wanted = list(dict.fromkeys(scope_ids))
    held = roles.scope_ids(tx, role_id)
    for scope_id in wanted:
        if scope_id in held:
            raise Problem(
                "role.scope_exists",
                status=422,
                message=f"The scope id {scope_id} has already been added to this role",
            )
    check_scopes(tx, role.type, wanted)
    roles.add_scopes(tx, role_id, wanted)
    tx.record(changed("Role.Scopes.Updated", tx.actor, {"id": role_id, "added": wanted, "removed": []}))
    return roles.list_scopes(tx, role_id, NO_SEARCH, None).records


@writes(Permission.ALL)
def remove(tx: Transaction, role_id: str, scope_id: str) -> None:
    """
    Take a scope from a role.

    Raises:
        Problem: The role does not have it, or it is the permission that keeps the tenant manageable.
    """
    if scope_id == names.MANAGEMENT_SCOPE_ID:
        check_not_built_in(tx, role_id)
    if not roles.remove_scope(tx, role_id, scope_id):
        raise problems.not_found()
    tx.record(changed("Role.Scopes.Updated", tx.actor, {"id": role_id, "added": [], "removed": [scope_id]}))


def check_scopes(tx: Transaction, role_type: RoleType, scope_ids: Sequence[str]) -> None:
    """
    Demand that all of these scopes exist and may be given to a role of this type.

    Raises:
        Problem: One does not, or a role for users would get a permission of the Management API.
    """
    known = resources.scopes_with_ids(tx, scope_ids)
    for scope_id in scope_ids:
        if scope_id not in known:
            raise problems.unknown("scopes", scope_id)
    if role_type is RoleType.USER and any(names.is_management_indicator(indicator) for _, indicator in known.values()):
        raise Problem(
            "role.management_api_scopes_not_assignable_to_user_role",
            status=400,
            message="Cannot assign Management API scopes to a user role.",
        )


def check_not_built_in(tx: Transaction, role_id: str) -> None:
    """
    Refuse what would leave nobody who can run the tenant.

    Raises:
        Problem: The role came with the tenant.
    """
    if roles.is_built_in(tx, role_id):
        raise Problem(
            "role.internal_role_violation",
            status=403,
            message="This role keeps the tenant manageable: it can't be deleted and can't lose its permission.",
        )


def demand(tx: Transaction, role_id: str) -> Role:
    """
    Return a role.

    Raises:
        Problem: There is none.
    """
    role = roles.find(tx, role_id)
    if role is None:
        raise problems.unknown("roles", role_id)
    return role
