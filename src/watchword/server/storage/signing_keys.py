"""
Signing keys as rows; the private half is sealed for its row.
"""

from datetime import datetime

import sqlalchemy as sa

from watchword.protocol.jose import generate_private_key, public_jwk, serialize_private_key
from watchword.protocol.names import Algorithm
from watchword.server.domain.records import SigningKeyRecord
from watchword.server.storage import rows, schema
from watchword.server.storage.sealing import Purpose
from watchword.server.storage.transaction import Transaction


def has_key(tx: Transaction, algorithm: Algorithm, now: datetime) -> bool:
    """
    Tell whether the tenant has a key that signs with an algorithm now.
    """
    table = schema.signing_keys
    query = sa.select(table.c.id).where(
        rows.of_tenant(tx, table),
        table.c.algorithm == algorithm,
        table.c.signs_from <= now,
        sa.or_(table.c.signs_until.is_(None), table.c.signs_until > now),
        sa.or_(table.c.dropped_at.is_(None), table.c.dropped_at > now),
    )
    return tx.connection.execute(query.limit(1)).first() is not None


def add_key(tx: Transaction, algorithm: Algorithm, signs_from: datetime) -> SigningKeyRecord:
    """
    Make a key and keep it.

    Args:
        signs_from: When it begins to sign; it is published at once.
    """
    key = generate_private_key(algorithm)
    jwk = public_jwk(key, algorithm)
    sealed = tx.keys.seal(
        serialize_private_key(key), purpose=Purpose.SIGNING_KEY, tenant_id=tx.tenant_id, row_id=jwk["kid"]
    )
    now = tx.now()
    record = SigningKeyRecord(
        tenant_id=tx.tenant_id,
        id=jwk["kid"],
        algorithm=algorithm,
        public_jwk=jwk,
        sealed_private_key=sealed,
        created_at=now,
        published_at=now,
        signs_from=signs_from,
        signs_until=None,
        dropped_at=None,
    )
    rows.insert(tx, schema.signing_keys, record)
    return record
