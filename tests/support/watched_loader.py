"""
A loader of entries that tests look at, hold up and let fail.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from watchword.server.storage.loader import Kind, Loaded, Loader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.server.context import Context


class WatchedLoader(Loader):
    """
    Notes what was asked for together, waits for its gate behind each load, and fails where it is told to.

    Attributes:
        began: Set as soon as something was loaded.
        faults: What to raise, by the key that is asked for.
    """

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx.database, ctx.keys)
        self.batches: list[tuple[Kind, Sequence[str]]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.faults: dict[str, Exception] = {}

    @property
    def loads(self) -> list[tuple[Kind, str]]:
        """
        Each entry that was asked for, in order.
        """
        return [(kind, key) for kind, keys in self.batches for key in keys]

    def load(self, tenant_id: str, kind: Kind, keys: Sequence[str]) -> Sequence[Loaded]:
        """
        Load as usual, then wait for the gate.
        """
        self.batches.append((kind, keys))
        for key in keys:
            if key in self.faults:
                raise self.faults[key]
        found = super().load(tenant_id, kind, keys)
        self.began.set()
        self.gate.wait(10)
        return found
