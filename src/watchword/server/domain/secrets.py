"""
Application secrets: their form, and what the server checks them against.

A secret is `ww_`, 43 letters and digits (256 bits), and a 6-character checksum by which scanners know a leaked one.
Authentication never looks at the checksum.
"""

import hmac
import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import NewType

import msgspec

from watchword.protocol.credentials import ClientSecret
from watchword.server.domain.ids import RandomBytes, random_text

SecretDigest = NewType("SecretDigest", bytes)

PREFIX = "ww_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY = 43
_CHECKSUM = 6
_NOBODY = SecretDigest(b"\0" * 32)


class SecretEntry(msgspec.Struct, frozen=True, kw_only=True):
    """
    What authentication needs to know of one secret: a digest, never the secret.
    """

    id: str
    name: str
    digest: SecretDigest
    expires_at: datetime | None

    def expired(self, now: datetime) -> bool:
        """
        Whether it is no longer good.
        """
        return has_expired(self.expires_at, now)


def has_expired(expires_at: datetime | None, now: datetime) -> bool:
    """
    Tell whether a secret that is good until then, or for ever, is no longer good.
    """
    return expires_at is not None and expires_at <= now


def new_secret(random: RandomBytes) -> ClientSecret:
    """
    Make a secret.
    """
    body = random_text(random, _BODY, _ALPHABET)
    return ClientSecret(PREFIX + body + checksum(body))


def checksum(body: str) -> str:
    """
    Return six characters that follow from the body: CRC-32, written with the secret's own alphabet.
    """
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def mask(secret: ClientSecret) -> str:
    """
    Show a secret's prefix and its last four characters, enough to tell two apart.
    """
    return f"{PREFIX}…{secret.value[-4:]}"


def find_match(digest: SecretDigest, secrets: Sequence[SecretEntry]) -> SecretEntry | None:
    """
    Find the secret with this digest, in a time that does not tell whether or where one matched.
    """
    found = None
    hmac.compare_digest(digest, _NOBODY)  # an application without secrets costs as much as one with a secret
    for entry in secrets:
        if hmac.compare_digest(digest, entry.digest):
            found = entry
    return found
