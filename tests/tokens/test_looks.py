"""
Looks that are a round trip: who shares which, and what a look at another server leaves of what was remembered.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from watchword.server.domain.view import ApplicationEntry, Moment
from watchword.server.storage.changes import Changes, Mark
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.loader import Kind, Loaded
from watchword.server.tokens import looks
from watchword.server.tokens.looks import ImmediateLooks, RemoteLooks
from watchword.server.tokens.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def database() -> str:
    """
    Run these tests once: there is no database in them.
    """
    return "none"


class Server:
    """
    A looker whose round trips end when a test says so.
    """

    is_immediate = False

    def __init__(self) -> None:
        self.began = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.looks = 0
        self.name = "first"
        self.fail = False
        self.keys: list[tuple[str, str]] = []

    def since(self, tenant_id: str, mark: Mark | None) -> Changes:
        """
        Look, once it is let.
        """
        self.looks += 1
        number = self.looks
        self.began.release()
        assert self.may_end.acquire(timeout=10)
        if self.fail:
            raise StorageUnavailable("away")
        return Changes(Mark(number, "x"), None if mark is None else self.keys, self.name)

    def close(self) -> None:
        """
        Nothing is open.
        """


@pytest.fixture
def server() -> Iterator[Server]:
    """
    Make a server that answers nobody until it is let.
    """
    made = Server()
    yield made
    for _ in range(100):
        made.may_end.release()


@pytest.fixture
def remembered() -> Remembered:
    """
    Remember one application.
    """
    made = Remembered(100)
    made.remember(Kind.APPLICATION, "bot", Loaded(0, "first", _application()))
    return made


@pytest.fixture
def remote(server: Server, remembered: Remembered) -> Iterator[RemoteLooks]:
    """
    Make looks at the server.
    """
    with ThreadPoolExecutor(1) as thread:
        yield RemoteLooks(server, "default", remembered, lambda: 7.0, thread, looked=lambda: None)
        for _ in range(100):
            server.may_end.release()


def _application() -> ApplicationEntry:
    return ApplicationEntry(
        id="bot",
        name="bot",
        type="MachineToMachine",  # type: ignore[arg-type]
        role_ids=(),
        secrets=(),
        origins=frozenset(),
    )


async def _begun(server: Server) -> None:
    assert await asyncio.to_thread(server.began.acquire, timeout=10)


async def test_who_comes_during_a_look_takes_the_next(server: Server, remote: RemoteLooks) -> None:
    """
    A look that began before a request arrived may have missed what was answered before it: it is not for it.
    """
    early = asyncio.ensure_future(remote.take())
    await _begun(server)
    late = [asyncio.ensure_future(remote.take()) for _ in range(5)]
    await asyncio.sleep(0)
    server.may_end.release()
    assert (await early).number == 1
    assert not any(look.done() for look in late)
    await _begun(server)
    server.may_end.release()
    assert [look.number for look in await asyncio.gather(*late)] == [2] * 5
    assert server.looks == 2


async def test_failed_look_is_nobodys_answer_and_the_next_one_is_new(server: Server, remote: RemoteLooks) -> None:
    """
    All who share a failed look hear of it; who comes later looks again.
    """
    server.fail = True
    shared = [asyncio.ensure_future(remote.take()) for _ in range(3)]
    server.may_end.release()
    outcomes = await asyncio.gather(*shared, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StorageUnavailable] * 3
    server.fail = False
    server.may_end.release()
    assert (await remote.take()).number == 2


async def test_who_gives_up_takes_nothing_from_the_others(server: Server, remote: RemoteLooks) -> None:
    """
    A client that hangs up cancels its own wait, and not the look.
    """
    first = asyncio.ensure_future(remote.take())
    second = asyncio.ensure_future(remote.take())
    await _begun(server)
    first.cancel()
    server.may_end.release()
    assert (await second).number == 1


async def test_server_that_says_nothing_holds_nobody_up(
    server: Server, remote: RemoteLooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A look that takes too long fails, and so do those that wait behind it.
    """
    monkeypatch.setattr(looks, "LONGEST_SECONDS", 0.05)
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="has not answered"):
            await remote.take()


async def test_another_server_empties_everything(server: Server, remote: RemoteLooks, remembered: Remembered) -> None:
    """
    A promoted standby may never have heard of what was remembered, whatever its history says.
    """
    remembered.mark, remembered.server = Mark(0, "x"), "first"
    server.may_end.release()
    assert (await remote.take()).moment == Moment(7.0, "first")
    assert remembered.find(Kind.APPLICATION, "bot") is not None
    server.name = "second"
    server.may_end.release()
    assert (await remote.take()).moment == Moment(7.0, "second")
    assert remembered.find(Kind.APPLICATION, "bot") is None


async def test_kind_that_a_newer_version_tells_of_empties_everything(
    server: Server, remote: RemoteLooks, remembered: Remembered
) -> None:
    """
    While nodes are upgraded, an older one hears of changes that it can't place: it believes nothing.
    """
    remembered.mark, remembered.server = Mark(0, "x"), "first"
    server.keys = [("membership", "x")]
    server.may_end.release()
    await remote.take()
    assert remembered.find(Kind.APPLICATION, "bot") is None


async def test_immediate_look_is_shared_within_a_turn_only(server: Server, remembered: Remembered) -> None:
    """
    Requests of one turn had all arrived when it began; the next turn looks again.
    """
    for _ in range(3):
        server.may_end.release()
    immediate = ImmediateLooks(server, "default", remembered, lambda: 1.0, looked=lambda: None)
    assert await immediate.take() is await immediate.take()
    await asyncio.sleep(0)
    assert (await immediate.take()).number == 2
    immediate.take_anew()
    assert (await immediate.take()).number == 3
