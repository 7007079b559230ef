"""
The directory under callers who choose what is asked, and when.
"""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import Executor, Future
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.home import ON_SQLITE
from tests.support.shopping import Shopping, ask, ask_as_bot
from watchword.protocol.errors import InvalidClient, TemporarilyUnavailable
from watchword.server.bootstrap import uptime
from watchword.server.domain.names import DEFAULT_TENANT
from watchword.server.storage.changes import Changes, Looker, Mark
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.loader import Kind, Loaded, Loader
from watchword.server.tokens.directory import Directory
from watchword.server.tokens.remembered import LONGEST_ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from watchword.server.context import Context
    from watchword.server.domain.view import View

MOST_LOADS = 20


class Landings(Executor):
    """
    Runs a load when it is told to, so that a test says in which turn of the loop it lands.
    """

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.begun = asyncio.Event()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - as Executor has it
        """
        Keep the load for later.
        """
        assert not kwargs
        future: Future[Any] = Future()
        self.waiting.append((future, fn, args))
        self.begun.set()
        return future

    def land(self) -> None:
        """
        Run the load that has waited longest.
        """
        future, load, args = self.waiting.pop(0)
        future.set_result(load(*args))


class History(Looker):
    """
    A history without a database: how far it has come, and what the next look finds.
    """

    is_immediate = True

    def __init__(self) -> None:
        self.number = 5
        self.changed: list[tuple[str, str]] = []
        self.server = ""
        self.is_broken = False

    def change(self, kind: str, key: str) -> None:
        """
        Let one thing change.
        """
        self.number += 1
        self.changed.append((kind, key))

    def since(self, tenant_id: str, mark: Mark | None) -> Changes:
        """
        Look.
        """
        changed, self.changed = self.changed, []
        joins, self.is_broken = mark is not None and not self.is_broken, False
        return Changes(Mark(self.number, "x"), changed if joins else None, self.server)

    def close(self) -> None:
        """
        Nothing is open.
        """


class Nobody(Loader):
    """
    Finds nothing, at the moment that the history has reached; gives up where the directory asks for ever.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.loads = 0
        self.server: str | None = None
        self.number: int | None = None

    def load(self, tenant_id: str, kind: Kind, keys: Sequence[str]) -> Sequence[Loaded]:
        """
        Find nothing.
        """
        self.loads += len(keys)
        number = self.history.number if self.number is None else self.number
        return [Loaded(number, self.history.server if self.server is None else self.server, None) for _ in keys]


class Spinning(BaseException):
    """
    The directory asks for the same load again and again, without a turn for anybody else.
    """


@pytest.fixture
def no_spinning(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Turn a loop that would never end into a failure.
    """
    shield, asked = asyncio.shield, [0]

    def counted(load: asyncio.Future[object]) -> asyncio.Future[object]:
        asked[0] += 1
        if asked[0] > MOST_LOADS:
            raise Spinning
        return shield(load)

    monkeypatch.setattr(asyncio, "shield", counted)


@pytest.mark.usefixtures("no_spinning")
@pytest.mark.parametrize("turns", range(8))
async def test_load_that_lands_just_before_a_later_request_is_not_waited_for_again(turns: int) -> None:
    """
    In whatever turn of the loop a request finds a load done that began before its look, it begins one of its own.

    Found in a real server: a request that came between the end of a load and its being put away span for ever.
    """
    history, landings = History(), Landings()
    loader = Nobody(history)
    directory = Directory(history, loader, landings, uptime, 100)

    def read(view: View) -> object:
        return view.application("nobody")

    early = asyncio.ensure_future(directory.decide(DEFAULT_TENANT, read))
    await landings.begun.wait()
    landings.land()
    history.change("role", "another")
    for _ in range(turns):
        await asyncio.sleep(0)
    late = asyncio.ensure_future(directory.decide(DEFAULT_TENANT, read))
    while not (early.done() and late.done()):
        await asyncio.sleep(0)
        if landings.waiting:
            landings.land()
    assert early.result() is None
    assert late.result() is None
    assert loader.loads <= 2


@pytest.mark.usefixtures("no_spinning")
@pytest.mark.parametrize("turns", range(8))
async def test_load_that_was_given_up_is_never_remembered(turns: int) -> None:
    """
    What was read before a change is not put away after it, in whatever turn the change is seen.
    """
    history, landings = History(), Landings()
    directory = Directory(history, Nobody(history), landings, uptime, 100)

    def read(view: View) -> object:
        return view.application("nobody")

    early = asyncio.ensure_future(directory.decide(DEFAULT_TENANT, read))
    await landings.begun.wait()
    landings.land()
    history.change("role", "another")
    for _ in range(turns):
        await asyncio.sleep(0)
    late = asyncio.ensure_future(directory.decide(DEFAULT_TENANT, read))
    await asyncio.sleep(0)
    history.change("application", "nobody")
    last = asyncio.ensure_future(directory.decide(DEFAULT_TENANT, read))
    while not (early.done() and late.done() and last.done()):
        await asyncio.sleep(0)
        if landings.waiting:
            landings.land()
    slot = directory._tenants[DEFAULT_TENANT].remembered.find(Kind.APPLICATION, "nobody")
    assert slot is None or slot.number >= history.number


async def test_long_ids_of_nobody_are_not_remembered() -> None:
    """
    Ten thousand ids are remembered as unknown, each of which a caller may make 56 KB long: only short ones are.
    """
    history, landings = History(), Landings()
    loader = Nobody(history)
    directory = Directory(history, loader, landings, uptime, 100)

    async def ask(key: str) -> None:
        def read(view: View) -> object:
            return view.application(key)

        asked = asyncio.ensure_future(directory.decide(DEFAULT_TENANT, read))
        while not asked.done():
            await asyncio.sleep(0)
            if landings.waiting:
                landings.land()
        await asked

    for key in ("a" * LONGEST_ABSENT, "b" * (LONGEST_ABSENT + 1), "c" * 50_000):
        await ask(key)
        await ask(key)
    absent = directory._tenants[DEFAULT_TENANT].remembered.shelves[Kind.APPLICATION].absent
    assert list(absent) == ["a" * LONGEST_ABSENT]
    assert not directory._tenants[DEFAULT_TENANT].remembered.loads
    assert loader.loads == 5


class AtOnce(Executor):
    """
    Runs a load when it is asked for.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 - as Executor has it
        """
        Run it.
        """
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


async def test_what_another_server_knows_is_not_remembered() -> None:
    """
    While two servers can be reached, nothing is granted later from what the wrong one has said.
    """
    history = History()
    loader = Nobody(history)
    directory = Directory(history, loader, AtOnce(), uptime, 100)
    loader.server = "the old one"
    with pytest.raises(StorageUnavailable, match="different database servers"):
        await directory.decide(DEFAULT_TENANT, lambda view: view.application("nobody"))
    remembered = directory._tenants[DEFAULT_TENANT].remembered
    assert remembered.find(Kind.APPLICATION, "nobody") is None
    loader.server = None
    assert await directory.decide(DEFAULT_TENANT, lambda view: view.application("nobody")) is None
    assert remembered.find(Kind.APPLICATION, "nobody") is not None


@pytest.mark.usefixtures("no_spinning")
async def test_database_that_was_set_back_is_no_endless_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A load that knows less than the look before it, whenever it is tried, ends the request.
    """
    monkeypatch.setattr("watchword.server.tokens.directory._MOST_TRIES", 3)
    history = History()
    loader = Nobody(history)
    loader.number = history.number - 1
    directory = Directory(history, loader, AtOnce(), uptime, 100)
    with pytest.raises(TemporarilyUnavailable):
        await asyncio.wait_for(directory.decide(DEFAULT_TENANT, lambda view: view.application("nobody")), 10)
    assert loader.loads == 3


async def test_decision_does_not_outlive_the_history_that_it_began_in() -> None:
    """
    What was loaded before everything was forgotten is not used beside what is loaded afterwards.
    """
    history, landings = History(), Landings()
    loader = Nobody(history)
    directory = Directory(history, loader, landings, uptime, 100)
    looked: list[float] = []

    def read(view: View) -> object:
        looked.append(view.moment.taken_at)
        return view.application("one") or view.application("other")

    early = asyncio.ensure_future(directory.decide(DEFAULT_TENANT, read))
    await landings.begun.wait()
    history.is_broken = True
    history.number = 2
    late = asyncio.ensure_future(directory.decide(DEFAULT_TENANT, read))
    while not (early.done() and late.done()):
        await asyncio.sleep(0)
        if landings.waiting:
            landings.land()
    assert early.result() is late.result() is None
    # The early one began anew, and from the look that found the other history.
    assert looked.count(looked[0]) == 1


@ON_SQLITE
async def test_file_that_was_exchanged_is_another_server(ctx: Context, shopping: Shopping, tmp_path: Path) -> None:
    """
    Looks and loads tell by it whether they have the same file open.
    """
    loader = Loader(ctx.database, ctx.keys)
    with closing(ctx.database.looker()) as looker:
        before = looker.since(DEFAULT_TENANT, None).server
        (loaded,) = loader.load(DEFAULT_TENANT, Kind.APPLICATION, [shopping.application_id])
        assert before == loaded.server != ""
    path = ctx.settings.database
    ctx.database.close()
    shutil.copyfile(path, tmp_path / "copy.db")
    (tmp_path / "copy.db").replace(path)
    with closing(ctx.database.looker()) as looker:
        assert looker.since(DEFAULT_TENANT, None).server != before


async def test_wrong_secret_costs_as_many_loads_as_an_unknown_application(
    ctx: Context, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An application in use is in memory and an unknown id is not: the time of one refusal told the two apart.
    """
    loads: list[str] = []
    load = Loader.load

    def counted(self: Loader, tenant_id: str, kind: Kind, keys: Sequence[str]) -> Sequence[Loaded]:
        loads.extend(keys)
        return load(self, tenant_id, kind, keys)

    await ask_as_bot(ctx, shopping)
    monkeypatch.setattr(Loader, "load", counted)
    costs = []
    for client_id in (shopping.application_id, "nobody"):
        for _ in range(2):
            loads.clear()
            with pytest.raises(InvalidClient):
                await ask(ctx, client_id, "wrong")
            costs.append(len(loads))
    assert costs == [1, 0, 1, 0]
    assert (await ask_as_bot(ctx, shopping)).scope
