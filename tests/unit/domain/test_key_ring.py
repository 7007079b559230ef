"""
How signing keys follow each other: whatever is done, in whatever order, one key signs and no token outlives its key.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec.structs import replace

from tests.unit.domain.key_records import NOON, key_of
from watchword.protocol.access_token import CLOCKS_APART
from watchword.protocol.names import Algorithm
from watchword.server.domain.key_ring import KEPT_LONGER, MOST_KEYS, KeyRing, ended, ready_at
from watchword.server.domain.signing_keys import (
    JWKS_MAX_AGE,
    NEVER,
    KeyState,
    current_key,
    is_published,
    state_of,
)

ES256, ES384, RS256 = Algorithm.ES256, Algorithm.ES384, Algorithm.RS256
TICK, MINUTE, HOUR = timedelta(microseconds=1), timedelta(minutes=1), timedelta(hours=1)
ALGORITHMS = st.sampled_from([ES256, RS256])


class TurningKeys(RuleBasedStateMachine):
    """
    Two algorithms, tokens signed all the time, and everything that can be done to keys.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now, self.lifetime = NOON, 3600
        self.ring = KeyRing(())
        self.tokens: list[tuple[str, datetime]] = []
        for algorithm in (ES256, RS256):
            self.ring = self.ring.adding(key_of(algorithm=algorithm, signs_from=NOON)).adding(
                key_of(algorithm=algorithm)
            )

    def complete(self) -> None:
        """
        Add standbys where they are missing, as every change does.
        """
        for algorithm in (ES256, RS256):
            if self.ring.standby(algorithm) is None:
                standby = key_of(algorithm=algorithm, published_at=self.now, longest_lifetime=self.lifetime)
                self.ring = self.ring.adding(standby)

    @rule(seconds=st.integers(0, 8000), lag=st.integers(0, 5))
    def time_passes(self, seconds: int, lag: int) -> None:
        """
        Let time pass, and sign with each algorithm, on a node whose clock lags a little.
        """
        self.now += timedelta(seconds=seconds)
        for algorithm in (ES256, RS256):
            moment = self.now - timedelta(seconds=lag)
            key = current_key(self.ring.keys, algorithm, moment)
            assert key is not None
            self.tokens.append((key.id, moment + timedelta(seconds=self.lifetime)))

    @rule(algorithm=ALGORITHMS)
    def rotate_when_ready(self, algorithm: Algorithm) -> None:
        """
        As the command line and the job do.
        """
        standby = self.ring.standby(algorithm)
        assert standby is not None
        if self.ring.next(algorithm, self.now) is None:
            at = max(self.now, ready_at(standby))
            assert at - standby.published_at >= JWKS_MAX_AGE
            self.ring = self.ring.succeeding(algorithm, at, self.now)
            self.complete()

    @rule(algorithm=ALGORITHMS)
    def rotate_at_once(self, algorithm: Algorithm) -> None:
        """
        Whatever verifiers know, and even where a rotation is fixed.
        """
        self.ring = self.ring.succeeding(algorithm, self.now, self.now)
        self.complete()

    @rule(algorithm=ALGORITHMS, grace=st.integers(1, 8000))
    def rotate_after_a_grace(self, algorithm: Algorithm, grace: int) -> None:
        """
        As the reference's route does: what was fixed before is taken back.
        """
        upcoming = self.ring.next(algorithm, self.now)
        if upcoming is None or upcoming.signs_from > self.now + CLOCKS_APART:
            ring = self.ring.without_next(algorithm, self.now)
            self.ring = ring.succeeding(algorithm, self.now + timedelta(seconds=grace), self.now)
            self.complete()

    @rule(algorithm=ALGORITHMS, state=st.sampled_from(list(KeyState)))
    def revoke(self, algorithm: Algorithm, state: KeyState) -> None:
        """
        Drop a key; its tokens are lost, and no others.
        """
        for key in self.ring.keys:
            if key.algorithm is algorithm and state_of(key, self.now) is state:
                self.ring = self.ring.revoking(key.id, self.now)
                self.tokens = [token for token in self.tokens if token[0] != key.id]
                assert self.ring.find(key.id) is None
                self.complete()
                break

    @rule(seconds=st.integers(1, 20_000))
    def tokens_live_so_long(self, seconds: int) -> None:
        """
        Longer or shorter than before.
        """
        self.lifetime = seconds
        self.ring = self.ring.signing_for(seconds, self.now)

    @rule()
    def tidy_up(self) -> None:
        """
        What the job does.
        """
        self.ring = self.ring.tidied({ES256, RS256}, self.now)
        self.complete()

    @precondition(lambda self: len(self.ring.keys) > 4)
    @rule()
    def continue_all(self) -> None:
        """
        Every change sees to it that nothing runs out; here it has nothing to do.
        """
        assert self.ring.continued([ES256, RS256], self.now) == self.ring

    @invariant()
    def one_key_signs_at_every_instant_to_come(self) -> None:
        """
        Now, at each instant at which something begins or ends, and right before and after.
        """
        edges = {edge for key in self.ring.keys for edge in (key.signs_from, key.signs_until) if edge and edge != NEVER}
        moments = {self.now, *(edge + step for edge in edges for step in (-TICK, timedelta(0), TICK))}
        for moment in [moment for moment in moments if moment >= self.now]:
            for algorithm in (ES256, RS256):
                current = [
                    key
                    for key in self.ring.keys
                    if key.algorithm is algorithm and state_of(key, moment) is KeyState.CURRENT
                ]
                assert len(current) == 1
                assert current_key(self.ring.keys, algorithm, moment) is current[0]
                assert is_published(current[0], moment)

    @invariant()
    def no_token_outlives_its_key(self) -> None:
        """
        As long as a token has not expired its key is published, with room for clocks that differ.
        """
        self.tokens = [token for token in self.tokens if token[1] > self.now]
        by_id = {key.id: key for key in self.ring.keys}
        for kid, expires_at in self.tokens:
            dropped_at = by_id[kid].dropped_at
            assert dropped_at is None or dropped_at >= expires_at + CLOCKS_APART

    @invariant()
    def one_key_at_most_is_fixed_to_be_the_next(self) -> None:
        """
        And there is a standby always.
        """
        for algorithm in (ES256, RS256):
            states = [state_of(key, self.now) for key in self.ring.keys if key.algorithm is algorithm]
            assert states.count(KeyState.NEXT) <= 1
            assert states.count(KeyState.STANDBY) == 1


TestTurningKeys = TurningKeys.TestCase


def ring_of_one() -> KeyRing:
    """
    Make a ring with a current key and a standby.
    """
    return KeyRing((key_of(signs_from=NOON - HOUR), key_of()))


def test_standby_is_ready_when_every_cache_has_it() -> None:
    """
    A verifier that asked right before it was published may keep what it got for the whole `max-age`.
    """
    assert ready_at(key_of()) == NOON + timedelta(seconds=310)
    assert timedelta(seconds=310) == JWKS_MAX_AGE + CLOCKS_APART


def test_ended_key_is_published_until_its_last_token_has_expired() -> None:
    """
    The longest-lived one counts, and a minute more.
    """
    key = ended(key_of(signs_from=NOON, longest_lifetime=7200), NOON + HOUR)
    assert (key.signs_until, key.dropped_at) == (NOON + HOUR, NOON + 3 * HOUR + KEPT_LONGER)


def test_shorter_lifetime_shortens_nothing() -> None:
    """
    Tokens that were issued before the change live as long as they were promised.
    """
    ring = ring_of_one().signing_for(86_400, NOON).signing_for(60, NOON)
    assert {key.longest_lifetime for key in ring.keys} == {86_400}


def test_longer_lifetime_counts_for_a_key_whose_end_is_fixed() -> None:
    """
    It goes on signing until then.
    """
    ring = ring_of_one().succeeding(ES256, NOON + HOUR, NOON).signing_for(86_400, NOON)
    current = ring.current(ES256, NOON)
    assert current is not None
    assert current.dropped_at == NOON + HOUR + timedelta(seconds=86_400) + KEPT_LONGER


def test_longer_lifetime_is_nothing_to_a_key_that_has_ended() -> None:
    """
    Except to one that ended a moment ago: another node may still sign with it.
    """
    ring = ring_of_one().succeeding(ES256, NOON, NOON)
    moment = ring.signing_for(86_400, NOON + CLOCKS_APART - TICK)
    later = ring.signing_for(86_400, NOON + CLOCKS_APART)
    assert moment.keys[0].longest_lifetime == 86_400
    assert later.keys[0].longest_lifetime == 3600


def test_oldest_standby_comes_first() -> None:
    """
    If there are two, from two nodes that started at once, the one that more verifiers know.
    """
    older, newer = key_of(published_at=NOON - TICK), key_of()
    assert KeyRing((newer, older)).standby(ES256) is older


def test_nothing_succeeds_where_nothing_waits() -> None:
    """
    Nor is a key revoked that is not there, or that nothing could take the place of.
    """
    ring = KeyRing((key_of(signs_from=NOON),))
    with pytest.raises(LookupError, match="no key of ES256 waits"):
        ring.succeeding(ES256, NOON, NOON)
    with pytest.raises(LookupError, match="no key of ES256 waits"):
        ring.revoking(ring.keys[0].id, NOON)
    with pytest.raises(LookupError, match="no key nope"):
        ring.revoking("nope", NOON)


def test_revoked_key_is_followed_by_the_one_that_was_next() -> None:
    """
    It has been published for longest.
    """
    ring = ring_of_one().succeeding(ES256, NOON + HOUR, NOON).adding(key_of(published_at=NOON))
    current, upcoming = ring.current(ES256, NOON), ring.next(ES256, NOON)
    assert current is not None
    assert upcoming is not None
    assert ring.revoking(current.id, NOON).current(ES256, NOON) == replace(upcoming, signs_from=NOON)


def test_key_that_ends_without_successor_goes_on_while_it_is_needed() -> None:
    """
    An algorithm that was to go, and that an API resource has come to use.
    """
    ring = ring_of_one().ending(ES256, NOON + HOUR, NOON)
    assert ring.current(ES256, NOON + HOUR) is None
    assert ring.continued([ES256], NOON).current(ES256, NOON + HOUR) is not None
    assert ring.continued([], NOON) == ring


def test_nothing_ends_twice() -> None:
    """
    Where no key signs there is nothing to end, and nothing to take back.
    """
    ring = ring_of_one()
    assert ring.ending(RS256, NOON, NOON) is ring
    assert ring.without_next(RS256, NOON) is ring


def test_tidying_retires_what_no_token_is_signed_with() -> None:
    """
    Its key ends and is dropped in its time, its standby goes at once; what is in use stays as it is.
    """
    unused = (key_of(algorithm=ES384, signs_from=NOON - HOUR), key_of(algorithm=ES384))
    before = KeyRing((*ring_of_one().keys, *unused))
    after = before.tidied({ES256}, NOON)
    assert [key.id for key in after.keys] == [key.id for key in before.keys[:3]]
    assert after.keys[2] == ended(unused[0], NOON)
    assert after.tidied({ES256}, NOON) == after
    gone = after.tidied({ES256}, NOON + HOUR + KEPT_LONGER + CLOCKS_APART)
    assert gone.keys == before.keys[:2]


def test_ring_is_full_at_a_bound() -> None:
    """
    Verifiers read documents of 128 KB; a hundred RSA keys fit.
    """
    ring = KeyRing(tuple(key_of() for _ in range(MOST_KEYS - 1)))
    assert not ring.is_full()
    assert ring.adding(key_of()).is_full()
