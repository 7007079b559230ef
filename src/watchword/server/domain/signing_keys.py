"""
Signing keys by instants: which key signs now, which ones are published, and the name of the interval that one is in.

A standby waits for its turn: it is published, and no instant is fixed from which it signs. So whoever keeps the keys
for a while knows the next one before anything is signed with it. How keys follow each other is in `key_ring`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import msgspec

from watchword.protocol.jose import Signer, type_of_key
from watchword.protocol.names import Algorithm
from watchword.server.domain.confidential import Confidential
from watchword.server.domain.records import SigningKeyRecord

# How long verifiers may keep the published keys (RFC 9111 §5.2.2.1).
JWKS_MAX_AGE = timedelta(seconds=300)
# From when a standby signs while no instant is fixed.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)


class KeyType(StrEnum):
    """
    Types of key, as the Management API names algorithms.
    """

    EC = "EC"
    RSA = "RSA"


class KeyState(StrEnum):
    """
    The name of the interval that a key is in, in the order in which keys are published.
    """

    CURRENT = "Current"
    NEXT = "Next"
    STANDBY = "Standby"
    PREVIOUS = "Previous"


_PUBLISHED_ORDER = list(KeyState)
_LISTED = (KeyState.NEXT, KeyState.CURRENT)


class SigningKey(Confidential, frozen=True, kw_only=True):
    """
    One key, ready to sign, and its instants.

    Attributes:
        signs_from: When it begins to sign; `NEVER` for a standby.
        signs_until: When its successor begins; None while none is fixed.
        dropped_at: When it leaves the JWKS; None while that is open.
    """

    kid: str
    algorithm: Algorithm
    public_jwk: Mapping[str, object]
    signer: Signer
    published_at: datetime
    signs_from: datetime
    signs_until: datetime | None
    dropped_at: datetime | None


class OwnAlgorithm(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a tenant's tokens are signed with, unless an API resource has its own.

    Attributes:
        following: What takes its place from `following_from` on; None while nothing is fixed.
    """

    present: Algorithm
    following: Algorithm | None = None
    following_from: datetime | None = None

    def at(self, now: datetime) -> Algorithm:
        """
        Return the algorithm that counts at an instant.
        """
        if self.following is None or self.following_from is None or now < self.following_from:
            return self.present
        return self.following

    @property
    def last(self) -> Algorithm:
        """
        The algorithm that counts in the end.
        """
        return self.following or self.present

    def settled(self, now: datetime) -> "OwnAlgorithm":
        """
        Return the same without what is over.
        """
        return OwnAlgorithm(present=self.last) if self.at(now) is self.last else self


class PublishedKey(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is told of a key.

    Attributes:
        signs_from: None for a standby.
    """

    id: str
    algorithm: Algorithm
    status: KeyState
    published_at: datetime
    signs_from: datetime | None
    signs_until: datetime | None
    dropped_at: datetime | None


K = TypeVar("K", SigningKey, SigningKeyRecord)


def is_published(key: SigningKey | SigningKeyRecord, now: datetime) -> bool:
    """
    Tell whether the JWKS shows a key: as soon as there is one, since a node's clock may lag behind `published_at`.
    """
    return key.dropped_at is None or now < key.dropped_at


def state_of(key: SigningKey | SigningKeyRecord, now: datetime) -> KeyState:
    """
    Name the interval that a key is in.
    """
    if key.signs_until is not None and key.signs_until <= now:
        return KeyState.PREVIOUS
    if key.signs_from <= now:
        return KeyState.CURRENT
    return KeyState.STANDBY if key.signs_from == NEVER else KeyState.NEXT


def current_key(keys: Iterable[K], algorithm: Algorithm, now: datetime) -> K | None:
    """
    Return the key that signs now: of those that have begun, the one that began last.

    Where none has begun by this node's clock, the one that begins first signs: a clock that lags must not stop tokens.
    """
    begun = to_come = None
    for key in keys:
        has_ended = key.signs_until is not None and key.signs_until <= now
        if key.algorithm is not algorithm or has_ended or (key.dropped_at is not None and key.dropped_at <= now):
            continue
        if key.signs_from <= now:
            begun = key if begun is None or begun.signs_from < key.signs_from else begun
        else:
            to_come = key if to_come is None or key.signs_from < to_come.signs_from else to_come
    return begun or to_come


def next_turn(keys: Iterable[K], own: OwnAlgorithm, now: datetime) -> datetime:
    """
    Return the first instant to come at which another key may sign, as far as that is fixed by now.
    """
    turns = [own.following_from]
    for key in keys:
        turns += [key.signs_from, key.signs_until, key.dropped_at]
    return min((turn for turn in turns if turn is not None and turn > now), default=NEVER)


def published_keys(keys: Iterable[K], now: datetime) -> list[K]:
    """
    Return the keys that the JWKS shows: those that sign, then those to come, then those that have signed, newest first.
    """
    newest_first = sorted((key for key in keys if is_published(key, now)), key=_beginning, reverse=True)
    return sorted(newest_first, key=lambda key: _PUBLISHED_ORDER.index(state_of(key, now)))


def described(key: SigningKeyRecord, now: datetime) -> PublishedKey:
    """
    Say what is told of a key.
    """
    return PublishedKey(
        id=key.id,
        algorithm=key.algorithm,
        status=state_of(key, now),
        published_at=key.published_at,
        signs_from=None if key.signs_from == NEVER else key.signs_from,
        signs_until=key.signs_until,
        dropped_at=key.dropped_at,
    )


def listed_keys(keys: Iterable[K], own: Algorithm, now: datetime) -> list[K]:
    """
    Return the keys that the reference's list shows: next, current, and the newest of those before; no standby.

    Args:
        own: The tenant's own algorithm, whose keys come before those of API resources with another one.
    """
    published = published_keys(keys, now)
    of_own_first = sorted(published, key=lambda key: key.algorithm is not own)
    listed = [key for state in _LISTED for key in of_own_first if state_of(key, now) is state]
    ended = [key for key in published if state_of(key, now) is KeyState.PREVIOUS]
    return listed + sorted(ended, key=_end, reverse=True)[:1]


def algorithm_of_type(wanted: KeyType, own: Algorithm, keys: Iterable[SigningKeyRecord]) -> Algorithm:
    """
    Return the algorithm that a type of key stands for in a tenant.

    `EC` is the tenant's own algorithm where that is one, else that of the elliptic key which began to sign last.

    Args:
        own: The tenant's own algorithm.
    """
    if type_of_key[own] == wanted:
        return own
    if wanted is KeyType.RSA:
        return Algorithm.RS256
    begun = [key for key in keys if type_of_key[key.algorithm] == KeyType.EC and key.signs_from != NEVER]
    return max(begun, key=_beginning).algorithm if begun else Algorithm.ES256


def _beginning(key: SigningKey | SigningKeyRecord) -> datetime:
    return key.signs_from


def _end(key: SigningKey | SigningKeyRecord) -> datetime:
    return key.signs_until or NEVER
