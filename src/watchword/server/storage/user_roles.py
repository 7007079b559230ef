"""
Who holds which role for users, as rows.
"""

from collections.abc import Collection

import sqlalchemy as sa

from watchword.server.domain.records import Role, User
from watchword.server.domain.search import Search
from watchword.server.storage import counts, roles, rows, schema
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.search import matching
from watchword.server.storage.transaction import Transaction

_T = schema.user_roles
_ROLES = schema.roles
_USERS = schema.users


def of_user(tx: Transaction, user_id: str, search: Search, page: Page | None) -> Listing[Role]:
    """
    List a user's roles, in the order in which they were given.
    """
    query = (
        sa.select(*rows.columns(_ROLES, Role))
        .join(_T, sa.and_(_T.c.tenant_id == _ROLES.c.tenant_id, _T.c.role_id == _ROLES.c.id))
        .where(rows.of_tenant(tx, _T), _T.c.user_id == user_id, roles.visible())
    )
    found = matching(tx, query, _ROLES, search).order_by(_T.c.created_at, _ROLES.c.id)
    return rows.listing(tx, Role, found, page)


def holders(tx: Transaction, role_id: str, search: Search, page: Page | None) -> Listing[User]:
    """
    List the users who hold a role, who got it last first.
    """
    query = (
        sa.select(*rows.columns(_USERS, User))
        .join(_T, sa.and_(_T.c.tenant_id == _USERS.c.tenant_id, _T.c.user_id == _USERS.c.id))
        .where(rows.of_tenant(tx, _T), _T.c.role_id == role_id)
    )
    total = None if search.groups else counts.total(tx, _T, [role_id])
    found = matching(tx, query, _USERS, search).order_by(_T.c.created_at.desc(), _USERS.c.id.desc())
    return rows.listing(tx, User, found, page, total)


def holding(tx: Transaction, role_id: str, user_ids: Collection[str]) -> set[str]:
    """
    Return which of these users hold a role.
    """
    return rows.linked(tx, _T, "user_id", among=user_ids, role_id=role_id)


def ids_of_user(tx: Transaction, user_id: str) -> set[str]:
    """
    Return the ids of a user's roles.
    """
    return rows.linked(tx, _T, "role_id", user_id=user_id)


def add(tx: Transaction, user_id: str, ids: Collection[str]) -> None:
    """
    Give roles to a user who does not have them.
    """
    rows.link(tx, _T, [{"user_id": user_id, "role_id": role_id} for role_id in ids])


def remove(tx: Transaction, user_id: str, role_id: str) -> bool:
    """
    Take a role from a user; tell whether they held it.
    """
    return rows.delete(tx, _T, user_id=user_id, role_id=role_id)
