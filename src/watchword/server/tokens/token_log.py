"""
The token log: a token leaves only after its record is durable.

Concurrent requests share a commit. The first record of a batch lets the event loop turn a few times, so that what has
arrived gets decided and signed meanwhile; then one thread commits. A lone request waits for nobody.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from watchword.protocol.errors import OAuthError, TemporarilyUnavailable
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.events import Event, Origin
from watchword.server.domain.limits import Limits
from watchword.server.domain.view import Moment
from watchword.server.storage.token_records import Record, TokenRecords
from watchword.server.storage.types import to_microseconds
from watchword.server.tokens.batch_writer import TOO_LATE, Batch, BatchWriter, Outcomes, record_of
from watchword.server.tokens.refusals import Refusals

TURNS = 4
_NOTE_USE_EVERY = timedelta(minutes=1)
_MOST_NOTED = 100_000

Waiting = tuple[Record, "asyncio.Future[None]"]


class TokenLog:
    """
    Appends records, in batches, on a thread of its own. Lives on one event loop.

    Args:
        clock: Returns the time, an aware UTC datetime.
        uptime: Returns seconds of a clock that never goes back.
        room_for_refusals: Tells whether the disk has more room than tokens will need.
    """

    def __init__(
        self,
        records: TokenRecords,
        clock: Callable[[], datetime],
        uptime: Callable[[], float],
        *,
        room_for_refusals: Callable[[], bool] = lambda: True,
    ) -> None:
        self._clock = clock
        self._noted: dict[tuple[str, str, str], datetime] = {}
        self._waiting: list[Waiting] = []
        self._busy = False
        self._writer = BatchWriter(records, uptime)
        self._refusals = Refusals(self._writer, clock, room_for_refusals)
        self._appended = 0  # since a refusal was last judged

    async def append(
        self,
        tenant_id: str,
        event: Event,
        *,
        moment: Moment | None = None,
        used_secret: tuple[str, str] | None = None,
    ) -> None:
        """
        Return once the record is durable.

        Args:
            moment: The moment of the view that granted a token; None where nothing was granted.
            used_secret: Application id and secret id, where a secret was used with success.

        Raises:
            TemporarilyUnavailable: It can't be made durable now.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((self._record(tenant_id, event, moment, used_secret), done))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._turn, loop, TURNS)
        await done

    async def refuse(
        self, tenant_id: str, seen: Seen, refusal: OAuthError, *, came_from: Origin, limits: Limits
    ) -> OAuthError:
        """
        Record or count a refusal, and return what to answer: the refusal, or a 429 in its place.

        Where it can't be recorded it is counted: the caller learns why it was refused in any case.
        """
        appended, self._appended = self._appended, 0
        return await self._refusals.take(tenant_id, seen, refusal, came_from=came_from, limits=limits, tokens=appended)

    def close(self) -> None:
        """
        Finish what is under way and stop.
        """
        self._writer.close(self._refusals.last_records)

    def _record(
        self, tenant_id: str, event: Event, moment: Moment | None, used_secret: tuple[str, str] | None
    ) -> Record:
        now = self._clock()
        if used_secret is None or not self._is_news((tenant_id, *used_secret), now):
            return record_of(tenant_id, event, now, moment=moment)
        return record_of(tenant_id, event, now, moment=moment, use=(tenant_id, *used_secret, to_microseconds(now)))

    def _is_news(self, secret: tuple[str, str, str], now: datetime) -> bool:
        noted = self._noted.get(secret)
        if noted is not None and now - noted < _NOTE_USE_EVERY:
            return False
        if len(self._noted) >= _MOST_NOTED:
            self._noted.clear()
        self._noted[secret] = now
        return True

    def _turn(self, loop: asyncio.AbstractEventLoop, left: int) -> None:
        if left:
            loop.call_soon(self._turn, loop, left - 1)
            return
        batch, self._waiting = self._waiting, []
        self._writer.put(loop, Batch([record for record, _ in batch], partial(self._done, loop, batch)))

    def _done(self, loop: asyncio.AbstractEventLoop, batch: Sequence[Waiting], outcomes: Outcomes) -> None:
        for (record, done), outcome in zip(batch, outcomes, strict=True):
            if done.done():
                continue
            # Frozen since the commit: the record stands, and its token never leaves.
            failure = TOO_LATE if outcome is None and self._writer.is_late(record) else outcome
            if failure is None:
                done.set_result(None)
                self._appended += 1
            else:
                done.set_exception(TemporarilyUnavailable("the audit log can't be written", detail=str(failure)))
        if self._waiting:
            loop.call_soon(self._turn, loop, TURNS)
        else:
            self._busy = False
