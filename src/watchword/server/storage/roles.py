"""
Roles, their scopes, and who holds them, as rows.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from watchword.server.domain.names import INTERNAL_ROLE_PREFIX, ApplicationType, RoleType
from watchword.server.domain.records import Application, Role, Scope
from watchword.server.domain.search import Search
from watchword.server.storage import applications, counts, resources, rows, schema
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.search import matching
from watchword.server.storage.transaction import Transaction

_T = schema.roles
_SCOPES = schema.role_scopes
_APPLICATIONS = schema.application_roles
_USERS = schema.user_roles
OLDEST_FIRST = (_T.c.created_at, _T.c.id)
MOST_FEATURED = 3


class RoleFilter(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which roles a list shows; None does not filter.
    """

    type: RoleType | None = None
    exclude_user_id: str | None = None
    exclude_application_id: str | None = None


class FeaturedApplication(msgspec.Struct, frozen=True, kw_only=True):
    """
    An application as a list of roles shows it.
    """

    id: str
    name: str
    type: ApplicationType


class FeaturedUser(msgspec.Struct, frozen=True, kw_only=True):
    """
    A user as a list of roles shows it.
    """

    id: str
    avatar: str | None
    name: str | None


class Holders(msgspec.Struct, frozen=True, kw_only=True):
    """
    How many hold a role, and the first few of them.
    """

    users_count: int
    featured_users: Sequence[FeaturedUser]
    applications_count: int
    featured_applications: Sequence[FeaturedApplication]


def visible() -> sa.ColumnElement[bool]:
    """
    Return the condition that hides internal roles from lists.
    """
    return sa.func.substr(_T.c.name, 1, len(INTERNAL_ROLE_PREFIX)) != INTERNAL_ROLE_PREFIX


def find(tx: Transaction, role_id: str) -> Role | None:
    """
    Return a role, or None.
    """
    return rows.find(tx, _T, Role, id=role_id)


def find_by_name(tx: Transaction, name: str) -> Role | None:
    """
    Return the role of this name, or None.
    """
    return rows.find(tx, _T, Role, name=name)


def with_ids(tx: Transaction, role_ids: Collection[str]) -> dict[str, Role]:
    """
    Return the roles that exist among these ids.
    """
    query = sa.select(*rows.columns(_T, Role)).where(rows.of_tenant(tx, _T), _T.c.id.in_(role_ids))
    return {row.id: rows.to_record(Role, row) for row in tx.connection.execute(query)}


def default_for_users(tx: Transaction) -> list[str]:
    """
    Return the ids of the roles that every new user gets.
    """
    query = sa.select(_T.c.id).where(rows.of_tenant(tx, _T), _T.c.is_default.is_(sa.true()), _T.c.type == RoleType.USER)
    return list(tx.connection.execute(query.order_by(*OLDEST_FIRST)).scalars())


def listing(tx: Transaction, wanted: RoleFilter, search: Search, page: Page | None) -> Listing[Role]:
    """
    List the roles that are not internal, oldest first.
    """
    query = sa.select(*rows.columns(_T, Role)).where(rows.of_tenant(tx, _T), visible())
    if wanted.type is not None:
        query = query.where(_T.c.type == wanted.type)
    for table, column, value in (
        (_USERS, _USERS.c.user_id, wanted.exclude_user_id),
        (_APPLICATIONS, _APPLICATIONS.c.application_id, wanted.exclude_application_id),
    ):
        if value is not None:
            held = sa.select(table.c.role_id).where(rows.of_tenant(tx, table), column == value)
            query = query.where(_T.c.id.not_in(held))
    whole = wanted.exclude_user_id is None and wanted.exclude_application_id is None and not search.groups
    keys = None if wanted.type is None else [wanted.type]
    total = counts.total(tx, _T, keys) if whole else None
    return rows.listing(tx, Role, matching(tx, query, _T, search).order_by(*OLDEST_FIRST), page, total)


def list_of_application(tx: Transaction, application_id: str, search: Search, page: Page | None) -> Listing[Role]:
    """
    List an application's roles that are not internal, in the order in which they were given.
    """
    query = applications.roles_query(tx, application_id).where(visible())
    order = (schema.application_roles.c.created_at, _T.c.id)
    return rows.listing(tx, Role, matching(tx, query, _T, search).order_by(*order), page)


def giving(tx: Transaction, resource_id: str, most: int) -> list[Role]:
    """
    Return the machine-to-machine roles that have a scope of a resource and are not internal, oldest first.
    """
    scopes = schema.scopes
    having = (
        sa.select(_SCOPES.c.role_id)
        .join(scopes, sa.and_(scopes.c.tenant_id == _SCOPES.c.tenant_id, scopes.c.id == _SCOPES.c.scope_id))
        .where(rows.of_tenant(tx, scopes), scopes.c.resource_id == resource_id)
    )
    query = sa.select(*rows.columns(_T, Role)).where(
        rows.of_tenant(tx, _T), visible(), _T.c.type == RoleType.MACHINE_TO_MACHINE, _T.c.id.in_(having)
    )
    return [rows.to_record(Role, row) for row in tx.connection.execute(query.order_by(*OLDEST_FIRST).limit(most))]


def is_any_held(tx: Transaction, *, not_of: str) -> bool:
    """
    Tell whether an application holds a role with a scope of another resource than this one.

    By the counts that are kept: it reads roles and scopes, of which there are few, and no application.
    """
    scopes, held = schema.scopes, schema.row_counts
    query = (
        sa.select(sa.literal(1))
        .select_from(held)
        .join(_SCOPES, sa.and_(_SCOPES.c.tenant_id == held.c.tenant_id, _SCOPES.c.role_id == held.c.key))
        .join(scopes, sa.and_(scopes.c.tenant_id == _SCOPES.c.tenant_id, scopes.c.id == _SCOPES.c.scope_id))
        .where(
            held.c.tenant_id == tx.tenant_id,
            held.c.counted == _APPLICATIONS.name,
            held.c.number > 0,
            scopes.c.resource_id != not_of,
        )
    )
    return tx.connection.execute(query.limit(1)).first() is not None


def insert(tx: Transaction, role: Role, *, built_in: bool = False) -> None:
    """
    Add a role; a built-in one comes with the tenant.
    """
    rows.insert(tx, _T, role, created_at=tx.now(), built_in=built_in)


def is_built_in(tx: Transaction, role_id: str) -> bool:
    """
    Tell whether a role came with the tenant.
    """
    return rows.exists(tx, _T, id=role_id, built_in=True)


def update(tx: Transaction, role_id: str, changes: Mapping[str, object]) -> bool:
    """
    Change a role's columns; tell whether it is there.
    """
    return rows.update(tx, _T, changes, id=role_id)


def delete(tx: Transaction, role_id: str) -> bool:
    """
    Delete a role and all its links.
    """
    return rows.delete(tx, _T, id=role_id)


def list_scopes(tx: Transaction, role_id: str, search: Search, page: Page | None) -> Listing[Scope]:
    """
    List a role's scopes, in the order in which they were added.
    """
    order = (_SCOPES.c.created_at, *resources.SCOPES_OLDEST_FIRST)
    found = matching(tx, _scopes_of(tx, role_id), schema.scopes, search)
    return rows.listing(tx, Scope, found.order_by(*order), page)


def scopes_of_resource(tx: Transaction, role_id: str, resource_id: str, most: int) -> list[str]:
    """
    Return the names of a role's scopes that belong to a resource, oldest first.
    """
    scopes = schema.scopes
    query = _scopes_of(tx, role_id).where(scopes.c.resource_id == resource_id).with_only_columns(scopes.c.name)
    return list(tx.connection.execute(query.order_by(*resources.SCOPES_OLDEST_FIRST).limit(most)).scalars())


def scope_ids(tx: Transaction, role_id: str) -> set[str]:
    """
    Return the ids of a role's scopes.
    """
    return rows.linked(tx, _SCOPES, "scope_id", role_id=role_id)


def add_scopes(tx: Transaction, role_id: str, ids: Collection[str]) -> None:
    """
    Give a role scopes that it does not have.
    """
    rows.link(tx, _SCOPES, [{"role_id": role_id, "scope_id": scope_id} for scope_id in ids])


def remove_scope(tx: Transaction, role_id: str, scope_id: str) -> bool:
    """
    Take a scope from a role; tell whether it had it.
    """
    return rows.delete(tx, _SCOPES, role_id=role_id, scope_id=scope_id)


def list_applications(
    tx: Transaction, role_id: str, search: Search, page: Page | None, *, of_any_type: bool = False
) -> Listing[Application]:
    """
    List the machine-to-machine applications that hold a role, or those of any type, in the order in which they got it.
    """
    if page is not None and not search.groups:
        return _page_of_applications(tx, role_id, page, of_any_type=of_any_type)
    table = schema.applications
    query = (
        sa.select(*rows.columns(table, Application))
        .join(
            _APPLICATIONS,
            sa.and_(_APPLICATIONS.c.tenant_id == table.c.tenant_id, _APPLICATIONS.c.application_id == table.c.id),
        )
        .where(
            rows.of_tenant(tx, table),
            _APPLICATIONS.c.role_id == role_id,
            sa.true() if of_any_type else table.c.type == ApplicationType.MACHINE_TO_MACHINE,
        )
    )
    order = (_APPLICATIONS.c.created_at, table.c.id)
    found = matching(tx, query, table, search).order_by(*order)
    return rows.listing(tx, Application, found, page, walked=table)


def _page_of_applications(tx: Transaction, role_id: str, page: Page, *, of_any_type: bool) -> Listing[Application]:
    # The links alone tell the order, so that no application is read but those of the page.
    links = _APPLICATIONS.c
    query = sa.select(links.application_id).where(rows.of_tenant(tx, _APPLICATIONS), links.role_id == role_id)
    total = counts.total(tx, _APPLICATIONS, [role_id])
    others = None if of_any_type else applications.other_holders(tx, role_id)
    if others is not None:
        query = query.where(links.application_id.not_in(others))
        total -= rows.count(tx, others)
    ids = [row[0] for row in rows.page_of(tx, query.order_by(links.created_at, links.application_id), page, total)]
    return Listing(applications.with_ids(tx, ids), total)


def holding(tx: Transaction, role_id: str, application_ids: Collection[str]) -> set[str]:
    """
    Return which of these applications hold a role.
    """
    return rows.linked(tx, _APPLICATIONS, "application_id", among=application_ids, role_id=role_id)


def holders(tx: Transaction, role_id: str) -> Holders:
    """
    Count who holds a role, and name the first few.
    """
    people, software = schema.users, schema.applications
    users = _linked(tx, people, _USERS, _USERS.c.user_id, role_id)
    machines = _linked(tx, software, _APPLICATIONS, _APPLICATIONS.c.application_id, role_id)
    return Holders(
        users_count=counts.total(tx, _USERS, [role_id]),
        featured_users=[rows.to_record(FeaturedUser, row) for row in tx.connection.execute(users)],
        applications_count=counts.total(tx, _APPLICATIONS, [role_id]),
        featured_applications=[rows.to_record(FeaturedApplication, row) for row in tx.connection.execute(machines)],
    )


def _scopes_of(tx: Transaction, role_id: str) -> sa.Select[Any]:
    scopes = schema.scopes
    same = sa.and_(_SCOPES.c.tenant_id == scopes.c.tenant_id, _SCOPES.c.scope_id == scopes.c.id)
    return resources.scopes_query(tx).join(_SCOPES, same).where(_SCOPES.c.role_id == role_id)


def _linked(tx: Transaction, table: sa.Table, links: sa.Table, column: sa.Column[Any], role_id: str) -> sa.Select[Any]:
    return (
        sa.select(table)
        .join(links, sa.and_(links.c.tenant_id == table.c.tenant_id, column == table.c.id))
        .where(rows.of_tenant(tx, links), links.c.role_id == role_id)
        .order_by(links.c.created_at, column)
        .limit(MOST_FEATURED)
    )
