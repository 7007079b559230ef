"""
Connections that wait: how long each may, and how many.
"""

from __future__ import annotations

import asyncio

import pytest

from watchword.server.settings import Settings
from watchword.server.web import sweeper as sweeping
from watchword.server.web.sweeper import Awaits, ConnectionLimits, Sweeper

MOST = 64


class Waiting:
    """
    A connection that says what becomes of it.
    """

    def __init__(self, awaits: Awaits, awaits_since: float) -> None:
        self.awaits = awaits
        self.awaits_since = awaits_since
        self.ended = asyncio.Event()
        self.is_dropped = False

    def end_wait(self) -> None:
        """
        Note that the wait took too long.
        """
        self.ended.set()

    def drop(self) -> None:
        """
        Note that it was one too many.
        """
        self.is_dropped = True


@pytest.fixture(autouse=True)
def sweeps_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Look at the connections more often than a server does.
    """
    monkeypatch.setattr(sweeping, "SWEEP_SECONDS", 0.02)


@pytest.mark.parametrize("awaits", [awaits for awaits in Awaits if awaits not in {Awaits.NOTHING, Awaits.READER}])
async def test_wait_ends_after_its_own_time(awaits: Awaits) -> None:
    """
    Not before it, and soon after it.
    """
    loop, limits = asyncio.get_running_loop(), ConnectionLimits()
    sweeper = Sweeper(limits)
    late = Waiting(awaits, loop.time() - limits.patience(awaits) - 0.01)
    early = Waiting(awaits, loop.time() - limits.patience(awaits) + 60)
    for connection in (late, early):
        sweeper.watch(connection, loop)
    await asyncio.wait_for(late.ended.wait(), 10)
    assert not early.ended.is_set()


def test_proxies_close_idle_connections_first() -> None:
    """
    Whoever sends requests closes first: nginx and most load balancers after 60 s, as they come.
    """
    assert ConnectionLimits().idle_seconds == Settings.model_fields["idle_timeout_seconds"].default > 60


async def test_whoever_waits_for_the_server_is_never_late() -> None:
    """
    However long the answer takes.
    """
    loop = asyncio.get_running_loop()
    sweeper = Sweeper(ConnectionLimits())
    served, late = Waiting(Awaits.NOTHING, loop.time() - 1e6), Waiting(Awaits.HEAD, loop.time() - 1e6)
    for connection in (served, late):
        sweeper.watch(connection, loop)
    await asyncio.wait_for(late.ended.wait(), 10)
    assert not served.ended.is_set()


async def test_oldest_waits_make_room_for_newcomers() -> None:
    """
    Those who wait longest go; those who are being served stay, and so does the newcomer.
    """
    loop = asyncio.get_running_loop()
    sweeper = Sweeper(ConnectionLimits(most=MOST))
    served = [Waiting(Awaits.NOTHING, -1.0) for _ in range(MOST // 2)]
    waiting = [Waiting(Awaits.TOKEN_BODY, loop.time() + number) for number in range(MOST)]
    for connection in (*served, *waiting):
        sweeper.watch(connection, loop)
    assert [connection.is_dropped for connection in waiting] == [True] * (MOST // 2) + [False] * (MOST // 2)
    assert not any(connection.is_dropped for connection in served)


async def test_newcomer_goes_where_all_are_being_served() -> None:
    """
    There is nobody else to send away, and the files must not run out.
    """
    loop = asyncio.get_running_loop()
    sweeper = Sweeper(ConnectionLimits(most=MOST))
    for _ in range(MOST):
        sweeper.watch(Waiting(Awaits.NOTHING, 0.0), loop)
    newcomer = Waiting(Awaits.HEAD, loop.time())
    sweeper.watch(newcomer, loop)
    assert newcomer.is_dropped


async def test_connection_that_ended_is_forgotten() -> None:
    """
    It is neither counted nor looked at, and where there is none left nobody looks any more.
    """
    loop = asyncio.get_running_loop()
    sweeper = Sweeper(ConnectionLimits(most=1))
    for _ in range(3):
        connection = Waiting(Awaits.HEAD, -1e6)
        sweeper.watch(connection, loop)
        sweeper.forget(connection)
        assert not connection.is_dropped
    last = Waiting(Awaits.HEAD, -1e6)
    sweeper.watch(last, loop)
    await asyncio.wait_for(last.ended.wait(), 10)
    sweeper.forget(last)
    assert sweeper._timer is not None
    sweeper._timer.cancel()
    sweeper._sweep(loop)
    assert sweeper._timer is None


async def test_thousands_of_late_ones_are_ended_a_part_at_a_time() -> None:
    """
    Each once, and the event loop gets a turn in between: all at once they would keep the others waiting.
    """
    loop = asyncio.get_running_loop()
    sweeper = Sweeper(ConnectionLimits())
    late = [Waiting(Awaits.TOKEN_BODY, -1e6) for _ in range(1_000)]
    for connection in late:
        sweeper.watch(connection, loop)
    sweeper._sweep(loop)
    assert 0 < sum(connection.ended.is_set() for connection in late) < 500
    for connection in late:
        await asyncio.wait_for(connection.ended.wait(), 10)
