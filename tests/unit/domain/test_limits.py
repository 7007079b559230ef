"""
The limits on refusals: bounded in memory, forgotten at no gain, and never felt by another source.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.server.domain.limits import (
    MOST_IDS,
    MOST_SOURCES,
    UNKNOWN_SOURCE,
    Allowance,
    Limits,
    Refused,
    Verdict,
    source_of,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EACH = 6  # a minute: one in ten seconds
PLENTY = 1_000_000  # tokens issued meanwhile, so that the share of all refusals is not what decides


def fail(
    limits: Limits,
    client_id: str = "app",
    *,
    source: str = "192.0.2.1",
    after: float = 0,
    is_authentication: bool = True,
    tokens: int = PLENTY,
) -> Verdict:
    """
    Fail once, so many seconds after the beginning.
    """
    refused = Refused(tenant_id="default", client_id=client_id, source=source, is_authentication=is_authentication)
    return limits.judge(refused, NOW + timedelta(seconds=after), tokens=tokens)


def exhaust(limits: Limits, client_id: str = "app") -> None:
    """
    Fail until the next failure is throttled.
    """
    for _ in range(EACH):
        assert fail(limits, client_id) is not Verdict.THROTTLE


@pytest.mark.parametrize(
    ("ip", "source"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="IPv4"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="IPv6"),
        pytest.param("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64", id="same network"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", id="IPv4 in IPv6"),
        pytest.param("fe80::1%eth0", "fe80::/64", id="with a zone"),
        pytest.param(None, UNKNOWN_SOURCE, id="none"),
        pytest.param("192.0.2.7:8080", UNKNOWN_SOURCE, id="with a port"),
        pytest.param("x" * 50_000, UNKNOWN_SOURCE, id="no address"),
    ],
)
def test_source_is_an_address_or_a_network(ip: str | None, source: str) -> None:
    """
    Whoever has an IPv6 network has all its addresses.
    """
    assert source_of(ip) == source


def test_so_many_are_recorded_and_the_rest_is_throttled() -> None:
    """
    All of a minute's at once if need be; then one each time that one's time has passed.
    """
    limits = Limits(EACH)
    assert [fail(limits) for _ in range(EACH + 2)] == [Verdict.RECORD] * EACH + [Verdict.THROTTLE] * 2
    assert limits.retry_after == 10
    assert fail(limits, after=9.9) is Verdict.THROTTLE
    assert fail(limits, after=10) is Verdict.RECORD
    assert fail(limits, after=10) is Verdict.THROTTLE


def test_tries_while_throttled_prolong_nothing() -> None:
    """
    Who tries on and on is treated as one who waits.
    """
    limits = Limits(EACH)
    exhaust(limits)
    assert {fail(limits, after=second / 100) for second in range(990)} == {Verdict.THROTTLE}
    assert fail(limits, after=10) is Verdict.RECORD


def test_only_failed_authentication_is_throttled() -> None:
    """
    Other refusals are counted: their callers have proved who they are, or have named nobody.
    """
    limits = Limits(EACH)
    exhaust(limits)
    assert fail(limits, is_authentication=False) is Verdict.COUNT


def test_other_applications_and_other_sources_are_not_affected() -> None:
    """
    A flood against one application from one place is felt there alone.
    """
    limits = Limits(EACH)
    exhaust(limits)
    assert fail(limits, "other") is Verdict.RECORD
    assert fail(limits, source="192.0.2.2") is Verdict.RECORD


def test_one_source_has_a_bounded_share_of_the_records() -> None:
    """
    However many ids it names.
    """
    limits = Limits(EACH)
    verdicts = [fail(limits, f"app{n}") for n in range(MOST_IDS)]
    assert verdicts == [Verdict.RECORD] * (2 * EACH) + [Verdict.COUNT] * (MOST_IDS - 2 * EACH)


def test_all_sources_together_have_a_bounded_share_of_the_records() -> None:
    """
    So many in a minute, and one more for every ten tokens: where little is issued, little is recorded.
    """
    limits = Limits(EACH)

    def fail_from_many(number: int, tokens: int) -> int:
        issued = [tokens] + [0] * (number - 1)
        verdicts = [fail(limits, source=f"192.0.2.{n}", tokens=issued[n]) for n in range(number)]
        return verdicts.count(Verdict.RECORD)

    assert fail_from_many(100, tokens=0) == 5 * EACH
    assert fail_from_many(100, tokens=0) == 0
    assert fail_from_many(100, tokens=70) == 7


def test_ids_without_a_place_share_one_allowance() -> None:
    """
    Who names a new id each time is throttled like one who names the same, and resets nothing by it.
    """
    limits = Limits(EACH)
    exhaust(limits)
    for n in range(MOST_IDS - 1):
        fail(limits, f"taken{n}")
    later = [fail(limits, f"new{n}") for n in range(1_000)]
    assert later.count(Verdict.THROTTLE) == 1_000 - EACH
    assert fail(limits) is Verdict.THROTTLE


def test_place_of_an_id_whose_allowance_is_whole_is_free_again() -> None:
    """
    It is as good as new, so nothing is lost by forgetting it.
    """
    limits = Limits(EACH)
    for n in range(MOST_IDS):
        fail(limits, f"taken{n}")
    exhaust(limits, "rest")
    assert fail(limits, "honest") is Verdict.THROTTLE
    assert Verdict.THROTTLE not in [fail(limits, "honest", after=10) for _ in range(EACH)]


def test_source_is_not_pushed_out_by_its_own_ids() -> None:
    """
    A source has one place among all, however many ids it names.
    """
    limits = Limits(EACH)
    exhaust(limits)
    for n in range(MOST_SOURCES - 1):
        fail(limits, source=f"source{n}")
    for n in range(10_000):
        fail(limits, f"id{n}", source="source0")
    assert fail(limits) is Verdict.THROTTLE


def test_source_that_goes_on_failing_is_not_pushed_out_by_others() -> None:
    """
    Where there are too many sources, the one that has been quiet for longest is forgotten.
    """
    limits = Limits(EACH)
    exhaust(limits)
    for n in range(3 * MOST_SOURCES):
        fail(limits, source=f"source{n}")
        if n % 1_000 == 0:
            assert fail(limits) is Verdict.THROTTLE


@given(tries=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), max_size=400))
def test_nobody_is_throttled_for_what_others_do(tries: list[tuple[int, int]]) -> None:
    """
    Whatever other sources try against the same ids, a source has its whole allowance.
    """
    limits = Limits(EACH)
    for id_, source in tries:
        fail(limits, f"app{id_}", source=f"source{source}")
    exhaust(limits, "app0")


def test_memory_is_bounded() -> None:
    """
    However many sources there are, and however many and long ids they name.
    """
    limits = Limits(EACH)
    for n in range(3 * MOST_SOURCES):
        fail(limits, f"{n}" + "x" * 1_000, source=f"source{n}")
    for n in range(1_000):
        fail(limits, f"{n}" + "x" * 1_000, source="source")
    assert len(limits._sources) == MOST_SOURCES
    tried = limits._sources["source"]._tried
    assert len(tried) == MOST_IDS
    assert all(len(name) <= 64 for _, name in tried)


@pytest.mark.parametrize("back", [1, 61, 86_400], ids=["a second", "a minute", "a day"])
def test_clock_that_is_set_back_throttles_nobody_for_long(back: float) -> None:
    """
    At most a minute longer, whatever the clock did.
    """
    limits = Limits(EACH)
    exhaust(limits)
    assert fail(limits, after=60 - back + 60) is not Verdict.THROTTLE


@given(per_minute=st.integers(1, 1_000), pauses=st.lists(st.floats(0, 90), max_size=200))
def test_no_minute_has_more_than_two_allowances(per_minute: int, pauses: list[float]) -> None:
    """
    A burst, and what grew back meanwhile; never more. One is always there after a minute.
    """
    allowance, now, taken = Allowance(per_minute), 1_800_000_000.0, []
    for pause in pauses:
        now += pause
        if allowance.take(now):
            taken.append(now)
        else:
            assert taken
            assert now - taken[-1] < 60
    for at in taken:
        assert sum(at - 60 < other <= at for other in taken) <= 2 * per_minute


@given(given=st.integers(0, 100), taken=st.integers(0, 20))
def test_what_is_given_back_is_never_more_than_the_whole(given: int, taken: int) -> None:
    """
    Many tokens make no burst of refusals larger than the allowance.
    """
    allowance, now = Allowance(10), 1_800_000_000.0
    got = sum(allowance.take(now) for _ in range(taken))
    allowance.give(given)
    assert sum(allowance.take(now) for _ in range(1_000)) == min(10, 10 - got + given)
