"""
Ids of records and tokens. Randomness is handed in.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import NewType

from watchword.protocol.jose import base64url

RandomBytes = Callable[[int], bytes]
TenantId = NewType("TenantId", str)

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
RECORD_ID = 21
USER_ID = 12
_TOKEN_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"  # without those that look alike
_TOKEN = 44
_TAG_BYTES = 4
_TOKEN_ID_BYTES = 32


def new_id(random: RandomBytes, length: int = RECORD_ID) -> str:
    """
    Make an id of digits and lower-case letters; 21 of them carry 108 bits.
    """
    return random_text(random, length, _ALPHABET)


def new_token(random: RandomBytes) -> str:
    """
    Make what a link or a cookie carries: 44 characters, which carry 256 bits.
    """
    return random_text(random, _TOKEN, _TOKEN_ALPHABET)


def random_text(random: RandomBytes, length: int, alphabet: str) -> str:
    """
    Draw characters from an alphabet, each equally likely.
    """
    unbiased = 256 - 256 % len(alphabet)
    text: list[str] = []
    while len(text) < length:
        text += [alphabet[byte % len(alphabet)] for byte in random(2 * length) if byte < unbiased]
    return "".join(text[:length])


def new_jti(secret_id: str, random: RandomBytes) -> str:
    """
    Make a token id of 43 characters: 224 random bits behind a 32-bit tag of the secret that the token was bought with.

    The tag lets the server, and nobody else, tell which tokens a leaked secret may have bought.
    """
    token_id = _tag(secret_id) + random(_TOKEN_ID_BYTES - _TAG_BYTES)
    return base64url(token_id).decode("ascii")


@lru_cache(maxsize=4096)
def _tag(secret_id: str) -> bytes:
    return hashlib.sha256(secret_id.encode()).digest()[:_TAG_BYTES]
