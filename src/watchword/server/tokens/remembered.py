"""
What the directory remembers of a tenant: entries that mirror the database, and what was decided by them.

An entry stays until a look sees it change, a decision until a look sees any change.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from watchword.server.domain.view import ResourceEntry, TenantEntry
from watchword.server.storage.changes import Changes, Mark
from watchword.server.storage.loader import Kind, Loaded
from watchword.server.tokens.decisions import MOST_DECISIONS, Decisions

MOST_ABSENT = 10_000
LONGEST_ABSENT = 256
_KINDS = frozenset(Kind)


class _Shelf:
    """
    The slots of one kind, the one used longest ago first.

    Those of absent things are bounded apart: callers choose the strings that they ask for.
    """

    def __init__(self, most_entries: int) -> None:
        self._most_entries = most_entries
        # Ordered dicts: to take the oldest from an ordinary one is to walk over all that was taken before.
        self.present: OrderedDict[str, Loaded] = OrderedDict()
        self.absent: OrderedDict[str, Loaded] = OrderedDict()

    def put(self, key: str, slot: Loaded) -> Loaded | None:
        """
        Keep a slot; return the one that had to go for it.
        """
        if slot.entry is None and len(key) > LONGEST_ABSENT:
            return None
        slots, most = (self.absent, MOST_ABSENT) if slot.entry is None else (self.present, self._most_entries)
        slots[key] = slot
        return slots.popitem(last=False)[1] if len(slots) > most else None

    def drop(self, key: str) -> None:
        self.present.pop(key, None)
        self.absent.pop(key, None)


class Load:
    """
    A load under way, shared by all who want the same entry.
    """

    def __init__(self, loaded: "asyncio.Future[Loaded]") -> None:
        self.loaded = loaded
        self.keep = True


class Remembered:
    """
    All that is remembered of one tenant, and what is on its way.

    Args:
        most_entries: How many entries of each kind; who needs another lets go of the one used longest ago.

    Attributes:
        hits: How often an entry was found, since the last look.
        recalled: How often a decision was, likewise.
        history: Grows whenever everything is forgotten: numbers from before and after can't be compared.
    """

    def __init__(self, most_entries: int) -> None:
        self._most_entries = most_entries
        self.history = 0
        self.mark: Mark | None = None
        self.server = ""
        self.shelves = {kind: _Shelf(self._most_entries) for kind in Kind}
        self.indicators: dict[str, str] = {}
        self.loads: dict[tuple[Kind, str], Load] = {}
        self.decisions = Decisions(min(most_entries, MOST_DECISIONS))
        self.last_known: TenantEntry | None = None
        self.hits = self.recalled = 0

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
        # Which decision has read what, nobody notes: all are made anew. They are quick to make, and changes are rare.
        self.decisions.clear()
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
        self.history += 1
        self.decisions.clear()
        self.shelves = {kind: _Shelf(self._most_entries) for kind in Kind}
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
        Let a load that began too early be, and what it may have left here, so that who needs a later one begins it.
        """
        self.shelves[kind].drop(key)
        if self.loads.get((kind, key)) is load:
            del self.loads[kind, key]
            load.keep = False

    def find(self, kind: Kind, key: str) -> Loaded | None:
        """
        Return what is remembered of an entry, or None.
        """
        shelf = self.shelves[kind]
        slot = shelf.present.get(key)
        if slot is not None:
            shelf.present.move_to_end(key)
        else:
            slot = shelf.absent.get(key)
            if slot is None:
                return None
        self.hits += 1
        return slot

    def remember(self, kind: Kind, key: str, slot: Loaded) -> None:
        """
        Keep what was loaded.
        """
        gone = self.shelves[kind].put(key, slot)
        if gone is not None and isinstance(gone.entry, ResourceEntry):
            self.indicators.pop(gone.entry.id, None)
        if isinstance(slot.entry, ResourceEntry):
            self.indicators[slot.entry.id] = key
        elif isinstance(slot.entry, TenantEntry):
            self.last_known = slot.entry
