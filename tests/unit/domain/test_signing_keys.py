"""
Signing keys by instants: the name of an interval, which key signs, and in which order keys are shown.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.key_records import NOON, key_of
from watchword.protocol.names import Algorithm
from watchword.server.domain.records import SigningKeyRecord
from watchword.server.domain.signing_keys import (
    NEVER,
    KeyState,
    KeyType,
    OwnAlgorithm,
    algorithm_of_type,
    current_key,
    described,
    is_published,
    listed_keys,
    next_turn,
    published_keys,
    state_of,
)

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
PREVIOUS = key_of(signs_from=NOON - 2 * HOUR, signs_until=NOON - HOUR, dropped_at=NOON + HOUR)
CURRENT = key_of(signs_from=NOON - HOUR, signs_until=NOON + HOUR, dropped_at=NOON + 3 * HOUR)
NEXT = key_of(signs_from=NOON + HOUR)
STANDBY = key_of()
KEYS = (STANDBY, PREVIOUS, NEXT, CURRENT)


@pytest.mark.parametrize(
    ("after", "states"),
    [
        pytest.param(timedelta(0), "PREVIOUS CURRENT NEXT STANDBY", id="now"),
        pytest.param(HOUR - TICK, "PREVIOUS CURRENT NEXT STANDBY", id="just before the next begins"),
        pytest.param(HOUR, "PREVIOUS PREVIOUS CURRENT STANDBY", id="at the very instant at which it begins"),
    ],
)
def test_state_is_the_name_of_an_interval(after: timedelta, states: str) -> None:
    """
    Nothing has to happen for a key to take over but for time to pass.
    """
    found = [state_of(key, NOON + after).name for key in (PREVIOUS, CURRENT, NEXT, STANDBY)]
    assert " ".join(found) == states


def test_key_that_signs_is_the_current_one() -> None:
    """
    One key signs at each instant, the new one from the instant at which the old one ends.
    """
    assert current_key(KEYS, Algorithm.ES256, NOON) is CURRENT
    assert current_key(KEYS, Algorithm.ES256, NOON + HOUR - TICK) is CURRENT
    assert current_key(KEYS, Algorithm.ES256, NOON + HOUR) is NEXT
    assert current_key(KEYS, Algorithm.ES384, NOON) is None


def test_of_two_that_have_begun_the_newer_one_signs() -> None:
    """
    So it would be if rows of a database said so: never two.
    """
    older, newer = key_of(signs_from=NOON - HOUR), key_of(signs_from=NOON - TICK)
    assert current_key((newer, older), Algorithm.ES256, NOON) is newer


def test_clock_that_lags_stops_no_token() -> None:
    """
    Where no key has begun by this node's clock, the first that will is taken, a standby last of all.
    """
    fresh = key_of(signs_from=NOON)
    assert current_key((STANDBY, fresh), Algorithm.ES256, NOON - HOUR) is fresh
    assert current_key((STANDBY,), Algorithm.ES256, NOON) is STANDBY


def test_dropped_key_neither_signs_nor_is_published() -> None:
    """
    From the very instant on.
    """
    dropped = key_of(signs_from=NOON - HOUR, dropped_at=NOON)
    assert current_key((dropped,), Algorithm.ES256, NOON) is None
    assert not is_published(dropped, NOON)
    assert is_published(dropped, NOON - TICK)


def test_keys_are_published_in_the_order_of_the_reference() -> None:
    """
    Current, next, then what only we have, and what has been; a key that a lagging clock finds in the future as well.
    """
    older = key_of(signs_from=NOON - 3 * HOUR, signs_until=NOON - 2 * HOUR, dropped_at=NOON + TICK)
    assert published_keys((older, *KEYS), NOON) == [CURRENT, NEXT, STANDBY, PREVIOUS, older]
    assert published_keys((key_of(published_at=NOON + TICK),), NOON)


def test_list_shows_the_newest_previous_key_and_no_standby() -> None:
    """
    Next, current, previous: as many as the reference ever has. Keys of an API's own algorithm come second.
    """
    older = key_of(signs_from=NOON - 3 * HOUR, signs_until=NOON - 2 * HOUR, dropped_at=NOON + TICK)
    foreign = key_of(algorithm=Algorithm.RS256, signs_from=NOON - TICK)
    listed = listed_keys((older, foreign, *KEYS), Algorithm.ES256, NOON)
    assert listed == [NEXT, CURRENT, foreign, PREVIOUS]
    assert listed_keys((older, foreign, *KEYS), Algorithm.RS256, NOON) == [NEXT, foreign, CURRENT, PREVIOUS]


def test_nothing_is_told_of_the_end_of_time() -> None:
    """
    A standby has no instant from which it signs.
    """
    assert described(STANDBY, NOON).signs_from is None
    assert (described(NEXT, NOON).signs_from, described(NEXT, NOON).status) == (NOON + HOUR, KeyState.NEXT)


@pytest.mark.parametrize(
    ("wanted", "own", "found"),
    [
        (KeyType.EC, Algorithm.ES256, Algorithm.ES256),
        (KeyType.EC, Algorithm.ES384, Algorithm.ES384),
        (KeyType.RSA, Algorithm.ES384, Algorithm.RS256),
        (KeyType.RSA, Algorithm.RS256, Algorithm.RS256),
        (KeyType.EC, Algorithm.RS256, Algorithm.ES256),
    ],
)
def test_type_of_key_stands_for_the_tenants_algorithm(wanted: KeyType, own: Algorithm, found: Algorithm) -> None:
    """
    `EC` is the tenant's own where that is one.
    """
    assert algorithm_of_type(wanted, own, ()) is found


def test_tenant_that_goes_back_gets_what_it_had() -> None:
    """
    From RSA, `EC` leads to the elliptic algorithm that signed last, and a standby has not signed.
    """
    had = key_of(algorithm=Algorithm.ES384, signs_from=NOON - HOUR, signs_until=NOON)
    assert algorithm_of_type(KeyType.EC, Algorithm.RS256, (STANDBY, had)) is Algorithm.ES384
    assert NEVER > NOON


def test_tenants_algorithm_changes_at_an_instant() -> None:
    """
    From the very instant on, and nothing has to be done at it.
    """
    own = OwnAlgorithm(present=Algorithm.ES256, following=Algorithm.RS256, following_from=NOON)
    assert (own.at(NOON - TICK), own.at(NOON), own.last) == (Algorithm.ES256, Algorithm.RS256, Algorithm.RS256)
    assert own.settled(NOON - TICK) is own
    assert own.settled(NOON) == OwnAlgorithm(present=Algorithm.RS256)
    assert OwnAlgorithm(present=Algorithm.ES256).at(NOON) is Algorithm.ES256


INSTANTS = st.integers(0, 9).map(lambda hours: NOON + hours * HOUR)
ALGORITHMS = st.sampled_from([Algorithm.ES256, Algorithm.RS256])
ANY_KEY = st.builds(
    key_of,
    algorithm=ALGORITHMS,
    signs_from=INSTANTS | st.just(NEVER),
    signs_until=st.none() | INSTANTS,
    dropped_at=st.none() | INSTANTS,
)
ANY_OWN = st.builds(
    OwnAlgorithm, present=ALGORITHMS, following=st.none() | ALGORITHMS, following_from=st.none() | INSTANTS
)


@given(st.lists(ANY_KEY, max_size=4), ANY_OWN, st.none() | ALGORITHMS, INSTANTS, st.integers(0, 9))
def test_nothing_turns_before_the_next_turn(
    keys: list[SigningKeyRecord], own: OwnAlgorithm, algorithm: Algorithm | None, now: datetime, later: int
) -> None:
    """
    Whatever is fixed of keys and algorithms: until that instant the same key signs.
    """
    turn = next_turn(keys, own, now)
    assert turn > now
    then = min(now + later * HOUR, turn - TICK)
    assert current_key(keys, algorithm or own.at(then), then) is current_key(keys, algorithm or own.at(now), now)


def test_next_turn_is_the_first_to_come() -> None:
    """
    Of those that are over nothing is said; where nothing is fixed there is none.
    """
    own = OwnAlgorithm(present=Algorithm.ES256)
    assert next_turn(KEYS, own, NOON) == NOON + HOUR
    assert next_turn((CURRENT,), own, NOON + HOUR) == NOON + 3 * HOUR
    assert next_turn((STANDBY,), own, NOON) == NEVER
    changing = OwnAlgorithm(present=Algorithm.ES256, following=Algorithm.RS256, following_from=NOON + TICK)
    assert next_turn(KEYS, changing, NOON) == NOON + TICK
