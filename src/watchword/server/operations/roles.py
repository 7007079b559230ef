"""
Roles: list, create, read, change, delete.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from watchword.server.domain import problems
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Role
from watchword.server.domain.search import Search
from watchword.server.domain.values import demand_text
from watchword.server.operations.operation import reads, writes
from watchword.server.operations.role_scopes import check_not_built_in, check_scopes, demand
from watchword.server.storage import role_lists, roles
from watchword.server.storage.roles import Holders, RoleFilter
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction

LONGEST_TEXT = 128


class NewRole(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a role is created with.
    """

    name: str
    description: str
    type: RoleType = RoleType.USER
    is_default: bool = False
    scope_ids: Sequence[str] = ()


class ListedRole(msgspec.Struct, frozen=True, kw_only=True):
    """
    A role as a list shows it.

    Attributes:
        is_built_in: Whether it came with the tenant and keeps it manageable.
        holders: How many applications and users hold it.
    """

    role: Role
    is_built_in: bool
    holders: int


@reads(Permission.ALL)
def listing(
    tx: Transaction, wanted: RoleFilter, search: Search, page: Page | None
) -> tuple[Listing[Role], list[Holders]]:
    """
    List roles, oldest first, each with who holds it; internal ones are hidden.
    """
    found = roles.listing(tx, wanted, search, page)
    return found, [roles.holders(tx, role.id) for role in found.records]


@reads(Permission.ALL)
def overview(tx: Transaction, wanted: RoleFilter, search: Search, page: Page | None) -> Listing[ListedRole]:
    """
    List roles, oldest first, each with what a list says of it; internal ones are hidden.
    """
    found = roles.listing(tx, wanted, search, page)
    return Listing(_listed(tx, found.records), found.total)


@reads(Permission.ALL)
def look(tx: Transaction, role_id: str) -> ListedRole:
    """
    Read a role, internal ones too, with what a list says of it.

    Raises:
        Problem: There is none.
    """
    return _listed(tx, [demand(tx, role_id)])[0]


@reads(Permission.ALL)
def names_of(tx: Transaction, role_ids: Sequence[str]) -> Mapping[str, str]:
    """
    Return the names of the roles that exist among these ids.
    """
    return {role.id: role.name for role in roles.with_ids(tx, role_ids).values()}


@reads(Permission.ALL)
def choices(tx: Transaction, wanted: RoleFilter, search: Search, most: int) -> Listing[Role]:
    """
    Return roles to choose from, oldest first, without their holders.
    """
    return roles.listing(tx, wanted, search, Page(limit=most, offset=0))


@reads(Permission.ALL)
def read(tx: Transaction, role_id: str) -> Role:
    """
    Read a role, internal ones too.

    Raises:
        Problem: There is none.
    """
    return demand(tx, role_id)


@writes(Permission.ALL)
def create(tx: Transaction, new: NewRole) -> Role:
    """
    Create a role with its scopes, all or nothing.

    Raises:
        Problem: The name is taken, a text is missing or too long, or a scope is unknown or not for this type of role.
    """
    _check_texts({"name": new.name, "description": new.description})
    _demand_free_name(tx, new.name)
    scope_ids = list(dict.fromkeys(new.scope_ids))
    check_scopes(tx, new.type, scope_ids)
    role = Role(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        name=new.name,
        description=new.description,
        type=new.type,
        is_default=new.is_default,
    )
    roles.insert(tx, role)
    roles.add_scopes(tx, role.id, scope_ids)
    tx.record(changed("Role.Created", tx.actor, {"id": role.id, "name": role.name, "scopeIds": scope_ids}))
    return role


@writes(Permission.ALL)
def update(tx: Transaction, role_id: str, changes: Mapping[str, object]) -> Role:
    """
    Change a role's name, description or whether new users get it.

    Raises:
        Problem: There is none, the name is taken, a text is missing or too long, or there is nothing to change.
    """
    role = demand(tx, role_id)
    _check_texts(changes)
    name = changes.get("name")
    if isinstance(name, str) and name != role.name:
        _demand_free_name(tx, name)
    if not changes:
        raise problems.nothing_to_change()
    roles.update(tx, role_id, changes)
    tx.record(changed("Role.Data.Updated", tx.actor, {"id": role_id, "changed": sorted(changes)}))
    return demand(tx, role_id)


@writes(Permission.ALL)
def delete(tx: Transaction, role_id: str) -> None:
    """
    Delete a role; whoever holds it loses what it gives.

    Raises:
        Problem: There is none, or it is one that keeps the tenant manageable.
    """
    role = demand(tx, role_id)
    check_not_built_in(tx, role_id)
    roles.delete(tx, role_id)
    tx.record(changed("Role.Deleted", tx.actor, {"id": role_id, "name": role.name}))


def _listed(tx: Transaction, records: Sequence[Role]) -> list[ListedRole]:
    ids = [role.id for role in records]
    built_in, holders = role_lists.built_in_among(tx, ids), role_lists.holder_counts(tx, ids)
    return [ListedRole(role=role, is_built_in=role.id in built_in, holders=holders.get(role.id, 0)) for role in records]


def _check_texts(values: Mapping[str, object]) -> None:
    for name in ("name", "description"):
        demand_text(name, values.get(name), most=LONGEST_TEXT)


def to_give(
    tx: Transaction, role_ids: Sequence[str], held: Collection[str], *, of: RoleType, wrong_type: Problem
) -> list[str]:
    """
    Return those of these roles that somebody does not hold yet.

    Args:
        of: The type that all must have.
        wrong_type: What is raised where one has another.

    Raises:
        Problem: One has another type, or there is no such role.
    """
    wanted = list(dict.fromkeys(role_ids))
    known = roles.with_ids(tx, wanted)
    if any(role.type is not of for role in known.values()):
        raise wrong_type
    for role_id in wanted:
        if role_id not in known:
            raise problems.unknown("roles", role_id)
    return [role_id for role_id in wanted if role_id not in held]


def _demand_free_name(tx: Transaction, name: str) -> None:
    if roles.find_by_name(tx, name) is not None:
        raise Problem("role.name_in_use", status=422, message=f"This role name {name} is already in use", about="name")
