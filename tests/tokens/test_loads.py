"""
Loads that share transactions: what is asked for together is found together, and nobody waits for another's fault.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.watched_loader import WatchedLoader
from watchword.server.domain.names import DEFAULT_TENANT, ApplicationType
from watchword.server.operations import applications
from watchword.server.operations.applications import NewApplication
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.loader import Kind, Loaded, Loader
from watchword.server.telemetry.meters import Meters
from watchword.server.tokens import loads
from watchword.server.tokens.loads import Loads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.shopping import Shopping
    from watchword.server.context import Context


@pytest.fixture
def watched(ctx: Context) -> WatchedLoader:
    """
    Make a loader that is watched.
    """
    return WatchedLoader(ctx)


@pytest.fixture
def shared(watched: WatchedLoader) -> Iterator[Loads]:
    """
    Make loads of its own, over the same database.
    """
    with ThreadPoolExecutor(4) as pool:
        yield Loads(watched, pool, Meters())
        watched.gate.set()


def begin(shared: Loads, *keys: str, kind: Kind = Kind.APPLICATION) -> list[asyncio.Future[Loaded]]:
    """
    Ask for entries within one turn.
    """
    return [shared.begin(DEFAULT_TENANT, kind, key) for key in keys]


def machine(name: str) -> NewApplication:
    """
    Describe an application with a secret.
    """
    return NewApplication(name=name, type=ApplicationType.MACHINE_TO_MACHINE)


async def test_what_is_asked_for_meanwhile_is_loaded_together(shared: Loads, watched: WatchedLoader) -> None:
    """
    Two loads are under way at most; all who come meanwhile share those after, each no more than there is room for.
    """
    watched.gate.clear()
    number = 2 * loads.MOST_TOGETHER
    asked = begin(shared, "first")
    await asyncio.sleep(0)
    asked += begin(shared, "second")
    await asyncio.sleep(0)
    asked += begin(shared, *(f"other{n}" for n in range(number)))
    await asyncio.sleep(0)
    watched.gate.set()
    found = await asyncio.gather(*asked)
    assert [loaded.entry for loaded in found] == [None] * (number + 2)
    assert Counter(len(keys) for _, keys in watched.batches) == {1: 2, loads.MOST_TOGETHER: 2}


async def test_each_gets_what_it_asked_for(ctx: Context, shared: Loads, shopping: Shopping) -> None:
    """
    Applications with their own secrets and roles, in the order of the requests, beside ids that nobody has.
    """
    others = [applications.create(shopping.acting, machine(f"n{n}"))[0] for n in range(3)]
    keys = [others[2].id, "nobody", shopping.application_id, "no\0body", others[0].id, others[1].id]
    together = await asyncio.gather(*begin(shared, *keys))
    alone = Loader(ctx.database, ctx.keys)
    assert together == [alone.load(DEFAULT_TENANT, Kind.APPLICATION, [key])[0] for key in keys]
    names = [None if loaded.entry is None else getattr(loaded.entry, "name", None) for loaded in together]
    assert names == ["n2", None, "shop-bot", None, "n0", "n1"]
    (bot,) = (loaded.entry for loaded in together if getattr(loaded.entry, "name", None) == "shop-bot")
    assert getattr(bot, "role_ids", None) == (shopping.role_id,)


async def test_what_is_wrong_with_one_keeps_no_other_away(
    shared: Loads, watched: WatchedLoader, shopping: Shopping
) -> None:
    """
    A row that can't be read fails whoever asks for it.
    """
    watched.faults = {"broken": ValueError("not ours")}
    good, broken, other = await asyncio.gather(
        *begin(shared, shopping.application_id, "broken", "nobody"), return_exceptions=True
    )
    assert isinstance(good, Loaded)
    assert good.entry is not None
    assert isinstance(other, Loaded)
    assert isinstance(broken, ValueError)


async def test_database_that_is_away_is_asked_once(shared: Loads, watched: WatchedLoader) -> None:
    """
    Nobody tries one by one what none can have.
    """
    watched.faults = {"b": StorageUnavailable("away")}
    found = await asyncio.gather(*begin(shared, "a", "b", "c"), return_exceptions=True)
    assert [type(one) for one in found] == [StorageUnavailable] * 3
    assert watched.batches == [(Kind.APPLICATION, ["a", "b", "c"])]
    watched.faults = {}
    assert (await begin(shared, "a")[0]).entry is None


async def test_load_that_hangs_leaves_another_way(shared: Loads, watched: WatchedLoader) -> None:
    """
    Another kind, and another load of the same kind, go on beside it.
    """
    gate = watched.gate
    gate.clear()
    (hanging,) = begin(shared, "hangs")
    await asyncio.to_thread(watched.began.wait, 10)
    watched.gate = threading.Event()  # another, for those that come now
    watched.gate.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*begin(shared, "a"), *begin(shared, "a", kind=Kind.ROLE))
    assert not hanging.done()
    gate.set()
    await hanging


async def test_who_asks_as_the_last_load_ends_is_not_forgotten(
    shared: Loads, watched: WatchedLoader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever hears of an entry and asks for another one at once finds nobody at work any more.
    """
    monkeypatch.setattr(loads, "_AT_ONCE", 1)
    async with asyncio.timeout(5):
        for number in range(20):
            await begin(shared, f"nobody{number}")[0]
    assert len(watched.batches) == 20
