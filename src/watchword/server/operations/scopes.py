"""
The permissions that an API resource offers.
"""

from collections.abc import Mapping

from watchword.server.domain import problems
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Scope
from watchword.server.domain.search import Search
from watchword.server.operations.operation import reads, writes
from watchword.server.operations.resources import demand_own
from watchword.server.storage import resources
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction


@reads(Permission.ALL)
def listing(tx: Transaction, resource_id: str, search: Search, page: Page | None) -> Listing[Scope]:
    """
    List a resource's scopes, oldest first; an unknown resource has none.
    """
    return resources.list_scopes(tx, resource_id, search, page)


@writes(Permission.ALL)
def create(tx: Transaction, resource_id: str, name: str, description: str | None) -> Scope:
    """
    Add a scope to a resource.

    Raises:
        Problem: The name has white space or is taken, or the resource can't be changed.
    """
    _demand_no_space(name)
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
        _demand_no_space(name)
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
    if resources.find_scope(tx, resource_id, scope_id) is None:
        raise problems.not_found()
    resources.delete_scope(tx, scope_id)
    tx.record(changed("Scope.Deleted", tx.actor, {"id": scope_id, "resourceId": resource_id}))


def _demand_no_space(name: str) -> None:
    if any(character.isspace() for character in name):
        raise Problem(
            "scope.name_with_space",
            status=400,
            message="The name of the scope cannot contain any spaces.",
        )


def _demand_free_name(tx: Transaction, resource_id: str, name: str) -> None:
    if resources.is_scope_name_taken(tx, resource_id, name):
        raise Problem("scope.name_exists", status=422, message=f"The scope name {name} is already in use")
