"""
Passwords of users, as they are kept: hashed here, or brought along with the algorithm that made them.

Nobody signs in with one here; they are kept for the system that does.
"""

from enum import StrEnum
from functools import cache

import msgspec

from watchword.server.domain.confidential import Confidential
from watchword.server.domain.ids import RandomBytes
from watchword.server.domain.problems import Problem

# As much work as the reference's own hashes take, in the form that RFC 9106 recommends: 50 ms, and 8 MiB of memory
# each, so that forty requests at once stay affordable.
_PASSES, _MEMORY_KIB, _LANES = 8, 8192, 1
_SALT_BYTES = 16
_LEGACY_HASHES = frozenset(
    {"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha512-224", "sha512-256", "sha3-224", "sha3-256",
     "sha3-384", "sha3-512", "ripemd160", "blake2b512", "blake2s256", "sm3", "whirlpool", "pbkdf2", "firebase-scrypt"}
)  # fmt: skip


class PasswordAlgorithm(StrEnum):
    """
    How a digest was made.

    `Legacy` digests are JSON texts `[algorithm, [arguments, "@" for the password], digest]`.
    """

    ARGON2I = "Argon2i"
    ARGON2ID = "Argon2id"
    ARGON2D = "Argon2d"
    SHA1 = "SHA1"
    SHA256 = "SHA256"
    MD5 = "MD5"
    BCRYPT = "Bcrypt"
    LEGACY = "Legacy"


class Password(Confidential, frozen=True, kw_only=True):
    """
    A password as it is kept.
    """

    digest: str
    algorithm: PasswordAlgorithm


def read_password(clear: str, digest: str, algorithm: PasswordAlgorithm | None, random: RandomBytes) -> Password | None:
    """
    Return the password that a user is created with, hashed where it comes in clear text.

    This takes 50 ms: call it before a writing transaction begins.

    Args:
        clear: Clear text; empty where there is none.
        digest: What another system has kept; empty where there is none.

    Raises:
        Problem: Both are given, or the digest comes without its algorithm or is not of its form (400).
    """
    if clear and digest:
        raise Problem(
            "user.password_and_digest",
            status=400,
            message="You cannot set both plain text password and password digest.",
        )
    if clear:
        return hash_password(clear, random)
    if not digest:
        return None
    if algorithm is None:
        raise Problem("user.password_algorithm_required", status=400, message="Password algorithm is required.")
    if algorithm is PasswordAlgorithm.LEGACY:
        _check_legacy(digest)
    return Password(digest=digest, algorithm=algorithm)


def hash_password(clear: str, random: RandomBytes) -> Password:
    """
    Hash a password with Argon2id; its digest carries salt and parameters.

    Implements: RFC 9106 §4.
    """
    import argon2  # noqa: PLC0415 - it costs time at start, and few requests carry a password

    hasher = argon2.PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES, type=argon2.Type.ID)
    digest = hasher.hash(clear, salt=random(_SALT_BYTES))
    return Password(digest=digest, algorithm=PasswordAlgorithm.ARGON2ID)


def is_password(clear: str, digest: str | None) -> bool:
    """
    Tell whether a password is the one that `hash_password` made a digest of.

    Args:
        digest: None where there is nobody: that takes as long.
    """
    import argon2  # noqa: PLC0415 - as above

    try:
        argon2.PasswordHasher().verify(digest or _of_nobody(), clear)
    except argon2.exceptions.VerificationError:
        return False
    return digest is not None


@cache
def _of_nobody() -> str:
    # As much work as a digest of ours, and no password that anybody knows.
    return hash_password("", lambda size: b"\0" * size).digest


def _check_legacy(digest: str) -> None:
    try:
        algorithm, _, _ = msgspec.json.decode(digest, type=tuple[str, list[str], str])
    except (msgspec.DecodeError, RecursionError):
        raise Problem(
            "password.invalid_legacy_password_format", status=400, message="Invalid legacy password format."
        ) from None
    if algorithm.lower() not in _LEGACY_HASHES:
        raise Problem(
            "password.unsupported_legacy_hash_algorithm",
            status=400,
            message="Unsupported legacy hash algorithm.",
        )
