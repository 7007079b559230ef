"""
Users, as rows.
"""

from collections.abc import Mapping

import msgspec
import sqlalchemy as sa

from watchword.server.domain.records import User
from watchword.server.domain.search import Search
from watchword.server.storage import counts, rows, schema
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.search import matching
from watchword.server.storage.transaction import Transaction

_T = schema.users
_LINKS = schema.user_roles
NEWEST_FIRST = (_T.c.created_at.desc(), _T.c.id)


class UserFilter(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which users a list shows; None does not filter.
    """

    exclude_role_id: str | None = None


def find(tx: Transaction, user_id: str) -> User | None:
    """
    Return a user, or None.
    """
    return rows.find(tx, _T, User, id=user_id)


def listing(tx: Transaction, wanted: UserFilter, search: Search, page: Page | None) -> Listing[User]:
    """
    List users, newest first.
    """
    query = sa.select(*rows.columns(_T, User)).where(rows.of_tenant(tx, _T))
    if wanted.exclude_role_id is not None:
        holders = sa.select(_LINKS.c.user_id).where(
            rows.of_tenant(tx, _LINKS), _LINKS.c.role_id == wanted.exclude_role_id
        )
        query = query.where(_T.c.id.not_in(holders))
    whole = wanted.exclude_role_id is None and not search.groups
    total = counts.total(tx, _T) if whole else None
    return rows.listing(tx, User, matching(tx, query, _T, search).order_by(*NEWEST_FIRST), page, total, walked=_T)


def insert(tx: Transaction, user: User) -> None:
    """
    Add a user.
    """
    rows.insert(tx, _T, user)


def update(tx: Transaction, user_id: str, changes: Mapping[str, object]) -> bool:
    """
    Change a user's columns; tell whether the user is there.
    """
    return rows.update(tx, _T, {**changes, "updated_at": tx.now()}, id=user_id)


def delete(tx: Transaction, user_id: str) -> bool:
    """
    Delete a user with all roles; tell whether there was one.
    """
    return rows.delete(tx, _T, id=user_id)


def holder_of(tx: Transaction, identifier: str, value: str) -> str | None:
    """
    Return the id of the user with this `username`, `primary_email` (in any letter case) or `primary_phone`, or None.
    """
    column: sa.ColumnElement[str] = _T.c[identifier]
    same = column == value
    if identifier == "primary_email":
        same = sa.func.lower(column) == sa.func.lower(value)  # as the unique index compares
    return tx.connection.execute(sa.select(_T.c.id).where(rows.of_tenant(tx, _T), same)).scalar_one_or_none()
