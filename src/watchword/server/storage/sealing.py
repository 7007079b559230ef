"""
Sealing: nothing in the database is usable by itself.

Three random data keys (sealing, digest, audit) are kept wrapped under the master key, which lives outside the database.
What is sealed is bound to a purpose, a tenant and a row, so that a sealed value moved elsewhere does not open.
"""

import os
from collections.abc import Mapping
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watchword.protocol.credentials import ClientSecret
from watchword.server.domain.confidential import Confidential
from watchword.server.domain.secrets import SecretDigest

KEY_BYTES = 32
_NONCE_BYTES = 12


class Purpose(StrEnum):
    """
    What a sealed value is. These labels are part of every sealed value: never rename one.
    """

    APPLICATION_SECRET = "application-secret"
    SIGNING_KEY = "signing-key"


class KeyPurpose(StrEnum):
    """
    What a data key is for.
    """

    SEALING = "sealing"
    DIGEST = "digest"
    AUDIT = "audit"


class Unsealable(Exception):
    """
    A sealed value does not open: another key, another place, or it was changed.
    """


class DataKeys(Confidential, frozen=True):
    """
    The data keys of an installation, in clear text, in memory only.
    """

    sealing: bytes
    digesting: hmac.HMAC
    audit: bytes

    @classmethod
    def of(cls, keys: Mapping[str, bytes]) -> "DataKeys":
        """
        Take the keys by their purposes.
        """
        # The keyed state is copied for each digest: a third of the cost of keying it anew.
        digesting = hmac.HMAC(keys[KeyPurpose.DIGEST], hashes.SHA256())
        return cls(keys[KeyPurpose.SEALING], digesting, keys[KeyPurpose.AUDIT])

    def digest(self, secret: ClientSecret) -> SecretDigest:
        """
        Return what a secret is checked against: HMAC-SHA-256 under the digest key.
        """
        keyed = self.digesting.copy()
        keyed.update(secret.value.encode())
        return SecretDigest(keyed.finalize())

    def seal(self, plaintext: bytes, *, purpose: Purpose, tenant_id: str, row_id: str) -> bytes:
        """
        Seal a value for one place.
        """
        return encrypt(self.sealing, plaintext, _place(purpose, tenant_id, row_id))

    def unseal(self, sealed: bytes, *, purpose: Purpose, tenant_id: str, row_id: str) -> bytes:
        """
        Open what was sealed for this very place.

        Raises:
            Unsealable: It was not.
        """
        return decrypt(self.sealing, sealed, _place(purpose, tenant_id, row_id))


def encrypt(key: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """
    Encrypt with AES-256-GCM under a fresh nonce, which comes first in the result.
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, associated)


def decrypt(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """
    Undo `encrypt`.

    Raises:
        Unsealable: Another key, other associated data, or a changed value.
    """
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], associated)
    except (InvalidTag, ValueError):
        raise Unsealable("a sealed value does not open") from None


def _place(purpose: Purpose, tenant_id: str, row_id: str) -> bytes:
    return f"{purpose.value}\0{tenant_id}\0{row_id}".encode()
