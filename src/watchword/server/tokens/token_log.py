"""
The token log: a token leaves only after its record is durable.

Concurrent requests share a commit. The first record of a batch lets the event loop turn a few times, so that what has
arrived gets decided meanwhile; then one thread commits, and the tokens of the batch are signed one after the other. A
lone request waits for nobody.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from watchword.protocol.errors import OAuthError, TemporarilyUnavailable
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.events import Event, Origin
from watchword.server.domain.limits import Limits
from watchword.server.domain.view import Moment
from watchword.server.storage.token_records import Record, TokenRecords
from watchword.server.storage.types import to_microseconds
from watchword.server.telemetry.meters import Meters
from watchword.server.tokens.batch_writer import TOO_LATE, Batch, BatchWriter, Noting, Outcomes, record_of
from watchword.server.tokens.evidence import Evidence
from watchword.server.tokens.refusals import Refusals
from watchword.server.tokens.uses import Uses

TURNS = 4
# Under overload turns are long, and company comes with the first of them.
LONGEST_WAIT_SECONDS = 0.02
LONGEST_COMMIT_SECONDS = 5.0
_OVERDUE = "a commit has not come back"

Made = TypeVar("Made")


class Waiting(msgspec.Struct):
    """
    A request whose record is not durable yet.

    Attributes:
        meanwhile: What is done while the record is written.
        made: What came of that.
        done: Gets what was made, once the record is durable.
    """

    record: Record
    meanwhile: Callable[[], object]
    done: "asyncio.Future[Any]"
    made: object = None


class TokenLog:
    """
    Appends records, in batches, on a thread of its own. Lives on one event loop.

    Args:
        clock: Returns the time, an aware UTC datetime.
        uptime: Returns seconds of a clock that never goes back.
        room_for_refusals: Tells whether the disk has more room than tokens will need.
        meters: Where commits and refusals are counted; None where nobody wants to know.
    """

    def __init__(
        self,
        records: TokenRecords,
        clock: Callable[[], datetime],
        uptime: Callable[[], float],
        *,
        room_for_refusals: Callable[[], bool] = lambda: True,
        meters: Meters | None = None,
    ) -> None:
        meters = meters or Meters()
        self._clock = clock
        self._uses = Uses()
        self._waiting: list[Waiting] = []
        self._busy = False
        self._overdue: asyncio.TimerHandle | None = None
        self.is_accepting = True
        self._writer = BatchWriter(records, uptime, meters)
        self._refusals = Refusals(self._writer, clock, room_for_refusals, meters)
        self._appended = 0  # since a refusal was last judged

    async def append(
        self,
        tenant_id: str,
        event: Event,
        now: datetime | None = None,
        *,
        moment: Moment | None = None,
        used_secret: tuple[str, str] | None = None,
        meanwhile: Callable[[], Made],
    ) -> Made:
        """
        Return what `meanwhile` has made, once the record is durable.

        Args:
            now: When it happened, an aware UTC datetime; None is this moment.
            moment: The moment of the view that granted a token; None where nothing was granted.
            used_secret: Application id and secret id, where a secret was used with success.
            meanwhile: Called while the record is written, for all requests of a batch in a row: what it needs stays at
                hand. Where it fails there is a record of a token that nobody has got, never the other way round.

        Raises:
            TemporarilyUnavailable: It can't be made durable now.
        """
        if not self.is_accepting:
            raise _unavailable(_OVERDUE)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Made] = loop.create_future()
        now = now or self._clock()
        if used_secret is not None:
            self._uses.add(tenant_id, *used_secret, now)
        self._waiting.append(Waiting(record_of(tenant_id, event, now, moment=moment), meanwhile, done))
        if not self._busy:
            self._busy = True
            self._begin(loop)
        return await done

    async def refuse(
        self, tenant_id: str, seen: Seen, refusal: OAuthError, *, came_from: Origin, limits: Limits
    ) -> OAuthError:
        """
        Record or count a refusal, and return what to answer: the refusal, or a 429 in its place.

        Where it can't be recorded it is counted: the caller learns why it was refused in any case.
        """
        appended, self._appended = self._appended, 0
        return await self._refusals.take(tenant_id, seen, refusal, came_from=came_from, limits=limits, tokens=appended)

    @property
    def evidence(self) -> Evidence:
        """
        How the last commit has fared.
        """
        return self._writer.evidence

    def look_after(self) -> None:
        """
        Have the uses of secrets noted, and find out by that whether anything can be, where nobody has lately found out.
        """
        if self._writer.is_noting:
            return
        uses = self._uses.take()
        if uses:
            self._writer.note(Noting(uses, self._uses.put_back))
        elif self.evidence.is_old():
            self._writer.note(Noting([("", "", "", to_microseconds(self._clock()))], lambda _: None))

    def close(self) -> None:
        """
        Finish what is under way and stop.
        """
        uses = self._uses.take()
        if uses:
            self._writer.note(Noting(uses, self._uses.put_back))
        self._writer.close(self._refusals.last_records)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(self._turn, loop, TURNS, loop.time() + LONGEST_WAIT_SECONDS)

    def _turn(self, loop: asyncio.AbstractEventLoop, left: int, latest: float) -> None:
        if left and loop.time() < latest:
            loop.call_soon(self._turn, loop, left - 1, latest)
            return
        batch, self._waiting = self._waiting, []
        self._overdue = loop.call_later(LONGEST_COMMIT_SECONDS, self._give_up, batch)
        records = [waiting.record for waiting in batch]
        self._writer.put(loop, Batch(records, partial(self._done, loop, batch), begun=partial(_make, batch)))

    def _give_up(self, batch: Sequence[Waiting]) -> None:
        """
        Let nobody wait any longer for a commit that hangs: on a disk, or on a lock that somebody holds.

        It may come to pass yet. Then there are records of tokens that nobody has got; never the other way round.
        """
        self.is_accepting = False
        self.evidence.failed(_OVERDUE)
        refused, self._waiting = [*batch, *self._waiting], []
        for waiting in refused:
            if not waiting.done.done():
                waiting.done.set_exception(_unavailable(_OVERDUE))

    def _done(self, loop: asyncio.AbstractEventLoop, batch: Sequence[Waiting], outcomes: Outcomes) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
        self.is_accepting = True
        late = self._writer.late([waiting.record for waiting in batch])
        for waiting, outcome, is_late in zip(batch, outcomes, late, strict=True):
            if waiting.done.done():
                continue
            # Frozen since the commit: the record stands, and its token never leaves.
            failure = TOO_LATE if outcome is None and is_late else outcome
            if failure is None:
                waiting.done.set_result(waiting.made)
                self._appended += 1
            else:
                waiting.done.set_exception(_unavailable(str(failure)))
        if self._waiting:
            self._begin(loop)
        else:
            self._busy = False


def _make(batch: Sequence[Waiting]) -> None:
    for waiting in batch:
        if waiting.done.done():
            continue
        try:
            waiting.made = waiting.meanwhile()
        except Exception as error:  # noqa: BLE001 - the others of the batch get what is theirs
            waiting.done.set_exception(error)


def _unavailable(detail: str) -> TemporarilyUnavailable:
    return TemporarilyUnavailable("the audit log can't be written", detail=detail)
