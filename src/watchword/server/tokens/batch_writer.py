"""
The thread that makes batches of records durable, one after the other.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

import msgspec

from watchword.server.domain.events import Event
from watchword.server.domain.view import Moment
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.token_records import Record, TokenRecords, Use
from watchword.server.storage.types import to_microseconds
from watchword.server.telemetry.meters import Meters
from watchword.server.tokens.evidence import Evidence

_LONGEST_END_SECONDS = 10.0
_encode = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)
Outcomes = Sequence[Exception | None]
TOO_LATE = StorageUnavailable("what the token was granted by was read too long ago")


class Batch(NamedTuple):
    """
    Records that are written together.

    Attributes:
        done: Called on the event loop with what became of each record: None, or why it was not kept.
        is_wanted: Asked on the thread, just before; where it says no, nothing is written.
        begun: Called on the event loop as the records are being written, always before `done`.
    """

    records: Sequence[Record]
    done: Callable[[Outcomes], None]
    is_wanted: Callable[[], bool] | None = None
    begun: Callable[[], None] | None = None


class Noting(NamedTuple):
    """
    Uses of secrets that are noted together.

    Attributes:
        put_back: Called on the thread with those that can't be noted now.
    """

    uses: Sequence[Use]
    put_back: Callable[[Sequence[Use]], None]


class NotWanted(Exception):
    """
    The batch was not to be written after all.
    """


class BatchWriter:
    """
    Writes batches in the order in which they were put.

    Args:
        uptime: Returns seconds of a clock that never goes back.

    Attributes:
        is_noting: Whether uses of secrets are to be noted, and are not yet.
    """

    def __init__(self, records: TokenRecords, uptime: Callable[[], float], meters: Meters) -> None:
        self._records = records
        self._meters = meters
        self._uptime = uptime
        self.evidence = Evidence("the token log")
        self.is_noting = False
        self._batches: SimpleQueue[tuple[asyncio.AbstractEventLoop, Batch] | Noting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="token-log", daemon=True)
        self._thread.start()

    def put(self, loop: asyncio.AbstractEventLoop, batch: Batch) -> None:
        """
        Write a batch, as soon as those before it are done.
        """
        self._batches.put((loop, batch))

    def note(self, noting: Noting) -> None:
        """
        Note uses of secrets, as soon as what was put before is done.
        """
        self.is_noting = True
        self._batches.put(noting)

    def close(self, last_records: Callable[[], Sequence[Record]]) -> None:
        """
        Finish what is under way and stop.

        Args:
            last_records: Asked when all else is written.
        """
        self._batches.put(None)
        self._thread.join(_LONGEST_END_SECONDS)
        if self._thread.is_alive():
            return  # a commit that does not come back can't be waited for
        last = last_records()
        lost = [outcome for outcome in (self._commit(last) if last else []) if outcome is not None]
        if lost:
            _log.warning("the last records of refusals were lost", extra={"number": len(lost), "detail": str(lost[0])})
        self._records.close()

    def _work(self) -> None:
        while (item := self._batches.get()) is not None:
            if isinstance(item, Noting):
                self._note(item)
                continue
            loop, batch = item
            if batch.begun is not None:
                _tell(loop, batch.begun)
            outcomes = self._write(batch)
            _tell(loop, partial(batch.done, outcomes))
            _report(outcomes)  # afterwards: nobody waits for a log line

    def _note(self, noting: Noting) -> None:
        try:
            self._records.note(noting.uses)
        except StorageUnavailable as error:
            noting.put_back(noting.uses)
            self.evidence.failed(str(error))
        except Exception as error:  # noqa: BLE001 - as with records, below
            self.evidence.failed(str(error))
        else:
            self.evidence.succeeded()
        self.is_noting = False

    def _write(self, batch: Batch) -> Outcomes:
        if batch.is_wanted is not None and not batch.is_wanted():
            return [NotWanted()] * len(batch.records)
        began = time.perf_counter()
        outcomes = self._commit_in_time(batch.records)
        self._meters.committed(outcomes, time.perf_counter() - began)
        return outcomes

    def late(self, records: Sequence[Record]) -> Sequence[bool]:
        """
        Tell of each record whether what its token was granted by was read too long ago.
        """
        now = self._uptime()
        return [record.moment is not None and record.moment.is_past(now) for record in records]

    def _commit_in_time(self, records: Sequence[Record]) -> Outcomes:
        late = self.late(records)
        if not any(late):
            return self._commit(records)
        outcomes = iter(self._commit([record for record, is_late in zip(records, late, strict=True) if not is_late]))
        return [TOO_LATE if is_late else next(outcomes) for is_late in late]

    def _commit(self, records: Sequence[Record]) -> Outcomes:
        if not records:
            return []
        try:
            self._records.commit(records)
        except StorageUnavailable as error:
            self.evidence.failed(str(error))
            return [error] * len(records)
        except Exception as error:  # noqa: BLE001 - were this thread to end, every token request would wait for ever
            if len(records) == 1:
                return [error]
            # One bad record must not fail its neighbours: halves are committed apart, until it is alone.
            middle = len(records) // 2
            return [*self._commit(records[:middle]), *self._commit(records[middle:])]
        self.evidence.succeeded()
        return [None] * len(records)


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    # A loop that was closed has nobody left who waits.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(what)


def _report(outcomes: Outcomes) -> None:
    bad = [outcome for outcome in outcomes if not isinstance(outcome, StorageUnavailable | NotWanted | None)]
    if bad:
        _log.error("records can't be kept", extra={"number": len(bad)}, exc_info=bad[0])


def record_of(tenant_id: str, event: Event, now: datetime, *, moment: Moment | None = None) -> Record:
    """
    Write an event as a row.

    Args:
        moment: The moment of the view that granted a token.
    """
    payload = _encode(event.payload).decode()
    row = (tenant_id, event.key, event.application_id, event.user_id, payload, to_microseconds(now))
    return Record(row, moment)
