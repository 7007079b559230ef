"""
How one signing key follows another. Pure: a ring of keys and an instant in, another ring out.

What holds of every ring, at every instant and for each algorithm that has begun to sign: one key is current; the next
one begins at the very instant at which it ends; a key stays published until the last token that it signed has expired.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from watchword.protocol.access_token import CLOCKS_APART
from watchword.protocol.names import Algorithm
from watchword.server.domain.records import SigningKeyRecord
from watchword.server.domain.signing_keys import JWKS_MAX_AGE, NEVER, KeyState, state_of

# How long after its last token has expired a key stays published: for clocks that differ, and for verifiers' leeway.
KEPT_LONGER = timedelta(seconds=60)
MOST_KEYS = 100
# How long after it was published every verifier knows a key that keeps the published ones for no longer than it may.
KNOWN_AFTER = JWKS_MAX_AGE + CLOCKS_APART


def ready_at(standby: SigningKeyRecord) -> datetime:
    """
    Return when every verifier that keeps the published keys for no longer than `JWKS_MAX_AGE` knows a key.
    """
    return standby.published_at + KNOWN_AFTER


def ended(key: SigningKeyRecord, at: datetime) -> SigningKeyRecord:
    """
    End a key: it signs until then, and is published until the last of its tokens has expired.
    """
    return replace(key, signs_until=at, dropped_at=at + timedelta(seconds=key.longest_lifetime) + KEPT_LONGER)


class KeyRing(msgspec.Struct, frozen=True):
    """
    A tenant's keys.
    """

    keys: tuple[SigningKeyRecord, ...]

    def find(self, kid: str) -> SigningKeyRecord | None:
        """
        Return the key of this id.
        """
        return next((key for key in self.keys if key.id == kid), None)

    def current(self, algorithm: Algorithm, now: datetime) -> SigningKeyRecord | None:
        """
        Return the key that signs now.
        """
        return self._in_state(KeyState.CURRENT, algorithm, now)

    def next(self, algorithm: Algorithm, now: datetime) -> SigningKeyRecord | None:
        """
        Return the key that will sign from an instant that is fixed.
        """
        return self._in_state(KeyState.NEXT, algorithm, now)

    def standby(self, algorithm: Algorithm) -> SigningKeyRecord | None:
        """
        Return the key that is ready to be the next: the one that was published first.
        """
        waiting = [key for key in self.keys if key.algorithm is algorithm and key.signs_from == NEVER]
        return min(waiting, key=lambda key: key.published_at, default=None)

    def is_full(self) -> bool:
        """
        Tell whether there is no room for another key: verifiers read documents of bounded size.
        """
        return len(self.keys) >= MOST_KEYS

    def adding(self, key: SigningKeyRecord) -> "KeyRing":
        """
        Return the ring with one more key.
        """
        return KeyRing((*self.keys, key))

    def beginning(self, algorithm: Algorithm, now: datetime) -> "KeyRing":
        """
        Let the standby sign from now on, until the next key does: no key signs yet.

        Raises:
            LookupError: There is no standby.
        """
        standby, upcoming = self.standby(algorithm), self.next(algorithm, now)
        if standby is None:
            raise LookupError(f"no key of {algorithm} waits")
        key = replace(standby, signs_from=now)
        return self._with(key if upcoming is None else ended(key, upcoming.signs_from))

    def succeeding(self, algorithm: Algorithm, at: datetime, now: datetime) -> "KeyRing":
        """
        Let the next key, or else the standby, sign from an instant on, and the current one until then.

        Raises:
            LookupError: There is neither.
        """
        current, successor = self.current(algorithm, now), self.next(algorithm, now) or self.standby(algorithm)
        if successor is None:
            raise LookupError(f"no key of {algorithm} waits")
        changed = [replace(successor, signs_from=at), *([] if current is None else [ended(current, at)])]
        return self._with(*changed)

    def without_next(self, algorithm: Algorithm, now: datetime) -> "KeyRing":
        """
        Take back what is fixed: the current key goes on, and the next one goes.
        """
        current, upcoming = self.current(algorithm, now), self.next(algorithm, now)
        ring = self if upcoming is None else self._without(upcoming)
        return ring if current is None else ring._with(replace(current, signs_until=None, dropped_at=None))  # noqa: SLF001

    def ending(self, algorithm: Algorithm, at: datetime, now: datetime) -> "KeyRing":
        """
        Let the current key sign until an instant, without a successor.
        """
        current = self.current(algorithm, now)
        return self if current is None else self._with(ended(current, at))

    def revoking(self, kid: str, now: datetime) -> "KeyRing":
        """
        Drop a key at once. Where it was current another signs from now on; where it was next the current one goes on.

        Raises:
            LookupError: There is no such key, or none that could take its place.
        """
        key = self.find(kid)
        if key is None:
            raise LookupError(f"no key {kid}")
        match state_of(key, now):
            case KeyState.CURRENT:
                return self._without(key).succeeding(key.algorithm, now, now)
            case KeyState.NEXT:
                return self.without_next(key.algorithm, now)
        return self._without(key)

    def signing_for(self, seconds: int, now: datetime) -> "KeyRing":
        """
        Let tokens live so long: what signs, or will, stays published for longer if it must.
        """
        return self._with(*self._prolonged(seconds, now))

    def continued(self, algorithms: Collection[Algorithm], now: datetime) -> "KeyRing":
        """
        Let no algorithm that is in use run out: a current key that would end without a successor goes on.
        """
        ring = self
        for algorithm in algorithms:
            if self.next(algorithm, now) is None:
                ring = ring.without_next(algorithm, now)
        return ring

    def tidied(self, algorithms: Collection[Algorithm], now: datetime) -> "KeyRing":
        """
        Retire what no token is signed with any more, and leave out what nobody needs.

        Args:
            algorithms: Those that are in use, now or from an instant that is fixed.
        """
        ring = self
        for algorithm in {key.algorithm for key in self.keys} - set(algorithms):
            current = ring.current(algorithm, now)
            ring = ring if current is None or current.signs_until is not None else ring.ending(algorithm, now, now)
        return KeyRing(tuple(key for key in ring.keys if _is_needed(key, algorithms, now)))

    def _prolonged(self, seconds: int, now: datetime) -> Iterator[SigningKeyRecord]:
        for key in self.keys:
            # A node whose clock lags may go on signing with a key that has ended by this one.
            if key.longest_lifetime < seconds and (key.signs_until is None or now - CLOCKS_APART < key.signs_until):
                longer = replace(key, longest_lifetime=seconds)
                yield longer if longer.signs_until is None else ended(longer, longer.signs_until)

    def _in_state(self, state: KeyState, algorithm: Algorithm, now: datetime) -> SigningKeyRecord | None:
        found = [key for key in self.keys if key.algorithm is algorithm and state_of(key, now) is state]
        return max(found, key=lambda key: key.signs_from, default=None)

    def _with(self, *changed: SigningKeyRecord) -> "KeyRing":
        by_id = {key.id: key for key in changed}
        return KeyRing(tuple(by_id.get(key.id, key) for key in self.keys))

    def _without(self, gone: SigningKeyRecord) -> "KeyRing":
        return KeyRing(tuple(key for key in self.keys if key.id != gone.id))


def _is_needed(key: SigningKeyRecord, algorithms: Collection[Algorithm], now: datetime) -> bool:
    if key.dropped_at is not None:
        return now < key.dropped_at + CLOCKS_APART
    return key.algorithm in algorithms or state_of(key, now) is KeyState.CURRENT
