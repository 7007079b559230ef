"""
The permissions that an API resource offers.
"""

from collections.abc import Mapping, Sequence

import msgspec

from watchword.server.domain import names, problems
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Resource, Scope
from watchword.server.domain.search import Search
from watchword.server.domain.values import demand_text
from watchword.server.operations.operation import reads, writes
from watchword.server.operations.resources import demand_own
from watchword.server.storage import resources, scope_choices
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction

LONGEST_NAME = 256


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """
    Scopes by resource.

    Attributes:
        are_all: Whether there are no more of them.
    """

    groups: Sequence[tuple[Resource, Sequence[Scope]]]
    are_all: bool


@reads(Permission.ALL)
def listing(tx: Transaction, resource_id: str, search: Search, page: Page | None) -> Listing[Scope]:
    """
    List a resource's scopes, oldest first; an unknown resource has none.
    """
    return resources.list_scopes(tx, resource_id, search, page)


@reads(Permission.ALL)
def read(tx: Transaction, resource_id: str, scope_id: str) -> Scope:
    """
    Read a scope of this very resource.

    Raises:
        Problem: There is none.
    """
    scope = resources.find_scope(tx, resource_id, scope_id)
    if scope is None:
        raise problems.unknown("scopes", scope_id)
    return scope


@reads(Permission.ALL)
def choices(tx: Transaction, role_type: RoleType, words: str, most: int, *, not_of_role: str | None) -> Choices:
    """
    Return scopes of all resources that a role of this type may get, those of the oldest resource first.

    Args:
        words: Looked for in names and descriptions of scopes, names and identifiers of their resources.
        not_of_role: Leave out what this role has.
    """
    not_of = names.management_indicator(tx.tenant_id) if role_type is RoleType.USER else None
    found = scope_choices.find(tx, words, most + 1, not_of_role=not_of_role, not_of=not_of)
    return Choices(groups=_grouped(tx, found[:most]), are_all=len(found) <= most)


@reads(Permission.ALL)
def called(tx: Transaction, words: str, most: int) -> Choices:
    """
    Return scopes of all resources with these words in their own id, name or description.
    """
    found = scope_choices.called(tx, words, most + 1)
    return Choices(groups=_grouped(tx, found[:most]), are_all=len(found) <= most)


@reads(Permission.ALL)
def chosen(tx: Transaction, scope_ids: Sequence[str]) -> Choices:
    """
    Return the scopes that exist among these ids.
    """
    known = resources.scopes_with_ids(tx, scope_ids)
    found = [known[scope_id][0] for scope_id in dict.fromkeys(scope_ids) if scope_id in known]
    return Choices(groups=_grouped(tx, found), are_all=True)


@writes(Permission.ALL)
def create(tx: Transaction, resource_id: str, name: str, description: str | None) -> Scope:
    """
    Add a scope to a resource.

    Raises:
        Problem: The name has white space, is missing, too long or taken, or the resource can't be changed.
    """
    _check_name(name)
    demand_own(tx, resource_id)
    _demand_free_name(tx, resource_id, name)
    scope = Scope(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        resource_id=resource_id,
        name=name,
        description=description or None,
        created_at=tx.now(),
    )
    resources.insert_scope(tx, scope)
    tx.record(changed("Scope.Created", tx.actor, {"id": scope.id, "resourceId": resource_id, "name": name}))
    return scope


@writes(Permission.ALL)
def update(tx: Transaction, resource_id: str, scope_id: str, changes: Mapping[str, object]) -> Scope:
    """
    Change a scope's name or description.

    Raises:
        Problem: The resource can't be changed, the name is bad or taken, no such scope, or nothing to change.
    """
    demand_own(tx, resource_id)
    name = changes.get("name")
    scope = resources.find_scope(tx, resource_id, scope_id)
    if isinstance(name, str):
        _check_name(name)
        if scope is None or scope.name != name:
            _demand_free_name(tx, resource_id, name)
    if not changes:
        raise problems.nothing_to_change()
    if scope is None:
        raise problems.not_exists("scope")
    columns = dict(changes)
    if "description" in columns:
        columns["description"] = columns["description"] or None
    resources.update_scope(tx, scope_id, columns)
    tx.record(
        changed(
            "Scope.Data.Updated",
            tx.actor,
            {"id": scope_id, "resourceId": resource_id, "changed": sorted(changes)},
        )
    )
    return resources.find_scope(tx, resource_id, scope_id) or problems.refuse(problems.not_exists("scope"))


@writes(Permission.ALL)
def delete(tx: Transaction, resource_id: str, scope_id: str) -> None:
    """
    Delete a scope; roles lose it.

    Raises:
        Problem: The resource can't be changed, or has no such scope.
    """
    demand_own(tx, resource_id)
    scope = resources.find_scope(tx, resource_id, scope_id) or problems.refuse(problems.not_found())
    resources.delete_scope(tx, scope_id)
    tx.record(changed("Scope.Deleted", tx.actor, {"id": scope_id, "resourceId": resource_id, "name": scope.name}))


def _grouped(tx: Transaction, found: Sequence[Scope]) -> Sequence[tuple[Resource, Sequence[Scope]]]:
    groups: dict[str, list[Scope]] = {}
    for scope in found:
        groups.setdefault(scope.resource_id, []).append(scope)
    known = resources.resources_with_ids(tx, groups.keys())
    return [(known[resource_id], members) for resource_id, members in groups.items()]


def _check_name(name: str) -> None:
    if any(character.isspace() for character in name):
        raise Problem(
            "scope.name_with_space",
            status=400,
            message="The name of the scope cannot contain any spaces.",
            about="name",
        )
    demand_text("name", name, what="name of the permission", most=LONGEST_NAME)


def _demand_free_name(tx: Transaction, resource_id: str, name: str) -> None:
    if resources.is_scope_name_taken(tx, resource_id, name):
        raise Problem("scope.name_exists", status=422, message=f"The scope name {name} is already in use", about="name")
