"""
What the directory remembers of a tenant: entries that mirror the database, each until a look sees it change.
"""

import asyncio
from collections.abc import Iterable

from watchword.server.domain.view import ResourceEntry, TenantEntry
from watchword.server.storage.changes import Changes, Mark
from watchword.server.storage.loader import Kind, Loaded

MOST_ENTRIES = 100_000
MOST_ABSENT = 10_000
LONGEST_ABSENT = 256
_KINDS = frozenset(Kind)


class _Shelf:
    """
    The slots of one kind. Those of absent things are bounded apart: callers choose the strings that they ask for.
    """

    def __init__(self) -> None:
        self.present: dict[str, Loaded] = {}
        self.absent: dict[str, Loaded] = {}

    def get(self, key: str) -> Loaded | None:
        return self.present.get(key) or self.absent.get(key)

    def put(self, key: str, slot: Loaded) -> None:
        if slot.entry is None and len(key) > LONGEST_ABSENT:
            return
        slots, most = (self.absent, MOST_ABSENT) if slot.entry is None else (self.present, MOST_ENTRIES)
        if len(slots) >= most:
            del slots[next(iter(slots))]
        slots[key] = slot

    def drop(self, key: str) -> None:
        self.present.pop(key, None)
        self.absent.pop(key, None)


class Load:
    """
    A load under way, shared by all who want the same entry.
    """

    def __init__(self, task: "asyncio.Task[Loaded]") -> None:
        self.task = task
        self.keep = True


class Remembered:
    """
    All that is remembered of one tenant, and what is on its way.
    """

    def __init__(self) -> None:
        self.mark: Mark | None = None
        self.server = ""
        self.shelves = {kind: _Shelf() for kind in Kind}
        self.indicators: dict[str, str] = {}
        self.loads: dict[tuple[Kind, str], Load] = {}
        self.last_known: TenantEntry | None = None

    def apply(self, changes: Changes) -> None:
        """
        Forget what a look saw change. Where the look joins nothing that went before, that is everything.
        """
        if changes.keys is None or changes.server != self.server:
            self._forget_everything()
        elif changes.keys:
            self._forget(changes.keys)
        self.mark, self.server = changes.mark, changes.server

    def _forget(self, changed: Iterable[tuple[str, str]]) -> None:
        # A load under way that may have missed the change is not kept either.
        for kind, key in changed:
            match kind:
                case "resource":
                    self._forget_resource(key)
                case "resource_indicator":
                    self._drop(Kind.RESOURCE, key)
                case _ if kind in _KINDS:
                    self._drop(Kind(kind), key)
                case _:
                    # A newer version, beside this one while nodes are upgraded, tells of what this one doesn't know.
                    self._forget_everything()

    def _forget_everything(self) -> None:
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

    def give_up(self, kind: Kind, key: str, load: Load) -> None:
        """
        Let a load that began too early be, so that who needs a later one begins it.
        """
        if self.loads.get((kind, key)) is load:
            del self.loads[kind, key]
            load.keep = False

    def remember(self, kind: Kind, key: str, slot: Loaded) -> None:
        """
        Keep what was loaded.
        """
        self.shelves[kind].put(key, slot)
        if isinstance(slot.entry, ResourceEntry):
            self.indicators[slot.entry.id] = key
        elif isinstance(slot.entry, TenantEntry):
            self.last_known = slot.entry
