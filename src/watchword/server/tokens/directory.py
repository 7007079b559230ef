"""
The directory: what decisions about tokens read, remembered between requests and never stale.

Entries mirror the database and are loaded on first use. Before each decision a *look* asks what has changed and drops
exactly that; what remains is valid. So a change that was answered is seen by the very next token request, on every
process.

A decision waits for nothing. Where it needs what is not remembered it is given up, and made again with that loaded.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

from watchword.protocol.errors import TemporarilyUnavailable
from watchword.server.domain.view import TenantEntry
from watchword.server.storage.changes import Looker
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.loader import Kind, Loaded, Loader
from watchword.server.telemetry.meters import Meters
from watchword.server.tokens.directory_view import DirectoryView, Missing, Outdated
from watchword.server.tokens.loads import Loads
from watchword.server.tokens.looks import ImmediateLooks, Look, Looks, RemoteLooks
from watchword.server.tokens.remembered import Load, Remembered

D = TypeVar("D")

_MOST_TRIES = 20


class _Tenant(NamedTuple):
    """
    What is remembered of a tenant, and the looks that keep it true.
    """

    id: str
    remembered: Remembered
    looks: Looks


class Directory:
    """
    Hands out views. Lives on one event loop.

    Args:
        loader: Loads entries in one reading transaction.
        pool: Where loads run, few at a time.
        uptime: Returns seconds of a clock that never goes back.
        most_entries: How many entries of each kind are remembered of a tenant.
        meters: Where looks and loads are counted; None where nobody wants to know.
    """

    def __init__(
        self,
        looker: Looker,
        loader: Loader,
        pool: Executor,
        uptime: Callable[[], float],
        most_entries: int,
        *,
        meters: Meters | None = None,
    ) -> None:
        self.meters = meters or Meters()
        self._looker = looker
        self._pool = pool
        self._loads = Loads(loader, pool, self.meters)
        self._uptime = uptime
        self._most_entries = most_entries
        self._look_thread = ThreadPoolExecutor(1, thread_name_prefix="look")
        self._tenants: dict[str, _Tenant] = {}

    async def decide(self, tenant_id: str, decision: Callable[[DirectoryView], D]) -> D:
        """
        Make a decision over one moment that is not older than this call.

        Args:
            decision: Run again where it needs what is not there yet, and where moments would mix: it only reads.

        Raises:
            StorageUnavailable: The database can't be read.
            TemporarilyUnavailable: The tenant changes faster than a decision can be made.
        """
        tenant = self._tenants.get(tenant_id) or self._open(tenant_id)
        for _ in range(_MOST_TRIES):
            view = DirectoryView(tenant_id, tenant.remembered, await tenant.looks.take())
            try:
                return await self._decide(tenant, view, decision)
            except Outdated:
                tenant.looks.take_anew()
        raise TemporarilyUnavailable("the server is busy", detail="the tenant changes faster than it can be read")

    async def _decide(self, tenant: _Tenant, view: DirectoryView, decision: Callable[[DirectoryView], D]) -> D:
        while True:
            if tenant.remembered.history != view.look.history:
                raise Outdated
            try:
                return decision(view)
            except Missing as missing:
                kind, keys = missing.kind, missing.keys
            for key, loaded in zip(
                keys, await asyncio.gather(*[self._load(tenant, kind, key, view.look) for key in keys]), strict=True
            ):
                view.add(kind, key, loaded)

    async def _load(self, tenant: _Tenant, kind: Kind, key: str, look: Look) -> Loaded:
        """
        Load an entry that is not remembered, or wait for a load of it that is recent enough.

        Raises:
            StorageUnavailable: The database can't be read, or not where the look was taken.
            Outdated: The look is of a history that is no more.
        """
        loads = tenant.remembered.loads
        is_own = False
        while True:
            load = loads.get((kind, key))
            if load is None:
                is_own = True
                load = Load(self._loads.begin(tenant.id, kind, key))
                loads[kind, key] = load
                load.loaded.add_done_callback(partial(_finish, tenant.remembered, kind, key, load))
            # Shielded: whoever gives up waiting must not take the load away from the others.
            loaded = await asyncio.shield(load.loaded)
            if loaded.server != look.moment.server:
                tenant.remembered.give_up(kind, key, load)
                raise StorageUnavailable("looks and loads reach different database servers")
            if loaded.number >= look.number:
                return loaded
            # It may be done and not yet put away: to wait for it once more would be to spin, and the loop would stand.
            tenant.remembered.give_up(kind, key, load)
            if is_own:  # it began after the look and knows less: the database was set back meanwhile
                raise Outdated

    def last_known_tenant(self, tenant_id: str) -> TenantEntry | None:
        """
        Return a tenant as it was when it was last read: for what must be answered while the database is away.
        """
        tenant = self._tenants.get(tenant_id)
        return None if tenant is None else tenant.remembered.last_known

    def close(self) -> None:
        """
        Finish the looks and loads under way, and close the looking connection.
        """
        self._pool.shutdown()
        self._look_thread.shutdown()
        self._looker.close()

    def _open(self, tenant_id: str) -> _Tenant:
        remembered = Remembered(self._most_entries)
        looked = partial(self._looked, remembered)
        if self._looker.is_immediate:
            looks: Looks = ImmediateLooks(self._looker, tenant_id, remembered, self._uptime, looked=looked)
        else:
            looks = RemoteLooks(self._looker, tenant_id, remembered, self._uptime, self._look_thread, looked=looked)
        tenant = self._tenants[tenant_id] = _Tenant(tenant_id, remembered, looks)
        return tenant

    def _looked(self, remembered: Remembered) -> None:
        self.meters.looked(hits=remembered.hits, recalled=remembered.recalled)
        remembered.hits = remembered.recalled = 0


def _finish(remembered: Remembered, kind: Kind, key: str, load: Load, done: "asyncio.Future[Loaded]") -> None:
    if remembered.loads.get((kind, key)) is load:
        del remembered.loads[kind, key]
    if done.cancelled() or done.exception() is not None or not load.keep:
        return
    loaded = done.result()
    if loaded.server == remembered.server:  # what another server knows is not what the next look tells of
        remembered.remember(kind, key, loaded)
