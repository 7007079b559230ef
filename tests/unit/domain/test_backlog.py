"""
Overload: whoever would wait too long is sent away, and nobody else.
"""

from __future__ import annotations

from collections import deque

import pytest

from watchword.server.domain.backlog import FEW, MOST_WAIT_SECONDS, Backlog

MILLISECOND = 0.001


def offer(backlog: Backlog, *, service_seconds: float, gap_seconds: float, number: int) -> tuple[list[float], int]:
    """
    Offer requests, one in each gap, to a server that works on one after another.

    Returns:
        How long each accepted one took, and how many were sent away.
    """
    inside: deque[tuple[float, float, int]] = deque()  # when it came, when it is done, its place
    waits, refused, free_at = [], 0, 0.0
    for order in range(number):
        now = order * gap_seconds
        while inside and inside[0][1] <= now:
            came, done, place = inside.popleft()
            backlog.leave(place, done - came)
        if backlog.turns_away():
            refused += 1
            continue
        free_at = max(free_at, now) + service_seconds
        inside.append((now, free_at, backlog.enter()))
        waits.append(free_at - now)
    for came, done, place in inside:
        backlog.leave(place, done - came)
    return waits, refused


def commit(backlog: Backlog, callers: int, commit_ms: float) -> int:
    """
    Let in whom it lets in, and let them all out with one commit; return how many there were.
    """
    places = [backlog.enter() for _ in range(callers) if not backlog.turns_away()]
    for place in places:
        backlog.leave(place, commit_ms * MILLISECOND)
    return len(places)


@pytest.mark.parametrize("service_ms", [0.05, 0.1, 0.2])
def test_twice_the_capacity_bounds_the_wait_and_wastes_none(service_ms: float) -> None:
    """
    What is accepted waits little longer than it may, and about as much is accepted as can be done.
    """
    service = service_ms * MILLISECOND
    waits, refused = offer(Backlog(), service_seconds=service, gap_seconds=service / 2, number=100_000)
    waits.sort()
    assert waits[int(len(waits) * 0.99)] < MOST_WAIT_SECONDS * 1.5
    assert refused == pytest.approx(50_000, rel=0.1)


@pytest.mark.parametrize("service_ms", [0.05, 0.1, 1, 10])
def test_few_callers_are_never_sent_away(service_ms: float) -> None:
    """
    As many as a closed load of 256 connections has, on a machine however slow.
    """
    backlog = Backlog()
    for _ in range(50):
        places = [backlog.enter() for _ in range(FEW - 1)]
        assert not backlog.turns_away()
        last = backlog.enter()
        for place in (*places, last):
            backlog.leave(place, place * service_ms * MILLISECOND)
    assert backlog.in_flight == 0


@pytest.mark.parametrize("commit_ms", [2, 30, 100])
@pytest.mark.parametrize(("callers", "least"), [(FEW, FEW), (FEW + 44, FEW // 2), (2 * FEW, FEW // 2)])
def test_slow_commits_are_shared_by_many_in_a_crowd_too(commit_ms: int, callers: int, least: int) -> None:
    """
    All who are in are answered together, however long that takes: half of the places are there for as many as come.
    """
    backlog = Backlog()
    assert min(commit(backlog, callers, commit_ms) for _ in range(200)) >= least
    assert backlog.in_flight == 0


def test_crowd_that_has_gone_is_forgotten_by_those_who_stay() -> None:
    """
    However often they ask: who asks again as soon as a commit is through has not been a crowd before, and is none now.
    """
    backlog = Backlog()
    commit(backlog, 2 * FEW, 50)
    stayed = [commit(backlog, FEW - 56, 50) for _ in range(100)]
    assert min(stayed) == FEW // 2
    assert stayed[-1] == FEW - 56


def test_who_gives_up_a_place_teaches_nothing() -> None:
    """
    A refusal waits for its record, which no token has to wait for.
    """
    backlog = Backlog()
    for place in [backlog.enter() for _ in range(FEW)]:
        backlog.leave(place, place * 0.000_1)
    crowd = [backlog.enter() for _ in range(FEW)]
    assert not backlog.turns_away()
    for _ in crowd:
        backlog.give_up()
    for _ in crowd:
        backlog.enter()
    assert not backlog.turns_away()


def test_load_below_capacity_is_all_accepted() -> None:
    """
    However long it goes on.
    """
    _, refused = offer(Backlog(), service_seconds=0.0001, gap_seconds=0.00011, number=50_000)
    assert refused == 0


def test_server_that_stands_still_takes_no_more() -> None:
    """
    Where nothing is answered any more, the number inside is bounded.
    """
    backlog = Backlog()
    for _ in range(100_000):
        if not backlog.turns_away():
            backlog.enter()
    assert backlog.in_flight < 10 * FEW


def test_crowd_that_was_slow_once_is_forgotten() -> None:
    """
    After a stop of the database the estimate comes back to what is true within a few answers.
    """
    backlog = Backlog()
    places = [backlog.enter() for _ in range(FEW)]
    for place in places:
        backlog.leave(place, 5.0)
    waits, _ = offer(backlog, service_seconds=0.0001, gap_seconds=0.00005, number=20_000)
    assert len(waits) == pytest.approx(10_000, rel=0.2)
    _, refused = offer(backlog, service_seconds=0.0001, gap_seconds=0.00011, number=20_000)
    assert refused == 0
