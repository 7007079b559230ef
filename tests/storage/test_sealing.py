"""
Nothing in the database is usable by itself.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from watchword.protocol.credentials import ClientSecret
from watchword.protocol.jose import VerificationKey, generate_private_key, public_jwk, read_token, verify_signature
from watchword.protocol.names import Algorithm
from watchword.server.operations import secrets
from watchword.server.storage.entries import load_tenant
from watchword.server.storage.sealing import DataKeys, KeyPurpose, Purpose, Unsealable, decrypt, encrypt

if TYPE_CHECKING:
    from tests.support.shopping import Shopping
    from watchword.server.context import Context

KEYS = DataKeys.of({purpose.value: bytes([number]) * 32 for number, purpose in enumerate(KeyPurpose)})
PLACE = {"purpose": Purpose.SIGNING_KEY, "tenant_id": "default", "row_id": "abc"}


@given(st.binary(max_size=300))
def test_what_is_sealed_opens_in_its_place(plaintext: bytes) -> None:
    """
    A round trip, and no two sealings of one value are alike.
    """
    sealed = KEYS.seal(plaintext, purpose=Purpose.SIGNING_KEY, tenant_id="default", row_id="abc")
    assert KEYS.unseal(sealed, purpose=Purpose.SIGNING_KEY, tenant_id="default", row_id="abc") == plaintext
    assert sealed != KEYS.seal(plaintext, purpose=Purpose.SIGNING_KEY, tenant_id="default", row_id="abc")


@pytest.mark.parametrize(
    ("purpose", "tenant_id", "row_id"),
    [
        pytest.param(Purpose.APPLICATION_SECRET, "default", "abc", id="another purpose"),
        pytest.param(Purpose.SIGNING_KEY, "other", "abc", id="another tenant"),
        pytest.param(Purpose.SIGNING_KEY, "default", "abd", id="another row"),
    ],
)
def test_moved_value_does_not_open(purpose: Purpose, tenant_id: str, row_id: str) -> None:
    """
    A sealed value belongs to one purpose, tenant and row.
    """
    sealed = KEYS.seal(b"key", purpose=Purpose.SIGNING_KEY, tenant_id="default", row_id="abc")
    with pytest.raises(Unsealable):
        KEYS.unseal(sealed, purpose=purpose, tenant_id=tenant_id, row_id=row_id)


@given(st.integers(0, 10_000))
def test_changed_value_does_not_open(where: int) -> None:
    """
    Whichever bit flips, and however much is cut off.
    """
    key = bytes(range(32))
    sealed = encrypt(key, b"secret", b"place")
    at = where % len(sealed)
    flipped = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
    for changed in (flipped, sealed[:at], sealed + b"x"):
        with pytest.raises(Unsealable):
            decrypt(key, changed, b"place")


def test_digest_depends_on_key_and_secret() -> None:
    """
    The same secret under another installation's key has another digest.
    """
    other = DataKeys.of({purpose.value: os.urandom(32) for purpose in KeyPurpose})
    secret = ClientSecret("ww_x")
    assert KEYS.digest(secret) == KEYS.digest(secret)
    assert KEYS.digest(secret) != other.digest(secret)
    assert KEYS.digest(secret) != KEYS.digest(ClientSecret("ww_y"))


def test_keys_do_not_show() -> None:
    """
    A repr in a log gives no key away.
    """
    assert "\\x" not in repr(KEYS)


def test_copy_moved_to_another_secret_is_refused(ctx: Context, shopping: Shopping) -> None:
    """
    Whoever can write rows can't make the server show one application's secret as another's.
    """
    second = secrets.create(shopping.acting, shopping.application_id, "second", None)
    with ctx.database.write() as connection:
        connection.execute(
            sa.text(
                "UPDATE secret_copies SET sealed = "
                "(SELECT sealed FROM secret_copies WHERE secret_id != :second LIMIT 1) WHERE secret_id = :second"
            ),
            {"second": second.id},
        )
    with pytest.raises(Unsealable):
        secrets.listing(shopping.acting, shopping.application_id)


def test_key_of_somebody_else_is_never_published(ctx: Context) -> None:
    """
    Whoever can write rows can't make the server publish a key of theirs, and so can't forge tokens.
    """
    forged = public_jwk(generate_private_key(Algorithm.ES256), Algorithm.ES256)
    with ctx.database.write() as connection:
        for kid in connection.exec_driver_sql("SELECT id FROM signing_keys").scalars().all():
            jwk = json.dumps({**forged, "kid": kid})
            connection.execute(
                sa.text("UPDATE signing_keys SET public_jwk = :jwk WHERE id = :kid"), {"jwk": jwk, "kid": kid}
            )
    with ctx.database.read() as connection:
        tenant = load_tenant(connection, "default", ctx.keys)
    assert tenant is not None
    assert tenant.keys
    for key in tenant.keys:
        token = read_token(key.signer.sign(b"{}"))
        assert verify_signature(token, VerificationKey.of(key.public_jwk)) == {}
        assert key.public_jwk["x"] != forged["x"]
