"""
Looks: before each decision, what has changed? One look serves all requests that had arrived when it began.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import NamedTuple, Protocol

from watchword.server.domain.view import Moment
from watchword.server.storage.changes import Changes, Looker
from watchword.server.storage.database import StorageUnavailable
from watchword.server.tokens.remembered import Remembered

LONGEST_SECONDS = 5.0


class Look(NamedTuple):
    """
    What a look came to: what is remembered is true at this moment, up to this change.

    Attributes:
        history: Of what is remembered: as long as it is that one, its numbers can be compared with this one.
    """

    number: int
    moment: Moment
    history: int


class Looks(Protocol):
    """
    The looks at one tenant.
    """

    async def take(self) -> Look:
        """
        Return a look that began no earlier than this call, and forget what it saw change.

        Raises:
            StorageUnavailable: The database can't be read.
        """

    def take_anew(self) -> None:
        """
        Let the next call look again, even where it could share a look.
        """


class _Looks:
    """
    What all looks at a tenant have in common.

    Args:
        uptime: Returns seconds of a clock that never goes back.
        looked: Told of each look that succeeded.
    """

    def __init__(
        self,
        looker: Looker,
        tenant_id: str,
        remembered: Remembered,
        uptime: Callable[[], float],
        *,
        looked: Callable[[], None],
    ) -> None:
        self._looker = looker
        self._tenant_id = tenant_id
        self._remembered = remembered
        self._uptime = uptime
        self._looked = looked

    def _saw(self, changes: Changes, taken_at: float) -> Look:
        self._remembered.apply(changes)
        self._looked()
        return Look(changes.mark.number, Moment(taken_at, changes.server), self._remembered.history)


class ImmediateLooks(_Looks):
    """
    Looks in the event loop's own thread.

    Requests that the event loop runs in one turn share a look: all of them had arrived when the turn began.
    """

    _look: Look | None = None

    async def take(self) -> Look:
        """
        Look, unless it was done in this turn.
        """
        if self._look is None:
            taken_at = self._uptime()
            changes = self._looker.since(self._tenant_id, self._remembered.mark)
            self._look = self._saw(changes, taken_at)
            asyncio.get_running_loop().call_soon(self.take_anew)
        return self._look

    def take_anew(self) -> None:
        """
        Forget this turn's look.
        """
        self._look = None


class RemoteLooks(_Looks):
    """
    Looks that are a round trip, on a thread of their own: one at a time, and who comes meanwhile shares the next.
    """

    def __init__(
        self,
        looker: Looker,
        tenant_id: str,
        remembered: Remembered,
        uptime: Callable[[], float],
        thread: Executor,
        *,
        looked: Callable[[], None],
    ) -> None:
        super().__init__(looker, tenant_id, remembered, uptime, looked=looked)
        self._thread = thread
        self._under_way: asyncio.Task[Look] | None = None
        self._next: asyncio.Task[Look] | None = None

    async def take(self) -> Look:
        """
        Wait for the next look.
        """
        if self._next is None:
            self._next = asyncio.ensure_future(self._look())
        # Shielded: whoever gives up waiting must not take the look away from the others.
        return await asyncio.shield(self._next)

    def take_anew(self) -> None:
        """
        There is nothing to do: each call takes a look that begins later.
        """

    async def _look(self) -> Look:
        if self._under_way is not None and not self._under_way.done():
            await asyncio.wait([self._under_way])
        self._under_way, self._next = self._next, None
        taken_at = self._uptime()
        look = asyncio.get_running_loop().run_in_executor(
            self._thread, self._looker.since, self._tenant_id, self._remembered.mark
        )
        try:
            # A server that says nothing holds up its look, and must not hold up the requests.
            changes = await asyncio.wait_for(look, LONGEST_SECONDS)
        except TimeoutError:
            raise StorageUnavailable(f"the database has not answered for {LONGEST_SECONDS:.0f} seconds") from None
        return self._saw(changes, taken_at)
