"""
What explanations look for beyond the request itself: what is spelt alike, and what gives a scope.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from watchword.server.domain.names import RoleType
from watchword.server.domain.search import NO_SEARCH
from watchword.server.storage import applications, counts, resources, roles, rows, schema
from watchword.server.storage.folding import folded
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.sqlite.hints import BY_APPLICATION
from watchword.server.storage.transaction import Transaction


class NamedThing(NamedTuple):
    """
    Something by its id, and what it is called.
    """

    id: str
    name: str


def resources_alike(tx: Transaction, asked: str, most: int) -> Sequence[str]:
    """
    Return the indicators that somebody may have meant: another spelling, or the resource's id or name in its place.
    """
    table = schema.resources
    meant = sa.func.lower(asked.rstrip("/"))
    indicator = sa.func.lower(table.c.indicator)
    alike = sa.or_(
        indicator == meant,
        indicator == meant.concat("/"),
        table.c.id == asked,
        folded(table.c.name) == folded(asked),
    )
    query = sa.select(table.c.indicator).where(rows.of_tenant(tx, table), alike).order_by(table.c.created_at)
    return tx.connection.execute(query.limit(most)).scalars().all()


def scopes_spelt_alike(tx: Transaction, resource_id: str, name: str, most: int) -> Sequence[str]:
    """
    Return the scopes of an API that differ from a name in nothing but upper and lower case.
    """
    table = schema.scopes
    query = sa.select(table.c.name).where(
        rows.of_tenant(tx, table), table.c.resource_id == resource_id, folded(table.c.name) == folded(name)
    )
    return tx.connection.execute(query.order_by(table.c.created_at).limit(most)).scalars().all()


def apis_with_scope(tx: Transaction, not_of: str, name: str, most: int) -> Sequence[str]:
    """
    Return the indicators of the other APIs that have a scope of exactly this name.
    """
    table, apis = schema.scopes, schema.resources
    query = (
        sa.select(apis.c.indicator)
        .join(table, sa.and_(table.c.tenant_id == apis.c.tenant_id, table.c.resource_id == apis.c.id))
        .where(rows.of_tenant(tx, apis), table.c.name == name, apis.c.id != not_of)
        .order_by(apis.c.created_at, apis.c.id)
    )
    return tx.connection.execute(query.limit(most)).scalars().all()


def scope_id(tx: Transaction, resource_id: str, name: str) -> str | None:
    """
    Return the id of a resource's scope, or None.
    """
    table = schema.scopes
    query = sa.select(table.c.id).where(
        rows.of_tenant(tx, table), table.c.resource_id == resource_id, table.c.name == name
    )
    return tx.connection.execute(query).scalar_one_or_none()


def roles_giving(tx: Transaction, scope_id: str, most: int) -> Sequence[NamedThing]:
    """
    Return roles for machines that give a scope, the oldest first, and no internal ones.
    """
    table, links = schema.roles, schema.role_scopes
    query = (
        sa.select(table.c.id, table.c.name)
        .join(links, sa.and_(links.c.tenant_id == table.c.tenant_id, links.c.role_id == table.c.id))
        .where(
            rows.of_tenant(tx, links),
            links.c.scope_id == scope_id,
            table.c.type == RoleType.MACHINE_TO_MACHINE,
            roles.visible(),
        )
        .order_by(*roles.OLDEST_FIRST)
    )
    return [NamedThing(*row) for row in tx.connection.execute(query.limit(most))]


def holders_of_scope(tx: Transaction, scope_id: str, page: Page | None) -> Listing[str]:
    """
    List the ids of the applications that hold a role with a scope.
    """
    return _holders(tx, _giving(tx, schema.role_scopes.c.scope_id == scope_id), page)


def holders_of_resource(tx: Transaction, resource_id: str, page: Page) -> Listing[str]:
    """
    List the ids of the applications that hold a role with any scope of a resource.
    """
    its_scopes = resources.scope_ids_of(tx, resource_id)
    return _holders(tx, _giving(tx, schema.role_scopes.c.scope_id.in_(its_scopes)), page)


def holders_of_role(tx: Transaction, role_id: str, scope_id: str, page: Page, *, have_another: bool) -> Listing[str]:
    """
    List the ids of the machine-to-machine applications that hold a role, in the order in which they got it.

    Args:
        have_another: Those that hold another role with this scope, too; else those that hold no other one with it.
    """
    holders, own = schema.application_roles, schema.application_roles.alias()
    links = schema.role_scopes
    giving = _giving(tx, sa.and_(links.c.scope_id == scope_id, links.c.role_id != role_id))
    if tx.connection.execute(giving.limit(1)).first() is None:  # as a rule: all are counted already
        found = Listing([], 0) if have_another else roles.list_applications(tx, role_id, NO_SEARCH, page)
        return Listing([one.id for one in found.records], found.total)
    another = (
        sa.select(own.c.role_id)
        .with_hint(own, BY_APPLICATION, "sqlite")
        .where(own.c.tenant_id == tx.tenant_id, own.c.application_id == holders.c.application_id)
        .where(own.c.role_id.in_(giving))
        .exists()
    )
    query = sa.select(holders.c.application_id).where(
        rows.of_tenant(tx, holders), holders.c.role_id == role_id, another if have_another else sa.not_(another)
    )
    no_machines = applications.other_holders(tx, role_id)
    if no_machines is not None:
        query = query.where(holders.c.application_id.not_in(no_machines))
    total = rows.count(tx, query)
    ordered = query.order_by(holders.c.created_at, holders.c.application_id)
    return Listing([row[0] for row in rows.page_of(tx, ordered, page, total)], total)


def indicators_of_role(tx: Transaction, role_id: str) -> Sequence[str]:
    """
    Return the indicators of the APIs on which a role gives anything.
    """
    query = _indicators(tx).where(schema.role_scopes.c.role_id == role_id)
    return tx.connection.execute(query).scalars().all()


def indicators_of_application(tx: Transaction, application_id: str, most: int) -> Sequence[str]:
    """
    Return the indicators of the APIs on which an application's roles give anything.
    """
    held = schema.application_roles
    role_ids = sa.select(held.c.role_id).where(rows.of_tenant(tx, held), held.c.application_id == application_id)
    query = _indicators(tx).where(schema.role_scopes.c.role_id.in_(role_ids))
    return tx.connection.execute(query.limit(most)).scalars().all()


def _holders(tx: Transaction, giving: sa.Select[Any], page: Page | None) -> Listing[str]:
    holders = schema.application_roles
    role_ids = tx.connection.execute(giving.distinct().limit(2)).scalars().all()
    query = sa.select(holders.c.application_id).where(rows.of_tenant(tx, holders), holders.c.role_id.in_(giving))
    if len(role_ids) == 1:  # nobody holds it twice: the links are walked in their order, and are counted already
        query = sa.select(holders.c.application_id).where(rows.of_tenant(tx, holders), holders.c.role_id == role_ids[0])
        query = query.order_by(holders.c.created_at, holders.c.application_id)
        total = counts.total(tx, holders, role_ids)
    else:
        query = query.distinct().order_by(holders.c.application_id)
        total = rows.count(tx, query)
    if page is None:
        return Listing(tx.connection.execute(query).scalars().all(), total)
    return Listing([row[0] for row in rows.page_of(tx, query, page, total)], total)


def _giving(tx: Transaction, given: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """
    Select the ids of the roles for machines that give something, internal ones too; some of them more than once.

    Args:
        given: A condition upon what roles are linked to.
    """
    links, table = schema.role_scopes, schema.roles
    return (
        sa.select(links.c.role_id)
        .join(table, sa.and_(table.c.tenant_id == links.c.tenant_id, table.c.id == links.c.role_id))
        .where(rows.of_tenant(tx, links), given, table.c.type == RoleType.MACHINE_TO_MACHINE)
    )


def _indicators(tx: Transaction) -> sa.Select[Any]:
    links, scopes, table = schema.role_scopes, schema.scopes, schema.resources
    return (
        sa.select(table.c.indicator)
        .join(scopes, sa.and_(scopes.c.tenant_id == table.c.tenant_id, scopes.c.resource_id == table.c.id))
        .join(links, sa.and_(links.c.tenant_id == scopes.c.tenant_id, links.c.scope_id == scopes.c.id))
        .where(rows.of_tenant(tx, links))
        .distinct()
        .order_by(table.c.indicator)
    )
