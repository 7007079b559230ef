"""
Refusals in the token log: they never share a commit with tokens, take little of its time, and leave it its space.

What gets no record of its own is counted, and once a minute the counts are recorded. So a flood costs a bounded number
of records, and nothing disappears without a trace.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from watchword.protocol.errors import InvalidClient, OAuthError, TemporarilyUnavailable
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.events import Origin, refusal_key, token_refused
from watchword.server.domain.limits import Limits, Refused, Verdict, source_of
from watchword.server.domain.refusals import Counted, Kind, Tally, refusals_counted
from watchword.server.storage.token_records import Record
from watchword.server.telemetry.meters import Meters, Throttle
from watchword.server.tokens.batch_writer import Batch, BatchWriter, Outcomes, record_of

MOST_WAITING = 64
SUMMARY_SECONDS = 60.0
# After a commit that took so long, the log is left alone for so many times as long.
_REST = 9

LONGEST_WAIT_SECONDS = 5.0
_log = logging.getLogger(__name__)
Settle = Callable[[Exception | None], None]


class _Waiting(NamedTuple):
    record: Record
    settle: Settle


class Refusals:
    """
    The refusals' share of a token log. Lives on one event loop.

    Args:
        clock: Returns the time, an aware UTC datetime.
        has_room: Asked on the writer's thread: whether the disk has more room than tokens will need.
    """

    def __init__(
        self, writer: BatchWriter, clock: Callable[[], datetime], has_room: Callable[[], bool], meters: Meters
    ) -> None:
        self._writer = writer
        self._meters = meters
        self._clock = clock
        self._has_room = has_room
        self._tally = Tally()
        self._summary_is_due = False
        self._unsettled = 0  # summaries of which it is not known whether they are kept
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._losing = False
        self._rests_until = 0.0  # by the loop's clock

    async def take(
        self, tenant_id: str, seen: Seen, refusal: OAuthError, *, came_from: Origin, limits: Limits, tokens: int
    ) -> OAuthError:
        """
        Record or count a refusal.

        Args:
            tokens: How many were issued since the last refusal.

        Returns:
            What to answer: the refusal, or a 429 in its place.
        """
        if isinstance(refusal, TemporarilyUnavailable):
            return refusal  # what could not be recorded can't be recorded
        now, source = self._clock(), source_of(came_from.ip)
        refused = Refused(
            tenant_id=tenant_id,
            client_id=seen.client_id or "",
            source=source,
            is_authentication=isinstance(refusal, InvalidClient),
        )
        verdict = limits.judge(refused, now, tokens=tokens)
        counted = Counted(kind=_kind(tenant_id, seen, refusal, source), number=1, since=now)
        if verdict is Verdict.RECORD and await self._record(
            record_of(tenant_id, token_refused(seen, refusal, came_from), now), counted
        ):
            return refusal
        self._count_refusal(counted)
        if verdict is not Verdict.THROTTLE:
            return refusal
        return TemporarilyUnavailable(
            "too many failed authentications", retry_after=limits.retry_after, throttled=True, detail=refusal.detail
        )

    def last_records(self) -> Sequence[Record]:
        """
        Return what is left to be written when all ends.
        """
        waiting, self._waiting = self._waiting, []
        return [*(entry.record for entry in waiting), *(self._summary(counted) for counted in self._tally.take())]

    async def _record(self, record: Record, counted: Counted) -> bool:
        """
        Tell whether a refusal has its record, or will have it. Where that comes to nothing later, it is counted then.
        """
        loop = asyncio.get_running_loop()
        rests_long = self._rests_until - loop.time() > LONGEST_WAIT_SECONDS
        # While none can be kept, one at a time finds out whether that is over; nobody else waits for it.
        if len(self._waiting) >= MOST_WAITING or (self._losing and self._busy) or rests_long:
            return False
        done: asyncio.Future[bool] = loop.create_future()
        entry = _Waiting(record, partial(self._settled, done, counted))
        self._write(entry)
        try:
            async with asyncio.timeout(LONGEST_WAIT_SECONDS):
                return await done
        except TimeoutError:  # a commit that hangs: the caller learns why it was refused all the same
            if done.done() and not done.cancelled():  # it ended in the very moment
                return done.result()
            return not self._takes_back(entry)

    def _settled(self, done: asyncio.Future[bool], counted: Counted, outcome: Exception | None) -> None:
        if not done.done():
            done.set_result(outcome is None)
        elif outcome is not None:  # nobody waits for it any more
            self._count_refusal(counted)

    def _takes_back(self, entry: _Waiting) -> bool:
        """
        Take a record back that no commit has begun to write; tell whether there was none.
        """
        if entry not in self._waiting:
            return False
        self._waiting.remove(entry)
        return True

    def _write(self, entry: _Waiting) -> None:
        self._waiting.append(entry)
        if not self._busy:
            self._busy = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._send, loop)

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._waiting:
            self._busy = False
            return
        batch, self._waiting = self._waiting, []
        done = partial(self._done, loop, batch, loop.time())
        self._writer.put(loop, Batch([entry.record for entry in batch], done, self._has_room))

    def _done(
        self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting], began: float, outcomes: Outcomes
    ) -> None:
        for entry, outcome in zip(batch, outcomes, strict=True):
            entry.settle(outcome)
        self._notice(outcomes)
        self._rests_until = loop.time() + (loop.time() - began) * _REST
        loop.call_at(self._rests_until, self._send, loop)

    def _notice(self, outcomes: Outcomes) -> None:
        lost = next((outcome for outcome in outcomes if outcome is not None), None)
        if lost is not None and not self._losing:
            detail = str(lost) or "too little space is left"
            _log.warning("refusals are counted and not recorded", extra={"detail": detail})
        elif lost is None and self._losing:
            _log.info("refusals are recorded again")
        self._losing = lost is not None

    def _count_refusal(self, counted: Counted) -> None:
        self._meters.throttled[Throttle.RECORD].add()
        self._count(counted)

    def _count(self, counted: Counted) -> None:
        self._tally.add(counted)
        self._plan_summaries()

    def _plan_summaries(self) -> None:
        if not self._summary_is_due:
            self._summary_is_due = True
            asyncio.get_running_loop().call_later(SUMMARY_SECONDS, self._write_summaries)

    def _write_summaries(self) -> None:
        self._summary_is_due = False
        if self._unsettled:  # a commit hangs: what is counted meanwhile stays in the tally, which is bounded
            self._plan_summaries()
            return
        for counted in self._tally.take():
            self._unsettled += 1
            self._write(_Waiting(self._summary(counted), partial(self._summarised, counted)))

    def _summarised(self, counted: Counted, outcome: Exception | None) -> None:
        self._unsettled -= 1
        if outcome is not None:
            self._count(counted)

    def _summary(self, counted: Counted) -> Record:
        return record_of(counted.kind.tenant_id, refusals_counted(counted), self._clock())


def _kind(tenant_id: str, seen: Seen, refusal: OAuthError, source: str) -> Kind:
    return Kind(
        tenant_id=tenant_id,
        key=refusal_key(seen),
        error=refusal.error,
        status=refusal.status,
        application_id=None if seen.application is None else seen.application.id,
        source=source,
    )
