"""
The directory: what decisions about tokens read, remembered between requests and never stale.

Entries mirror the database and are loaded on first use. Before each decision a *look* asks what has changed and drops
exactly that; what remains is valid. So a change that was answered is seen by the very next token request, on every
process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar, cast

from watchword.protocol.errors import TemporarilyUnavailable
from watchword.protocol.names import Algorithm
from watchword.server.domain.signing_keys import SigningKey, current_key
from watchword.server.domain.view import ApplicationEntry, ResourceEntry, RoleEntry, TenantEntry, View
from watchword.server.storage.changes import Looker, Mark
from watchword.server.storage.loader import Entry, Kind, Loader

D = TypeVar("D")

MOST_ENTRIES = 100_000
MOST_ABSENT = 10_000
LONGEST_ABSENT = 256
_MOST_TRIES = 20


class _Outdated(Exception):
    """
    Something was loaded that is newer than the look that a decision began with: decide anew, from a new look.
    """


@dataclass(frozen=True, slots=True)
class _Slot:
    """
    An entry, or the knowledge that there is none, and the tenant's change number when it was loaded.
    """

    number: int
    entry: Entry | None


class _Shelf:
    """
    The slots of one kind. Those of absent things are bounded apart: callers choose the strings that they ask for.
    """

    def __init__(self) -> None:
        self.present: dict[str, _Slot] = {}
        self.absent: dict[str, _Slot] = {}

    def get(self, key: str) -> _Slot | None:
        return self.present.get(key) or self.absent.get(key)

    def put(self, key: str, slot: _Slot) -> None:
        if slot.entry is None and len(key) > LONGEST_ABSENT:
            return
        slots, most = (self.absent, MOST_ABSENT) if slot.entry is None else (self.present, MOST_ENTRIES)
        if len(slots) >= most:
            del slots[next(iter(slots))]
        slots[key] = slot

    def drop(self, key: str) -> None:
        self.present.pop(key, None)
        self.absent.pop(key, None)


class _Load:
    """
    A load under way, shared by all who want the same entry.
    """

    def __init__(self, task: "asyncio.Task[_Slot]") -> None:
        self.task = task
        self.keep = True


class _Tenant:
    """
    All that is remembered of one tenant.
    """

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self.view: DirectoryView | None = None
        self.shelves = {kind: _Shelf() for kind in Kind}
        self.indicators: dict[str, str] = {}
        self.loads: dict[tuple[Kind, str], _Load] = {}

    def end_turn(self) -> None:
        """
        Let the next request look anew.
        """
        self.view = None

    def forget(self, changed: Iterable[tuple[str, str]]) -> None:
        """
        Drop what changed, and see to it that a load under way that may have missed the change is not kept.
        """
        for kind, key in changed:
            match kind:
                case "resource":
                    self._forget_resource(key)
                case "resource_indicator":
                    self._drop(Kind.RESOURCE, key)
                case _:
                    self._drop(Kind(kind), key)

    def forget_everything(self) -> None:
        """
        Drop all entries.
        """
        self.shelves = {kind: _Shelf() for kind in Kind}
        self.indicators.clear()
        for load in self.loads.values():
            load.keep = False
        self.loads.clear()

    def _drop(self, kind: Kind, key: str) -> None:
        self.shelves[kind].drop(key)
        load = self.loads.pop((kind, key), None)
        if load is not None:
            load.keep = False

    def _forget_resource(self, resource_id: str) -> None:
        # Entries of resources are known by indicator; a load under way has not told its id yet: it might be this one.
        indicator = self.indicators.pop(resource_id, None)
        if indicator is not None:
            self._drop(Kind.RESOURCE, indicator)
        for kind, key in [key for key in self.loads if key[0] is Kind.RESOURCE]:
            self._drop(kind, key)

    def give_up(self, kind: Kind, key: str, load: _Load) -> None:
        """
        Let a load that began too early be, so that who needs a later one begins it.
        """
        if self.loads.get((kind, key)) is load:
            del self.loads[kind, key]
            load.keep = False

    def remember(self, kind: Kind, key: str, slot: _Slot) -> None:
        """
        Keep what was loaded.
        """
        self.shelves[kind].put(key, slot)
        if isinstance(slot.entry, ResourceEntry):
            self.indicators[slot.entry.id] = key


class Directory:
    """
    Hands out views. Lives on one event loop.

    Args:
        loader: Loads one entry in one reading transaction.
        pool: Where loads run, few at a time.
    """

    def __init__(self, looker: Looker, loader: Loader, pool: Executor) -> None:
        self._looker = looker
        self._loader = loader
        self._pool = pool
        self._tenants: dict[str, _Tenant] = {}

    async def decide(self, tenant_id: str, decision: Callable[[View], Awaitable[D]]) -> D:
        """
        Run a decision over one moment that is not older than this call; run it anew where moments would mix.

        Raises:
            StorageUnavailable: The database can't be read.
            TemporarilyUnavailable: The tenant changes faster than a decision can be made.
        """
        for _ in range(_MOST_TRIES):
            try:
                return await decision(self._look(tenant_id))
            except _Outdated:
                self._tenants[tenant_id].end_turn()
        raise TemporarilyUnavailable("the server is busy", detail="the tenant changes faster than it can be read")

    def _look(self, tenant_id: str) -> "DirectoryView":
        """
        See what has changed, forget that, and return a view of this moment.

        Requests that the event loop runs in one turn share a look: all of them had arrived when the turn began.
        """
        tenant = self._tenants.get(tenant_id)
        if tenant is None:
            tenant = self._tenants[tenant_id] = _Tenant()
        if tenant.view is None:
            tenant.view = self._look_anew(tenant_id, tenant)
            asyncio.get_running_loop().call_soon(tenant.end_turn)
        return tenant.view

    def _look_anew(self, tenant_id: str, tenant: _Tenant) -> "DirectoryView":
        changes = self._looker.since(tenant_id, tenant.mark)
        if changes.keys is None:
            tenant.forget_everything()
        elif changes.keys:
            tenant.forget(changes.keys)
        tenant.mark = changes.mark
        return DirectoryView(self, tenant_id, tenant, changes.mark.number)

    async def load(self, tenant_id: str, tenant: _Tenant, kind: Kind, key: str, number: int) -> _Slot:
        """
        Load an entry that is not remembered, or wait for a load of it that is recent enough.
        """
        while True:
            load = tenant.loads.get((kind, key))
            if load is None:
                load = _Load(asyncio.ensure_future(self._fetch(tenant_id, kind, key)))
                tenant.loads[kind, key] = load
                load.task.add_done_callback(partial(_finish, tenant, kind, key, load))
            # Shielded: whoever gives up waiting must not take the load away from the others.
            slot = await asyncio.shield(load.task)
            if slot.number >= number:
                return slot
            # It may be done and not yet put away: to wait for it once more would be to spin, and the loop would stand.
            tenant.give_up(kind, key, load)

    async def _fetch(self, tenant_id: str, kind: Kind, key: str) -> _Slot:
        loop = asyncio.get_running_loop()
        number, entry = await loop.run_in_executor(self._pool, self._loader.load, tenant_id, kind, key)
        return _Slot(number, entry)

    def close(self) -> None:
        """
        Finish the loads under way, and close the looking connection.
        """
        self._pool.shutdown()
        self._looker.close()


def _finish(tenant: _Tenant, kind: Kind, key: str, load: _Load, task: "asyncio.Task[_Slot]") -> None:
    if tenant.loads.get((kind, key)) is load:
        del tenant.loads[kind, key]
    if load.keep and not task.cancelled() and task.exception() is None:
        tenant.remember(kind, key, task.result())


class DirectoryView:
    """
    What is true at the moment of one look.
    """

    __slots__ = ("_directory", "_id", "_number", "_tenant")

    def __init__(self, directory: Directory, tenant_id: str, tenant: _Tenant, number: int) -> None:
        self._directory = directory
        self._id = tenant_id
        self._tenant = tenant
        self._number = number

    async def tenant(self) -> TenantEntry:
        """
        Return the tenant.
        """
        slot = self._remembered(Kind.TENANT, self._id) or await self._load(Kind.TENANT, self._id)
        if slot.entry is None:
            raise TemporarilyUnavailable("the server is not set up", detail=f"there is no tenant {self._id}")
        return cast("TenantEntry", slot.entry)

    async def application(self, application_id: str) -> ApplicationEntry | None:
        """
        Return an application, or None.
        """
        slot = self._remembered(Kind.APPLICATION, application_id) or await self._load(Kind.APPLICATION, application_id)
        return cast("ApplicationEntry | None", slot.entry)

    async def miss_application(self, application_id: str) -> None:
        """
        Take the time that looking for an application takes when there is none of this id: long at first, short later.
        """
        nobody = f"{application_id}\0"  # no id holds a NUL: requests with one are refused
        self._remembered(Kind.APPLICATION, nobody) or await self._load(Kind.APPLICATION, nobody)

    async def roles(self, application: ApplicationEntry) -> tuple[RoleEntry, ...]:
        """
        Return the roles of an application.
        """
        found = []
        for role_id in application.role_ids:
            slot = self._remembered(Kind.ROLE, role_id) or await self._load(Kind.ROLE, role_id)
            if slot.entry is not None:
                found.append(cast("RoleEntry", slot.entry))
        return tuple(found)

    async def resource(self, indicator: str) -> ResourceEntry | None:
        """
        Return the API resource with exactly this indicator, or None.
        """
        slot = self._remembered(Kind.RESOURCE, indicator) or await self._load(Kind.RESOURCE, indicator)
        return cast("ResourceEntry | None", slot.entry)

    async def is_member(self, application: ApplicationEntry, organization_id: str) -> bool:
        """
        Tell whether an application belongs to an organization. There are no organizations yet, so it never does.
        """
        del application, organization_id
        return False

    async def signing_key(self, algorithm: Algorithm | None, now: datetime) -> SigningKey:
        """
        Return the key that signs now.

        Raises:
            TemporarilyUnavailable: There is none.
        """
        tenant = await self.tenant()
        wanted = algorithm or tenant.signing_algorithm
        key = current_key(tenant.keys, wanted, now)
        if key is None:
            raise TemporarilyUnavailable("the server can't sign now", detail=f"no key signs with {wanted}")
        return key

    def _remembered(self, kind: Kind, key: str) -> _Slot | None:
        slot = self._tenant.shelves[kind].get(key)
        if slot is not None and slot.number > self._number:
            raise _Outdated
        return slot

    async def _load(self, kind: Kind, key: str) -> _Slot:
        slot = await self._directory.load(self._id, self._tenant, kind, key, self._number)
        if slot.number > self._number:
            raise _Outdated
        return slot
