"""
API resources: list, create, read, change, delete, and which one is the default.
"""

from collections.abc import Mapping, Sequence

import msgspec

from watchword.protocol.names import Algorithm
from watchword.server.domain import names, problems
from watchword.server.domain.events import changed
from watchword.server.domain.names import DEFAULT_TOKEN_LIFETIME, Permission
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Resource, Scope
from watchword.server.domain.search import Search
from watchword.server.domain.values import demand_indicator, demand_lifetime, demand_text
from watchword.server.operations.key_upkeep import ensure_keys
from watchword.server.operations.operation import reads, writes
from watchword.server.storage import resources
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction


class NewResource(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an API resource is created with.
    """

    name: str
    indicator: str
    access_token_ttl: int = DEFAULT_TOKEN_LIFETIME
    signing_algorithm: Algorithm | None = None


class ListedResource(msgspec.Struct, frozen=True, kw_only=True):
    """
    An API resource as a list shows it.

    Attributes:
        scopes: How many it offers.
        is_built_in: Whether it is the Management API, which can't be changed.
    """

    resource: Resource
    scopes: int
    is_built_in: bool


@reads(Permission.ALL)
def listing(
    tx: Transaction, page: Page | None, *, with_scopes: bool
) -> tuple[Listing[Resource], Mapping[str, Sequence[Scope]] | None]:
    """
    List API resources, oldest first, with the scopes of each, by resource id, where they are wanted.
    """
    found = resources.listing(tx, page)
    scopes = resources.scopes_of(tx, [resource.id for resource in found.records]) if with_scopes else None
    return found, scopes


@reads(Permission.ALL)
def overview(tx: Transaction, search: Search, page: Page | None) -> Listing[ListedResource]:
    """
    List API resources, oldest first, each with what a list says of it.
    """
    found = resources.listing(tx, page, search)
    return Listing(_listed(tx, found.records), found.total)


@reads(Permission.ALL)
def look(tx: Transaction, resource_id: str) -> ListedResource:
    """
    Read an API resource, with what a list says of it.

    Raises:
        Problem: There is none.
    """
    return _listed(tx, [demand(tx, resource_id)])[0]


@reads(Permission.ALL)
def read(tx: Transaction, resource_id: str) -> Resource:
    """
    Read an API resource.

    Raises:
        Problem: There is none.
    """
    return demand(tx, resource_id)


@reads(Permission.ALL)
def default(tx: Transaction) -> Resource | None:
    """
    Return the API resource that requests without `resource` are for, or None.
    """
    return resources.find_default(tx)


@reads(Permission.ALL)
def with_indicator(tx: Transaction, indicator: str) -> Resource | None:
    """
    Return the API resource with exactly this indicator, or None.
    """
    return resources.find_by_indicator(tx, indicator)


@writes(Permission.ALL)
def create(tx: Transaction, new: NewResource) -> Resource:
    """
    Create an API resource.

    Raises:
        Problem: The indicator is taken, or has the form that is reserved for Management APIs; a value can't be.
    """
    _check_values({"name": new.name, "access_token_ttl": new.access_token_ttl})
    demand_indicator(new.indicator)
    if resources.is_taken(tx, new.indicator) or names.is_management_indicator(new.indicator):
        raise Problem(
            "resource.resource_identifier_in_use",
            status=422,
            message=f"The API identifier {new.indicator} is already in use",
            about="indicator",
        )
    resource = Resource(
        tenant_id=tx.tenant_id,
        id=tx.new_id(),
        name=new.name,
        indicator=new.indicator,
        is_default=False,
        access_token_ttl=new.access_token_ttl,
        signing_algorithm=new.signing_algorithm,
    )
    resources.insert(tx, resource)
    ensure_keys(tx)
    tx.record(changed("Resource.Created", tx.actor, {"id": resource.id, "name": new.name, "indicator": new.indicator}))
    return resource


@writes(Permission.ALL)
def update(tx: Transaction, resource_id: str, changes: Mapping[str, object]) -> Resource:
    """
    Change an API resource's name, token lifetime or algorithm.

    Raises:
        Problem: There is none, it is the Management API, there is nothing to change, or a value can't be.
    """
    demand_own(tx, resource_id)
    _check_values(changes)
    if not changes:
        raise problems.nothing_to_change()
    resources.update(tx, resource_id, changes)
    changed_to = demand(tx, resource_id)
    ensure_keys(tx)
    tx.record(changed("Resource.Data.Updated", tx.actor, {"id": resource_id, "changed": sorted(changes)}))
    return changed_to


@writes(Permission.ALL)
def set_default(tx: Transaction, resource_id: str, *, is_default: bool) -> Resource:
    """
    Make a resource the one that requests without `resource` are for, or no longer.

    Raises:
        Problem: There is no such resource.
    """
    resource = resources.find(tx, resource_id)
    if resource is None:
        raise problems.not_exists("resource") if is_default else problems.unknown("resources", resource_id)
    if resource.is_default == is_default:
        tx.leave_unchanged()
        return resource
    if is_default:
        resources.clear_default(tx)
    resources.update(tx, resource_id, {"is_default": is_default})
    tx.record(changed("Resource.Default.Updated", tx.actor, {"id": resource_id, "isDefault": is_default}))
    return demand(tx, resource_id)


@writes(Permission.ALL)
def delete(tx: Transaction, resource_id: str) -> None:
    """
    Delete an API resource with its scopes; roles lose them.

    Raises:
        Problem: There is none, or it is the Management API.
    """
    resource = demand(tx, resource_id)
    if names.is_management_indicator(resource.indicator):
        raise Problem(
            "resource.cannot_delete_management_api",
            status=400,
            message="Cannot delete Logto Management API.",
        )
    resources.delete(tx, resource_id)
    named = {"name": resource.name, "indicator": resource.indicator}
    tx.record(changed("Resource.Deleted", tx.actor, {"id": resource_id, **named}))


def demand(tx: Transaction, resource_id: str) -> Resource:
    """
    Return an API resource.

    Raises:
        Problem: There is none.
    """
    resource = resources.find(tx, resource_id)
    if resource is None:
        raise problems.unknown("resources", resource_id)
    return resource


def demand_own(tx: Transaction, resource_id: str) -> Resource:
    """
    Return an API resource that may be changed.

    Raises:
        Problem: There is none, or it is the Management API.
    """
    resource = demand(tx, resource_id)
    if names.is_management_indicator(resource.indicator):
        raise Problem(
            "resource.cannot_modify_management_api",
            status=400,
            message="Cannot modify Logto Management API.",
        )
    return resource


def _listed(tx: Transaction, records: Sequence[Resource]) -> list[ListedResource]:
    numbers = resources.scope_counts(tx, [resource.id for resource in records])
    return [
        ListedResource(
            resource=resource,
            scopes=numbers.get(resource.id, 0),
            is_built_in=names.is_management_indicator(resource.indicator),
        )
        for resource in records
    ]


def _check_values(values: Mapping[str, object]) -> None:
    demand_text("name", values.get("name"))
    demand_lifetime(values.get("access_token_ttl"))
