"""
Refusals: recorded or counted, throttled where authentication fails too often, and never at the cost of a token.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tests.support.shopping import Shopping, ask, ask_as_bot
from tests.support.stored import token_payloads
from tests.support.watched_records import Watched, append
from watchword.protocol.errors import InvalidClient, InvalidTarget, OAuthError, TemporarilyUnavailable
from watchword.server.bootstrap import uptime
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.events import Event, Origin
from watchword.server.domain.limits import Limits
from watchword.server.storage.database import StorageUnavailable
from watchword.server.tokens import refusals
from watchword.server.tokens.refusals import Refusals
from watchword.server.tokens.token_log import TokenLog

if TYPE_CHECKING:
    from watchword.server.context import Context

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FROM = Origin(ip="192.0.2.1", user_agent=None)
NO_LIMITS = 1_000_000
TOKEN = Event(key="Token", application_id="app", user_id=None, payload={})
REFUSAL_KEY = "ExchangeTokenBy.Unknown"


@pytest.fixture
def records(ctx: Context) -> Watched:
    """
    Make the writing end of a log of its own, on the same file.
    """
    return Watched(ctx)


class Room:
    """
    A disk that has room or not, and remembers how often it was asked.
    """

    def __init__(self) -> None:
        self.is_there = True
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()

    def ask(self) -> bool:
        """
        Answer, as soon as it may.
        """
        self.asked += 1
        self.answers.wait(10)
        return self.is_there


@pytest.fixture
def room() -> Room:
    """
    Make a disk with room.
    """
    return Room()


@pytest.fixture
def log(records: Watched, room: Room) -> Iterator[TokenLog]:
    """
    Make a log.
    """
    made = TokenLog(records, lambda: NOW, uptime, room_for_refusals=room.ask)
    yield made
    records.gate.set()
    room.answers.set()
    made.close()


async def refuse(log: TokenLog, refusal: OAuthError | None = None, *, per_minute: int = NO_LIMITS) -> OAuthError:
    """
    Refuse a request.
    """
    return await log.refuse(
        "default", Seen(), refusal or InvalidTarget("unknown"), came_from=FROM, limits=Limits(per_minute)
    )


def payloads(ctx: Context) -> list[dict[str, Any]]:
    """
    Read the records of refusals, oldest first.
    """
    return [payload for payload in token_payloads(ctx.database) if payload.get("result") == "Error"]


async def until(holds: Callable[[], bool]) -> None:
    """
    Wait until something holds, for ten seconds at most.
    """
    for _ in range(1_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it does not hold after ten seconds")


def number_of(found: list[dict[str, Any]]) -> int:
    """
    Add up the refusals that records stand for.
    """
    return sum(payload.get("notRecorded", 1) for payload in found)


async def outcome_of(ctx: Context, client_id: str, secret: str) -> int:
    """
    Ask for a token and return the status of the answer.
    """
    try:
        await ask(ctx, client_id, secret)
    except OAuthError as refusal:
        return refusal.status
    return 200


async def test_right_secret_never_sees_a_429(ctx: Context, shopping: Shopping) -> None:
    """
    Whatever the number of wrong tries against the same application, from the same address.
    """
    limited = replace(ctx, limits=Limits(60))
    secrets = [shopping.application_secret if n % 50 == 0 else f"wrong{n}" for n in range(5_000)]
    outcomes = []
    for first in range(0, len(secrets), 500):
        part = secrets[first : first + 500]
        outcomes += await asyncio.gather(*(outcome_of(limited, shopping.application_id, secret) for secret in part))
    right = [status for status, secret in zip(outcomes, secrets, strict=True) if not secret.startswith("wrong")]
    assert set(right) == {200}
    counts = Counter(outcomes)
    assert counts[401] + counts[429] == 4_900
    assert 60 <= counts[401] < 120


async def test_unknown_application_is_throttled_alike(ctx: Context, shopping: Shopping) -> None:
    """
    Answers tell nobody which ids there are, after however many tries.
    """
    limited = replace(ctx, limits=Limits(5), clock=lambda: NOW)
    answers: dict[str, list[object]] = {}
    for client_id in (shopping.application_id, "nobody"):
        answers[client_id] = []
        for _ in range(8):
            with pytest.raises(OAuthError) as caught:
                await ask(limited, client_id, "wrong")
            refusal = caught.value
            answers[client_id].append(
                (refusal.status, refusal.error, refusal.description, getattr(refusal, "retry_after", None))
            )
    throttled = (429, "temporarily_unavailable", "too many failed authentications", 12)
    assert answers["nobody"] == answers[shopping.application_id]
    assert [answer == throttled for answer in answers["nobody"]] == [False] * 5 + [True] * 3


async def test_throttled_refusal_keeps_its_reason_for_the_log(ctx: Context, shopping: Shopping) -> None:
    """
    An operator sees what was wrong; the caller does not.
    """
    limited = replace(ctx, limits=Limits(1))
    with pytest.raises(InvalidClient):
        await ask(limited, shopping.application_id, "wrong")
    with pytest.raises(TemporarilyUnavailable) as caught:
        await ask(limited, shopping.application_id, "wrong")
    assert caught.value.detail == "wrong secret"


async def test_every_refusal_is_recorded_or_counted(ctx: Context, shopping: Shopping) -> None:
    """
    One by one as far as the limits go; the number of all others stands in records of its own when the log closes.
    """
    limited = replace(ctx, limits=Limits(10))
    for _ in range(50):
        await outcome_of(limited, shopping.application_id, "wrong")
        await outcome_of(limited, "nobody", "wrong")
    assert number_of(payloads(ctx)) == 20
    ctx.token_log.close()
    found = payloads(ctx)
    assert number_of(found) == 100
    summaries = [payload for payload in found if "notRecorded" in payload]
    assert [(payload.get("applicationId"), payload["ip"], payload["notRecorded"]) for payload in summaries] == [
        (shopping.application_id, "127.0.0.1", 40),
        (None, "127.0.0.1", 40),
    ]


async def test_counts_are_recorded_by_time(ctx: Context, log: TokenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nobody has to stop the server to see them.
    """
    monkeypatch.setattr(refusals, "SUMMARY_SECONDS", 0.05)
    limits = Limits(1)
    for _ in range(10):
        await log.refuse("default", Seen(), InvalidTarget("unknown"), came_from=FROM, limits=limits)
    await until(lambda: number_of(payloads(ctx)) == 10)
    assert [payload.get("notRecorded") for payload in payloads(ctx)] == [None, 9]


async def test_counts_take_no_more_room_while_a_commit_hangs(
    ctx: Context, log: TokenLog, records: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What is counted from then on is one record in the end, however many minutes it takes.
    """
    monkeypatch.setattr(refusals, "SUMMARY_SECONDS", 0.01)
    limits = Limits(1)
    records.gate.clear()
    hung = asyncio.ensure_future(log.refuse("default", Seen(), InvalidTarget("x"), came_from=FROM, limits=limits))
    await asyncio.to_thread(records.began.wait, 10)
    for _ in range(5):
        await log.refuse("default", Seen(), InvalidTarget("x"), came_from=FROM, limits=limits)
        await _summaries_are_due()
    records.gate.set()
    await hung
    log.close()
    assert [payload.get("notRecorded") for payload in payloads(ctx)] == [None, 1, 4]


async def _summaries_are_due() -> None:
    loop = asyncio.get_running_loop()
    due = loop.create_future()
    loop.call_later(refusals.SUMMARY_SECONDS, due.set_result, None)  # behind those of what has been counted
    await due


async def test_refusals_share_no_commit_with_tokens(log: TokenLog, records: Watched) -> None:
    """
    However they come: what fails one can't fail the other.
    """
    for _ in range(5):
        await asyncio.gather(*(refuse(log) if n % 2 else append(log, TOKEN) for n in range(32)))
    assert sorted(records.keys, key=str) == sorted([{"Token"}, {REFUSAL_KEY}] * 5, key=str)


@pytest.mark.parametrize("fault", [StorageUnavailable("disk full"), RuntimeError("nobody expected this")])
async def test_refusal_that_cannot_be_recorded_is_counted(
    ctx: Context, log: TokenLog, records: Watched, fault: Exception
) -> None:
    """
    The caller learns why it was refused, tokens are issued beside it, and the count is recorded later.
    """
    records.refuse_row = lambda row: fault if row[1] == REFUSAL_KEY else None
    refusal = InvalidTarget("unknown")
    answers = await asyncio.gather(*(refuse(log, refusal) if n % 2 else append(log, TOKEN) for n in range(32)))
    assert answers == [None, refusal] * 16
    assert payloads(ctx) == []
    records.refuse_row = lambda _: None
    log.close()
    assert [payload["notRecorded"] for payload in payloads(ctx)] == [16]


async def test_without_room_refusals_are_counted(
    ctx: Context, log: TokenLog, room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What is left of the disk is for tokens; as soon as there is room again, refusals have records, and so has the count.
    """
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(refusals, "SUMMARY_SECONDS", 0.02)
    room.is_there = False
    for _ in range(10):
        await refuse(log)
    await append(log, TOKEN)
    asked = room.asked
    await until(lambda: room.asked > asked + 2)  # it was tried to record the count
    assert payloads(ctx) == []
    room.is_there = True
    await until(lambda: "refusals are recorded again" in caplog.messages)  # a moment after the count is there
    await refuse(log)
    assert [payload.get("notRecorded") for payload in payloads(ctx)] == [10, None]


async def test_one_refusal_at_a_time_finds_out_whether_there_is_room(log: TokenLog, room: Room) -> None:
    """
    All others are counted and answered at once.
    """
    room.is_there = False
    await refuse(log)
    asked = room.asked
    room.answers.clear()
    probe = asyncio.create_task(_refuse_until_asked(log, room))
    await until(lambda: room.asked > asked)
    async with asyncio.timeout(5):
        await asyncio.gather(*(refuse(log) for _ in range(refusals.MOST_WAITING)))
    assert not probe.done()
    room.answers.set()
    await probe


async def _refuse_until_asked(log: TokenLog, room: Room) -> None:
    asked = room.asked
    while room.asked == asked:
        await refuse(log)
        await asyncio.sleep(0)


async def test_waiting_refusals_are_bounded(ctx: Context, log: TokenLog, records: Watched) -> None:
    """
    Where the log is slow, what finds no place is counted and answered at once.
    """
    records.gate.clear()
    records.began.clear()
    first = asyncio.ensure_future(refuse(log))
    await asyncio.to_thread(records.began.wait, 10)
    waiting = [asyncio.ensure_future(refuse(log)) for _ in range(refusals.MOST_WAITING)]
    await asyncio.sleep(0)
    for _ in range(100):
        async with asyncio.timeout(5):
            await refuse(log)
    records.gate.set()
    await asyncio.gather(first, *waiting)
    log.close()
    assert Counter(payload.get("notRecorded", 1) for payload in payloads(ctx)) == {1: 65, 100: 1}


async def test_refusals_take_a_tenth_of_the_logs_time(log: TokenLog, records: Watched) -> None:
    """
    After a commit of refusals the log is left to tokens for nine times as long.
    """
    loop = asyncio.get_running_loop()
    records.seconds = 0.02
    await refuse(log)
    began = loop.time()
    waiting = asyncio.ensure_future(refuse(log))
    for _ in range(3):
        await append(log, TOKEN)
    await waiting
    assert loop.time() - began >= 9 * 0.02
    assert records.keys == [{REFUSAL_KEY}, {"Token"}, {"Token"}, {"Token"}, {REFUSAL_KEY}]


async def test_refusal_that_waits_too_long_is_counted_once(
    ctx: Context, log: TokenLog, records: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It is taken back, or its record is under way and stands for it: never both.
    """
    monkeypatch.setattr(refusals, "LONGEST_WAIT_SECONDS", 0.05)
    records.gate.clear()
    under_way = asyncio.ensure_future(refuse(log))
    await asyncio.to_thread(records.began.wait, 10)
    await asyncio.gather(under_way, *(refuse(log) for _ in range(3)))
    records.gate.set()
    log.close()
    assert Counter(payload.get("notRecorded", 1) for payload in payloads(ctx)) == {1: 1, 3: 1}


async def test_refusal_whose_record_fails_as_its_time_is_up_is_counted(
    ctx: Context, log: TokenLog, records: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The two meet in one turn of the loop, which stood until then.
    """
    monkeypatch.setattr(refusals, "LONGEST_WAIT_SECONDS", 0.05)
    settled = Refusals._settled
    loop = asyncio.get_running_loop()

    def settle_late(self: Refusals, *outcome: Any) -> None:  # noqa: ANN401
        time.sleep(0.1)
        loop.call_soon(settled, self, *outcome)

    monkeypatch.setattr(Refusals, "_settled", settle_late)
    records.refuse_row = lambda row: StorageUnavailable("disk full") if row[1] == REFUSAL_KEY else None
    await refuse(log)
    records.refuse_row = lambda _: None
    log.close()
    assert [payload["notRecorded"] for payload in payloads(ctx)] == [1]


async def test_refusal_whose_late_record_fails_is_counted(
    ctx: Context,
    log: TokenLog,
    records: Watched,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    Though its caller was answered long before.
    """
    monkeypatch.setattr(refusals, "LONGEST_WAIT_SECONDS", 0.05)
    records.refuse_row = lambda row: StorageUnavailable("disk full") if row[1] == REFUSAL_KEY else None
    records.gate.clear()
    under_way = asyncio.ensure_future(refuse(log))
    await asyncio.to_thread(records.began.wait, 10)
    await under_way
    records.gate.set()
    await append(log, TOKEN)
    await until(lambda: "refusals are counted and not recorded" in caplog.messages)
    records.refuse_row = lambda _: None
    log.close()
    assert [payload["notRecorded"] for payload in payloads(ctx)] == [1]


async def test_long_rest_is_waited_for_by_nobody(log: TokenLog, records: Watched) -> None:
    """
    What would wait for longer than it may is counted at once.
    """
    records.seconds = refusals.LONGEST_WAIT_SECONDS / 8
    await refuse(log)
    records.seconds = 0
    async with asyncio.timeout(refusals.LONGEST_WAIT_SECONDS / 2):
        await asyncio.gather(*(refuse(log) for _ in range(3)))
    assert len(records.keys) == 1


async def test_client_that_is_gone_disturbs_nobody(log: TokenLog, records: Watched) -> None:
    """
    A request that was given up while its refusal waits leaves the others as they are.
    """
    records.gate.clear()
    tries = [asyncio.ensure_future(refuse(log)) for _ in range(3)]
    await asyncio.to_thread(records.began.wait, 10)
    tries[1].cancel()
    await asyncio.sleep(0)
    records.gate.set()
    assert [type(await tries[n]) for n in (0, 2)] == [InvalidTarget] * 2


async def test_refusal_for_want_of_the_log_is_not_recorded(
    ctx: Context, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    It is no fault of the caller, and could not be recorded.
    """

    async def fail(*_: object, **__: object) -> None:
        raise TemporarilyUnavailable("the audit log can't be written")

    monkeypatch.setattr(TokenLog, "append", fail)
    with pytest.raises(TemporarilyUnavailable):
        await ask_as_bot(ctx, shopping)
    monkeypatch.undo()
    ctx.token_log.close()
    assert payloads(ctx) == []
