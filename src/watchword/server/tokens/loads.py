"""
Loads of entries that are not remembered: those that are asked for while others are under way are made together.

Sixteen applications at once take a quarter of what they take one by one: most of a load is the way to the database.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import NamedTuple

from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.loader import Kind, Loaded, Loader
from watchword.server.telemetry.meters import Meters

MOST_TOGETHER = 64
# Of each kind. One that hangs leaves the other; more of them would each find less to load together.
_AT_ONCE = 2


class _Asked(NamedTuple):
    key: str
    loaded: "asyncio.Future[Loaded]"


class _Kind:
    """
    What is asked for of one kind, and how many are at work on it.
    """

    def __init__(self) -> None:
        self.waiting: list[_Asked] = []
        self.at_work = 0


class Loads:
    """
    Loads that share transactions. Lives on one event loop.

    Args:
        pool: Where they run.
    """

    def __init__(self, loader: Loader, pool: Executor, meters: Meters) -> None:
        self._loader = loader
        self._pool = pool
        self._meters = meters
        self._kinds: dict[tuple[str, Kind], _Kind] = {}
        self._tasks: set[asyncio.Task[None]] = set()  # the event loop alone would let go of them

    def begin(self, tenant_id: str, kind: Kind, key: str) -> "asyncio.Future[Loaded]":
        """
        Load an entry, in a transaction that begins after this call.

        Returns:
            What comes of it, maybe a StorageUnavailable.
        """
        loaded: asyncio.Future[Loaded] = asyncio.get_running_loop().create_future()
        asked = self._kinds.setdefault((tenant_id, kind), _Kind())
        asked.waiting.append(_Asked(key, loaded))
        if asked.at_work < _AT_ONCE:
            asked.at_work += 1
            task = asyncio.ensure_future(self._work(tenant_id, kind, asked))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return loaded

    async def _work(self, tenant_id: str, kind: Kind, asked: _Kind) -> None:
        try:
            while asked.waiting:
                together, asked.waiting = asked.waiting[:MOST_TOGETHER], asked.waiting[MOST_TOGETHER:]
                await self._load(tenant_id, kind, together)
        finally:
            # Now, and not when the task is done: who asks between the two must not wait for somebody who has gone.
            asked.at_work -= 1

    async def _load(self, tenant_id: str, kind: Kind, together: Sequence[_Asked]) -> None:
        try:
            found = await self._found(tenant_id, kind, [one.key for one in together])
        except Exception as error:  # noqa: BLE001 - it is theirs who wait
            if len(together) > 1 and not isinstance(error, StorageUnavailable):
                # What is wrong with one entry must not keep the others away.
                for one in together:
                    await self._load(tenant_id, kind, [one])
                return
            for one in together:
                one.loaded.set_exception(error)
            return
        for one, loaded in zip(together, found, strict=True):
            one.loaded.set_result(loaded)

    async def _found(self, tenant_id: str, kind: Kind, keys: Sequence[str]) -> Sequence[Loaded]:
        loop = asyncio.get_running_loop()
        with self._meters.load(kind, len(keys)):
            return await loop.run_in_executor(self._pool, self._loader.load, tenant_id, kind, keys)
