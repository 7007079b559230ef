"""
Signing keys as records, without any cryptography.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from watchword.protocol.names import Algorithm
from watchword.server.domain.records import SigningKeyRecord
from watchword.server.domain.signing_keys import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_numbers: Iterator[int] = itertools.count(1)


def key_of(
    *,
    algorithm: Algorithm = Algorithm.ES256,
    published_at: datetime = NOON,
    signs_from: datetime = NEVER,
    signs_until: datetime | None = None,
    dropped_at: datetime | None = None,
    longest_lifetime: int = 3600,
) -> SigningKeyRecord:
    """
    Make a key with an id of its own; a standby unless told otherwise.
    """
    return SigningKeyRecord(
        tenant_id="default",
        id=f"key-{next(_numbers)}",
        algorithm=algorithm,
        public_jwk={},
        sealed_private_key=b"",
        created_at=published_at,
        published_at=published_at,
        signs_from=signs_from,
        signs_until=signs_until,
        dropped_at=dropped_at,
        longest_lifetime=longest_lifetime,
    )
