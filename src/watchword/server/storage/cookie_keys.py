"""
Keys of cookies, as rows.
"""

import sqlalchemy as sa

from watchword.server.domain.records import CookieKey
from watchword.server.storage import rows, schema
from watchword.server.storage.transaction import Transaction

_T = schema.cookie_keys


def newest_first(tx: Transaction) -> list[CookieKey]:
    """
    Return the tenant's cookie keys.
    """
    query = sa.select(*rows.columns(_T, CookieKey)).where(rows.of_tenant(tx, _T))
    ordered = query.order_by(_T.c.created_at.desc(), _T.c.id)
    return [rows.to_record(CookieKey, row) for row in tx.connection.execute(ordered)]


def add(tx: Transaction) -> CookieKey:
    """
    Add a key.
    """
    key = CookieKey(tenant_id=tx.tenant_id, id=tx.new_id(), created_at=tx.now())
    rows.insert(tx, _T, key)
    return key


def delete(tx: Transaction, key_id: str) -> bool:
    """
    Delete a key; tell whether there was one.
    """
    return rows.delete(tx, _T, id=key_id)
