"""
Signing keys as rows; the private half is sealed for its row.
"""

from datetime import datetime

import sqlalchemy as sa

from watchword.protocol.jose import PrivateKey, generate_private_key, public_jwk, serialize_private_key
from watchword.protocol.names import Algorithm
from watchword.server.domain.key_ring import KeyRing
from watchword.server.domain.records import SigningKeyRecord
from watchword.server.storage import rows, schema
from watchword.server.storage.sealing import Purpose
from watchword.server.storage.transaction import Transaction

_T = schema.signing_keys
_INSTANTS = ("signs_from", "signs_until", "dropped_at", "longest_lifetime")


def load(tx: Transaction) -> KeyRing:
    """
    Read the tenant's keys, whatever they are doing.
    """
    query = sa.select(*rows.columns(_T, SigningKeyRecord)).where(rows.of_tenant(tx, _T)).order_by(_T.c.id)
    return KeyRing(tuple(rows.to_record(SigningKeyRecord, row) for row in tx.connection.execute(query)))


def save(tx: Transaction, before: KeyRing, after: KeyRing) -> None:
    """
    Write what has become different.
    """
    known = {key.id: key for key in before.keys}
    left = {key.id for key in after.keys}
    for kid in known.keys() - left:
        rows.delete(tx, _T, id=kid)
    for key in after.keys:
        if key.id not in known:
            rows.insert(tx, _T, key)
        elif key != known[key.id]:
            rows.update(tx, _T, {name: getattr(key, name) for name in _INSTANTS}, id=key.id)


def new_key(
    tx: Transaction, algorithm: Algorithm, now: datetime, *, signs_from: datetime, longest_lifetime: int
) -> SigningKeyRecord:
    """
    Make a key, which `save` keeps; it is published from now on.

    Args:
        signs_from: When it begins to sign; `NEVER` makes a standby.
        longest_lifetime: The most seconds that tokens live now.
    """
    key, jwk = _generate(algorithm)
    sealed = tx.keys.seal(
        serialize_private_key(key), purpose=Purpose.SIGNING_KEY, tenant_id=tx.tenant_id, row_id=jwk["kid"]
    )
    return SigningKeyRecord(
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
        longest_lifetime=longest_lifetime,
    )


def _generate(algorithm: Algorithm) -> tuple[PrivateKey, dict[str, str]]:
    while True:
        key = generate_private_key(algorithm)
        jwk = public_jwk(key, algorithm)
        # Whoever revokes a key types its id: one that begins with a hyphen would be taken for an option.
        if not jwk["kid"].startswith("-"):
            return key, jwk
