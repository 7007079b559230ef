"""
Scopes to choose from: those of all API resources, by what they or their resource are called.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from watchword.server.domain.records import Scope
from watchword.server.storage import resources, rows, schema
from watchword.server.storage.folding import folded
from watchword.server.storage.transaction import Transaction

_T = schema.scopes
_RESOURCES = schema.resources
_SEARCHED = (_T.c.name, _T.c.description, _RESOURCES.c.name, _RESOURCES.c.indicator)
_OWN = ("id", "name", "description")
_MOST_LOOKED_AT = 20_000  # no index knows parts of their names


def find(tx: Transaction, words: str, most: int, *, not_of_role: str | None, not_of: str | None) -> Sequence[Scope]:
    """
    Return scopes, those of the oldest resource first.

    Args:
        words: Looked for as they are typed, in whatever case; empty finds all.
        not_of_role: Leave out what this role has.
        not_of: Leave out the resource with this indicator.
    """
    query = resources.scopes_query(tx).join(
        _RESOURCES, sa.and_(_RESOURCES.c.tenant_id == _T.c.tenant_id, _RESOURCES.c.id == _T.c.resource_id)
    )
    if words:
        query = query.where(sa.or_(*(_contains(column, words) for column in _SEARCHED)))
    if not_of_role is not None:
        links = schema.role_scopes
        held = sa.select(links.c.scope_id).where(rows.of_tenant(tx, links), links.c.role_id == not_of_role)
        query = query.where(_T.c.id.not_in(held))
    if not_of is not None:
        query = query.where(_RESOURCES.c.indicator != not_of)
    order = (_RESOURCES.c.created_at, _RESOURCES.c.id, *resources.SCOPES_OLDEST_FIRST)
    return [rows.to_record(Scope, row) for row in tx.connection.execute(query.order_by(*order).limit(most))]


def called(tx: Transaction, words: str, most: int) -> Sequence[Scope]:
    """
    Return scopes by their own id, name and description, resource by resource, of the first 20,000 that there are.

    Args:
        words: Looked for as they are typed, in whatever case.
    """
    by_name = (_T.c.tenant_id, _T.c.resource_id, _T.c.name)  # as the index has them that is walked
    looked_at = resources.scopes_query(tx).order_by(*by_name).limit(_MOST_LOOKED_AT).subquery()
    query = sa.select(looked_at).where(sa.or_(*(_contains(looked_at.c[name], words) for name in _OWN)))
    ordered = query.order_by(looked_at.c.resource_id, looked_at.c.name).limit(most)
    return [rows.to_record(Scope, row) for row in tx.connection.execute(ordered)]


def _contains(column: sa.ColumnElement[str], words: str) -> sa.ColumnElement[bool]:
    pattern = "".join(f"\\{character}" if character in "\\%_" else character for character in words)
    return folded(column).like(folded(f"%{pattern}%"), escape="\\")
