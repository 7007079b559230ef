"""
What pages about roles look for: which came with the tenant, how many hold each, which give a permission.
"""

from collections.abc import Collection, Mapping

import sqlalchemy as sa

from watchword.server.domain.names import RoleType
from watchword.server.domain.records import Role
from watchword.server.storage import resources, roles, rows, schema
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction

_T = schema.roles
_HOLDERS = (schema.application_roles.name, schema.user_roles.name)


def built_in_among(tx: Transaction, role_ids: Collection[str]) -> set[str]:
    """
    Return which of these roles came with the tenant.
    """
    query = sa.select(_T.c.id).where(rows.of_tenant(tx, _T), _T.c.id.in_(role_ids), _T.c.built_in.is_(sa.true()))
    return set(tx.connection.execute(query).scalars())


def holder_counts(tx: Transaction, role_ids: Collection[str]) -> Mapping[str, int]:
    """
    Return how many applications and users hold each of these roles; those that nobody holds may be left out.
    """
    counted = schema.row_counts
    query = sa.select(counted.c.key, sa.func.sum(counted.c.number)).where(
        counted.c.tenant_id == tx.tenant_id, counted.c.counted.in_(_HOLDERS), counted.c.key.in_(role_ids)
    )
    return {key: int(number) for key, number in tx.connection.execute(query.group_by(counted.c.key))}


def giving(
    tx: Transaction, resource_id: str, scope_id: str | None, page: Page, *, role_type: RoleType | None
) -> Listing[Role]:
    """
    List the roles of a type, or of any, that give a scope of a resource, or any of its scopes; no internal ones.
    """
    links = schema.role_scopes
    given = sa.select(links.c.role_id).where(rows.of_tenant(tx, links))
    if scope_id is None:
        given = given.where(links.c.scope_id.in_(resources.scope_ids_of(tx, resource_id)))
    else:
        given = given.where(links.c.scope_id == scope_id)
    query = sa.select(*rows.columns(_T, Role)).where(rows.of_tenant(tx, _T), roles.visible(), _T.c.id.in_(given))
    if role_type is not None:
        query = query.where(_T.c.type == role_type)
    return rows.listing(tx, Role, query.order_by(*roles.OLDEST_FIRST), page)
