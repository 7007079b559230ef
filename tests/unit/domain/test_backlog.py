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


def test_few_are_fewer_in_a_crowd() -> None:
    """
    Once somebody was sent away an eighth of the few is let in at any price, until a thousand in a row were.
    """
    backlog = Backlog()
    crowd = [backlog.enter() for _ in range(FEW)]
    for place in crowd:
        backlog.leave(place, place * 0.01)
    crowd = [backlog.enter() for _ in range(FEW)]
    assert backlog.turns_away()
    for place in crowd:
        backlog.leave(place, place * 0.01)
    few = [backlog.enter() for _ in range(FEW // 8)]
    assert backlog.turns_away()
    for place in few:
        backlog.leave(place, place * 0.01)
    for _ in range(1024):
        assert not backlog.turns_away()
        backlog.leave(backlog.enter(), 0.01)
    for _ in range(FEW - 1):
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
