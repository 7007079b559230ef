"""
API resources and their scopes, as rows.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from watchword.server.domain.records import Resource, Scope
from watchword.server.domain.search import NO_SEARCH, Search
from watchword.server.storage import counts, rows, schema
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.search import matching
from watchword.server.storage.transaction import Transaction

_T = schema.resources
_SCOPES = schema.scopes
SCOPES_OLDEST_FIRST = (_SCOPES.c.created_at, _SCOPES.c.id)


def find(tx: Transaction, resource_id: str) -> Resource | None:
    """
    Return an API resource, or None.
    """
    return rows.find(tx, _T, Resource, id=resource_id)


def find_by_indicator(tx: Transaction, indicator: str) -> Resource | None:
    """
    Return the API resource with an indicator, letter by letter, or None.
    """
    return rows.find(tx, _T, Resource, indicator=indicator)


def find_default(tx: Transaction) -> Resource | None:
    """
    Return the API resource that is the default, or None.
    """
    return rows.find(tx, _T, Resource, is_default=True)


def is_taken(tx: Transaction, indicator: str) -> bool:
    """
    Tell whether an indicator belongs to a resource already.
    """
    return rows.exists(tx, _T, indicator=indicator)


def listing(tx: Transaction, page: Page | None, search: Search = NO_SEARCH) -> Listing[Resource]:
    """
    List API resources, oldest first.
    """
    query = sa.select(*rows.columns(_T, Resource)).where(rows.of_tenant(tx, _T))
    found = matching(tx, query, _T, search).order_by(_T.c.created_at, _T.c.id)
    return rows.listing(tx, Resource, found, page, None if search.groups else counts.total(tx, _T))


def insert(tx: Transaction, resource: Resource) -> None:
    """
    Add an API resource.
    """
    rows.insert(tx, _T, resource, created_at=tx.now())


def update(tx: Transaction, resource_id: str, changes: Mapping[str, object]) -> bool:
    """
    Change a resource's columns; tell whether it is there.
    """
    return rows.update(tx, _T, changes, id=resource_id)


def clear_default(tx: Transaction) -> None:
    """
    Leave the tenant without a default resource.
    """
    rows.update(tx, _T, {"is_default": False}, is_default=True)


def delete(tx: Transaction, resource_id: str) -> bool:
    """
    Delete a resource with its scopes and their links to roles.
    """
    return rows.delete(tx, _T, id=resource_id)


def find_scope(tx: Transaction, resource_id: str, scope_id: str) -> Scope | None:
    """
    Return a scope of this very resource, or None.
    """
    return rows.find(tx, _SCOPES, Scope, id=scope_id, resource_id=resource_id)


def is_scope_name_taken(tx: Transaction, resource_id: str, name: str) -> bool:
    """
    Tell whether a resource has a scope of this name already.
    """
    return rows.exists(tx, _SCOPES, resource_id=resource_id, name=name)


def list_scopes(tx: Transaction, resource_id: str, search: Search, page: Page | None) -> Listing[Scope]:
    """
    List a resource's scopes, oldest first; an unknown resource has none.
    """
    query = scopes_query(tx).where(_SCOPES.c.resource_id == resource_id)
    return rows.listing(tx, Scope, matching(tx, query, _SCOPES, search).order_by(*SCOPES_OLDEST_FIRST), page)


def scopes_of(tx: Transaction, resource_ids: Collection[str]) -> Mapping[str, Sequence[Scope]]:
    """
    Return the scopes of several resources, by resource id.
    """
    query = scopes_query(tx).where(_SCOPES.c.resource_id.in_(resource_ids)).order_by(*SCOPES_OLDEST_FIRST)
    found: dict[str, list[Scope]] = {resource_id: [] for resource_id in resource_ids}
    for row in tx.connection.execute(query):
        found[row.resource_id].append(rows.to_record(Scope, row))
    return found


def scope_counts(tx: Transaction, resource_ids: Collection[str]) -> Mapping[str, int]:
    """
    Return how many scopes these resources have; those that have none are left out.
    """
    number = sa.select(_SCOPES.c.resource_id, sa.func.count()).where(
        rows.of_tenant(tx, _SCOPES), _SCOPES.c.resource_id.in_(resource_ids)
    )
    return {row[0]: row[1] for row in tx.connection.execute(number.group_by(_SCOPES.c.resource_id))}


def scopes_with_ids(tx: Transaction, scope_ids: Collection[str]) -> dict[str, tuple[Scope, str]]:
    """
    Return the scopes that exist among these ids, each with its resource's indicator.
    """
    query = (
        sa.select(*rows.columns(_SCOPES, Scope), _T.c.indicator)
        .join(_T, sa.and_(_T.c.tenant_id == _SCOPES.c.tenant_id, _T.c.id == _SCOPES.c.resource_id))
        .where(rows.of_tenant(tx, _SCOPES), _SCOPES.c.id.in_(scope_ids))
    )
    return {row.id: (rows.to_record(Scope, row), row.indicator) for row in tx.connection.execute(query)}


def resources_with_ids(tx: Transaction, resource_ids: Collection[str]) -> dict[str, Resource]:
    """
    Return the resources that exist among these ids.
    """
    query = sa.select(*rows.columns(_T, Resource)).where(rows.of_tenant(tx, _T), _T.c.id.in_(resource_ids))
    return {row.id: rows.to_record(Resource, row) for row in tx.connection.execute(query)}


def insert_scope(tx: Transaction, scope: Scope) -> None:
    """
    Add a scope.
    """
    rows.insert(tx, _SCOPES, scope)


def update_scope(tx: Transaction, scope_id: str, changes: Mapping[str, object]) -> bool:
    """
    Change a scope's columns; tell whether it is there.
    """
    return rows.update(tx, _SCOPES, changes, id=scope_id)


def delete_scope(tx: Transaction, scope_id: str) -> bool:
    """
    Delete a scope and its links to roles.
    """
    return rows.delete(tx, _SCOPES, id=scope_id)


def scope_ids_of(tx: Transaction, resource_id: str) -> sa.Select[Any]:
    """
    Select the ids of a resource's scopes.
    """
    return sa.select(_SCOPES.c.id).where(rows.of_tenant(tx, _SCOPES), _SCOPES.c.resource_id == resource_id)


def scopes_query(tx: Transaction) -> sa.Select[Any]:
    """
    Select the tenant's scopes.
    """
    return sa.select(*rows.columns(_SCOPES, Scope)).where(rows.of_tenant(tx, _SCOPES))
