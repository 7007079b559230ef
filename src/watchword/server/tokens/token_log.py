"""
The token log: a token leaves only after its record is durable.

Concurrent requests share a commit. The first record of a batch lets the event loop turn a few times, so that what has
arrived gets decided and signed meanwhile; then one thread commits. A lone request waits for nobody.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from queue import SimpleQueue

import msgspec
import structlog

from watchword.protocol.errors import TemporarilyUnavailable
from watchword.server.domain.events import Event
from watchword.server.domain.view import Moment
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.token_records import Record, RecordRefused, TokenRecords
from watchword.server.storage.types import to_microseconds

TURNS = 4
_NOTE_USE_EVERY = timedelta(minutes=1)
_MOST_NOTED = 100_000

_TOO_LATE = StorageUnavailable("what the token was granted by was read too long ago")

_log = structlog.get_logger(__name__)
Waiting = tuple[Record, "asyncio.Future[None]"]


class TokenLog:
    """
    Appends records, in batches, on a thread of its own. Lives on one event loop.

    Args:
        clock: Returns the time, an aware UTC datetime.
        uptime: Returns seconds of a clock that never goes back.
    """

    def __init__(self, records: TokenRecords, clock: Callable[[], datetime], uptime: Callable[[], float]) -> None:
        self._records = records
        self._clock = clock
        self._uptime = uptime
        self._noted: dict[tuple[str, str, str], datetime] = {}
        self._waiting: list[Waiting] = []
        self._busy = False
        self._batches: SimpleQueue[tuple[asyncio.AbstractEventLoop, list[Waiting]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="token-log", daemon=True)
        self._thread.start()

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

    def close(self) -> None:
        """
        Finish what is under way and stop.
        """
        self._batches.put(None)
        self._thread.join()
        self._records.close()

    def _record(
        self, tenant_id: str, event: Event, moment: Moment | None, used_secret: tuple[str, str] | None
    ) -> Record:
        now = self._clock()
        row = (
            tenant_id,
            event.key,
            event.application_id,
            event.user_id,
            msgspec.json.encode(event.payload).decode(),
            to_microseconds(now),
        )
        if used_secret is None or not self._is_news((tenant_id, *used_secret), now):
            return Record(row, None, moment)
        return Record(row, (tenant_id, *used_secret, to_microseconds(now)), moment)

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
        self._batches.put((loop, batch))

    def _work(self) -> None:
        while (item := self._batches.get()) is not None:
            loop, batch = item
            outcomes = self._commit_in_time([record for record, _ in batch])
            # A loop that was closed has nobody left who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._done, loop, batch, outcomes)

    def _commit_in_time(self, records: Sequence[Record]) -> Sequence[Exception | None]:
        late = [self._is_late(record) for record in records]
        if not any(late):
            return self._commit(records)
        outcomes = iter(self._commit([record for record, is_late in zip(records, late, strict=True) if not is_late]))
        return [_TOO_LATE if is_late else next(outcomes) for is_late in late]

    def _is_late(self, record: Record) -> bool:
        return record.moment is not None and record.moment.is_past(self._uptime())

    def _commit(self, records: Sequence[Record]) -> Sequence[Exception | None]:
        try:
            self._records.commit(records)
        except StorageUnavailable as error:
            return [error] * len(records)
        except RecordRefused as error:
            if len(records) == 1:
                return [error]
            # One bad record must not fail its neighbours: each gets a commit of its own.
            return [outcome for record in records for outcome in self._commit([record])]
        except Exception as error:  # noqa: BLE001 - were this thread to end, every token request would wait for ever
            _log.error("the token log failed", exc_info=error)
            return [error] * len(records)
        return [None] * len(records)

    def _done(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[Waiting], outcomes: Sequence[Exception | None]
    ) -> None:
        for (record, done), outcome in zip(batch, outcomes, strict=True):
            if done.done():
                continue
            # Frozen since the commit: the record stands, and its token never leaves.
            failure = _TOO_LATE if outcome is None and self._is_late(record) else outcome
            if failure is None:
                done.set_result(None)
            else:
                done.set_exception(TemporarilyUnavailable("the audit log can't be written", detail=str(failure)))
        if self._waiting:
            loop.call_soon(self._turn, loop, TURNS)
        else:
            self._busy = False
