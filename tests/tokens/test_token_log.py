"""
The token log: a token leaves only after its record is durable.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.load import wait_until
from tests.support.shopping import Shopping, ask, ask_as_bot
from tests.support.stored import token_payloads
from tests.support.watched_records import Watched, append
from watchword.protocol.errors import InvalidTarget, TemporarilyUnavailable
from watchword.protocol.forms import TokenForm
from watchword.server.bootstrap import uptime
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.events import LARGEST_RECORD, Event, Origin, token_refused
from watchword.server.domain.view import Moment
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.token_records import Record, RecordRefused, TokenRecords
from watchword.server.tokens import evidence, token_log
from watchword.server.tokens.token_log import TokenLog
from watchword.server.tokens.uses import Uses

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.server.context import Context

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def records(ctx: Context) -> Watched:
    """
    Make the writing end of a log of its own, on the same file.
    """
    return Watched(ctx)


@pytest.fixture
def log(records: Watched) -> Iterator[TokenLog]:
    """
    Make a log.
    """
    made = TokenLog(records, lambda: NOW, uptime)
    yield made
    records.gate.set()
    made.close()


def event(**payload: object) -> Event:
    """
    Make an event.
    """
    return Event(key="ExchangeTokenBy.Test", application_id="app", user_id=None, payload=payload)


def rows(
    ctx: Context, query: str = "SELECT payload FROM tokens.token_events WHERE key = 'ExchangeTokenBy.Test'"
) -> list[str]:
    """
    Read the log.
    """
    with ctx.database.read() as connection:
        return list(connection.exec_driver_sql(query).scalars())


async def test_append_returns_only_after_the_commit(ctx: Context, log: TokenLog, records: Watched) -> None:
    """
    As long as the commit is held up nobody is answered, and then the record is there.
    """
    records.gate.clear()
    waiting = asyncio.ensure_future(append(log, event(n=1)))
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    assert rows(ctx) == []
    records.gate.set()
    await waiting
    assert rows(ctx) == ['{"n":1}']


async def test_concurrent_records_share_a_commit(log: TokenLog, records: Watched) -> None:
    """
    Those that come together, and those that come while a commit is under way, are committed together.
    """
    await asyncio.gather(*(append(log, event(n=n)) for n in range(16)))
    assert records.commits == [16]
    records.gate.clear()
    records.began.clear()
    first = asyncio.ensure_future(append(log, event(n=0)))
    await asyncio.to_thread(records.began.wait, 10)
    rest = [asyncio.ensure_future(append(log, event(n=n))) for n in range(5)]
    await asyncio.sleep(0)
    records.gate.set()
    await asyncio.gather(first, *rest)
    assert records.commits == [16, 1, 5]


async def test_tokens_are_made_in_a_row_while_their_records_are_written(log: TokenLog, records: Watched) -> None:
    """
    And leave when those are durable: each request gets its own.
    """
    records.gate.clear()
    records.began.clear()
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return number

    appended = [log.append("default", event(n=n), meanwhile=partial(make, n)) for n in range(4)]
    waiting = asyncio.gather(*appended)
    await asyncio.to_thread(records.began.wait, 10)
    await come_to_pass(lambda: len(made) == 4)
    assert made == [0, 1, 2, 3]
    assert not waiting.done()
    records.gate.set()
    assert await waiting == [0, 1, 2, 3]


async def test_token_that_cannot_be_made_fails_its_own_request(ctx: Context, log: TokenLog) -> None:
    """
    The others get theirs. There is a record of what nobody has got, never the other way round.
    """

    def fail() -> None:
        raise ArithmeticError

    first, second, third = await asyncio.gather(
        *(log.append("default", event(n=n), meanwhile=fail if n == 1 else lambda: None) for n in range(3)),
        return_exceptions=True,
    )
    assert (first, type(second), third) == (None, ArithmeticError, None)
    assert rows(ctx) == ['{"n":0}', '{"n":1}', '{"n":2}']


async def test_long_turns_hold_no_commit_up(log: TokenLog, records: Watched) -> None:
    """
    Where a turn of the event loop takes long, as under overload, a record waits for the first of them and no more.
    """
    records.began.clear()
    turns = 0

    def take_long() -> None:
        nonlocal turns
        turns += not records.began.wait(token_log.LONGEST_WAIT_SECONDS * 1.5)
        if not records.began.is_set():
            asyncio.get_running_loop().call_soon(take_long)

    asyncio.get_running_loop().call_soon(take_long)
    await append(log, event(n=1))
    assert turns <= 2


async def test_failing_log_lets_no_token_out_and_recovers(
    ctx: Context, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    503 and no token while it can't be written; as soon as it can, tokens flow again.
    """
    written = type(ctx.token_log._writer._records)  # type: ignore[attr-defined]
    whole = written.commit

    def fail(_self: TokenRecords, _records: Sequence[Record]) -> None:
        raise StorageUnavailable("disk full")

    monkeypatch.setattr(written, "commit", fail)
    with pytest.raises(TemporarilyUnavailable) as caught:
        await ask_as_bot(ctx, shopping)
    assert (caught.value.status, caught.value.retry_after) == (503, 1)
    with pytest.raises(InvalidTarget):  # the caller still learns why, though the record is lost
        await ask_as_bot(ctx, shopping, resource="https://nowhere.example")
    monkeypatch.setattr(written, "commit", whole)
    assert (await ask_as_bot(ctx, shopping)).access_token


@pytest.mark.parametrize(
    "fault", [MemoryError(), RuntimeError("nobody expected this"), UnicodeEncodeError("x", "", 0, 0, "")]
)
async def test_fault_that_nobody_expected_keeps_nobody_waiting(
    log: TokenLog, records: Watched, fault: Exception
) -> None:
    """
    The thread of all tokens outlives it: this request is refused, and the next is recorded.
    """
    records.fail_with = fault
    with pytest.raises(TemporarilyUnavailable):
        await asyncio.wait_for(append(log, event()), 5)
    records.fail_with = None
    await asyncio.wait_for(append(log, event()), 5)
    assert records.commits == [1]


async def test_bad_record_fails_alone(ctx: Context, log: TokenLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A batch that can't be kept is split: only the request with the bad record fails.
    """
    whole = Watched.commit

    def picky(self: Watched, batch: Sequence[Record]) -> None:
        if any('"bad"' in record.row[4] for record in batch):
            raise RecordRefused("bad")
        whole(self, batch)

    monkeypatch.setattr(Watched, "commit", picky)
    outcomes = await asyncio.gather(
        *(append(log, event(kind="bad" if n == 2 else "good")) for n in range(5)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes].count(TemporarilyUnavailable) == 1
    assert isinstance(outcomes[2], TemporarilyUnavailable)
    assert rows(ctx) == ['{"kind":"good"}'] * 4


@pytest.mark.parametrize("fault", [RecordRefused("bad"), UnicodeEncodeError("x", "", 0, 0, "")])
async def test_bad_record_costs_few_commits(ctx: Context, log: TokenLog, records: Watched, fault: Exception) -> None:
    """
    The batch is halved until the bad one is alone: all others are committed in large parts.
    """
    records.refuse_row = lambda row: fault if '"bad"' in row[4] else None
    outcomes = await asyncio.gather(
        *(append(log, event(kind="bad" if n == 37 else "good")) for n in range(64)), return_exceptions=True
    )
    assert [n for n, outcome in enumerate(outcomes) if outcome is not None] == [37]
    assert len(rows(ctx)) == 63
    assert sorted(records.commits) == [1, 2, 4, 8, 16, 32]


async def test_use_of_a_secret_is_noted_apart_from_the_record(ctx: Context, log: TokenLog, records: Watched) -> None:
    """
    No token waits for it; it is noted when the log is looked after, and at the latest when it is closed.
    """
    used = "SELECT secret_id FROM tokens.uses WHERE secret_id <> '' ORDER BY secret_id"
    await append(log, event(), used_secret=("app", "one"))
    assert rows(ctx, used) == []
    log.look_after()
    await come_to_pass(lambda: rows(ctx, used) == ["one"])
    await append(log, event(), used_secret=("app", "two"))
    log.close()
    assert rows(ctx, used) == ["one", "two"]
    assert records.commits == [1, 1]


async def test_use_that_can_not_be_noted_is_noted_later(ctx: Context, log: TokenLog, records: Watched) -> None:
    """
    While the log can't be written, it waits with those that come.
    """
    await append(log, event(), used_secret=("app", "one"))
    records.fail_with = StorageUnavailable("another program has locked it")
    log.look_after()
    await come_to_pass(lambda: log.evidence.fault is not None)
    records.fail_with = None
    await append(log, event(), used_secret=("app", "two"))
    log.close()
    assert rows(ctx, "SELECT secret_id FROM tokens.uses ORDER BY secret_id") == ["one", "two"]


def test_use_of_a_secret_is_noted_once_a_minute() -> None:
    """
    The first use is noted, the next within a minute is not, one after it is; another secret's is.
    """
    uses = Uses()
    for seconds, secret in ((0, "one"), (30, "one"), (30, "two"), (59, "one"), (60, "one"), (90, "one")):
        uses.add("default", "app", secret, NOW + timedelta(seconds=seconds))
    start = int(NOW.timestamp())
    noted = [("one", 0), ("two", 30), ("one", 60)]
    assert uses.take() == [("default", "app", secret, (start + seconds) * 1_000_000) for secret, seconds in noted]
    assert uses.take() == []


def test_many_uses_are_noted_at_once(ctx: Context) -> None:
    """
    More than go into one statement are noted all the same, and the newest use of a secret counts.
    """
    with closing(ctx.database.token_records()) as records:
        records.note([("default", "app", f"secret {n}", 5) for n in range(2_500)])
        records.note([("default", "app", "secret 7", moment) for moment in (8, 9, 7)])
        records.note([("default", "app", "secret 7", 1)])
    assert len(rows(ctx, "SELECT secret_id FROM tokens.uses")) == 2_500
    assert rows(ctx, "SELECT secret_id FROM tokens.uses WHERE last_used_at = 9") == ["secret 7"]


HOSTILE = {
    "nul": "a\0b",
    "lone surrogate": "a\ud800b",
    "50 KB": "s" * 50_000,
    "four bytes each": "\N{BOMB}" * 10_000,
    "quotes and control characters": '"\\\n\r\x1b[2J' * 500,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_text_changes_nothing_for_its_neighbours(ctx: Context, log: TokenLog, text: str) -> None:
    """
    Whatever a caller sends, its record is bounded and readable, and those in the same commit are untouched.
    """
    parameters = dict.fromkeys(("scope", "resource", "grant_type", "organization_id"), (text,))
    seen = Seen(form=TokenForm(parameters), client_id=text)
    origin = Origin(ip=text, user_agent=text)
    hostile = token_refused(seen, InvalidTarget("unknown", detail=text), origin)
    await asyncio.gather(append(log, event(n=1)), append(log, hostile), append(log, event(n=2)))
    assert rows(ctx) == ['{"n":1}', '{"n":2}']
    (kept,) = rows(ctx, "SELECT payload FROM tokens.token_events WHERE key = 'ExchangeTokenBy.Unknown'")
    assert len(kept.encode()) <= LARGEST_RECORD
    assert json.loads(kept)["result"] == "Error"


@given(text=st.text(max_size=3000), repeats=st.integers(1, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_record_is_larger_than_promised(text: str, repeats: int) -> None:
    """
    Whatever stands in a request, its record stays below the bound and is valid JSON.
    """
    long = text * repeats
    parameters = dict.fromkeys(("scope", "resource", "grant_type"), (long,)) if long else {}
    seen = Seen(form=TokenForm(parameters), client_id=long)
    made = token_refused(seen, InvalidTarget("x", detail=long), Origin(ip=long, user_agent=long))
    encoded = msgspec.json.encode(made.payload)
    assert len(encoded) <= LARGEST_RECORD
    json.loads(encoded)


async def test_unknown_client_id_is_cut(ctx: Context, shopping: Shopping) -> None:
    """
    A secret sent in place of an id never reaches the log whole.
    """
    with pytest.raises(Exception, match="client authentication failed"):
        await ask(ctx, shopping.application_secret, "x")
    assert shopping.application_secret not in json.dumps(token_payloads(ctx.database))


@pytest.mark.parametrize("frozen", ["before the commit", "after the commit"])
async def test_process_that_was_frozen_grants_nothing_from_memory(ctx: Context, records: Watched, frozen: str) -> None:
    """
    What a token is granted by may have been taken away meanwhile: its request is refused, the others go on.
    """
    seconds = [100.0]
    log = TokenLog(records, lambda: NOW, lambda: seconds[0])
    if frozen == "before the commit":
        seconds[0] += Moment.LONGEST + 1
    else:
        records.after = lambda: seconds.__setitem__(0, 100.0 + Moment.LONGEST + 1)
    late, fresh, refusal = await asyncio.gather(
        append(log, event(n=1), moment=Moment(100.0)),
        append(log, event(n=2), moment=Moment(100.0 + Moment.LONGEST)),
        append(log, event(n=3)),
        return_exceptions=True,
    )
    log.close()
    assert isinstance(late, TemporarilyUnavailable)
    assert (fresh, refusal) == (None, None)
    kept = ['{"n":2}', '{"n":3}']
    assert rows(ctx) == (kept if frozen == "before the commit" else ['{"n":1}', *kept])


async def test_batch_of_nothing_but_late_records_leaves_the_log_at_work(ctx: Context, records: Watched) -> None:
    """
    A process that was frozen refuses all that waited, and goes on with what comes.
    """
    seconds = [100.0 + Moment.LONGEST + 1]
    log = TokenLog(records, lambda: NOW, lambda: seconds[0])
    late = await asyncio.gather(
        *(append(log, event(n=n), moment=Moment(100.0)) for n in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in late] == [TemporarilyUnavailable] * 3
    await asyncio.wait_for(append(log, event(n=3), moment=Moment(seconds[0])), 10)
    log.close()
    assert rows(ctx) == ['{"n":3}']


async def test_commit_that_hangs_keeps_nobody_waiting(
    ctx: Context, log: TokenLog, records: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever waits is refused in time, whoever comes later at once; when it comes back, records are kept again.
    """
    monkeypatch.setattr(token_log, "LONGEST_COMMIT_SECONDS", 0.05)
    records.gate.clear()
    first = asyncio.ensure_future(append(log, event(n=1)))
    await asyncio.to_thread(records.began.wait, 10)
    second = asyncio.ensure_future(append(log, event(n=2)))
    for waiting in (first, second):
        with pytest.raises(TemporarilyUnavailable) as caught:
            await asyncio.wait_for(waiting, 10)
        assert (caught.value.status, caught.value.detail) == (503, "a commit has not come back")
    with pytest.raises(TemporarilyUnavailable):
        await append(log, event(n=3))
    assert log.evidence.fault == "a commit has not come back"
    monkeypatch.setattr(token_log, "LONGEST_COMMIT_SECONDS", 10.0)
    records.gate.set()
    await come_to_pass(lambda: log.evidence.fault is None)
    await come_to_pass(lambda: log.is_accepting)
    await append(log, event(n=4))
    # The record whose commit came back late is there, though nobody has got its token; never the other way round.
    assert rows(ctx) == ['{"n":1}', '{"n":4}']


async def test_idle_log_is_tried_and_keeps_no_record_of_it(
    ctx: Context, log: TokenLog, records: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nobody asks for a token: that the log can't be written is found out all the same, and that it can again.
    """
    monkeypatch.setattr(evidence, "_GOOD_FOR_SECONDS", 0.0)
    monkeypatch.setattr(evidence, "_BAD_FOR_SECONDS", 0.0)
    records.fail_with = StorageUnavailable("database or disk is full")
    log.look_after()
    await come_to_pass(lambda: log.evidence.fault == "database or disk is full")
    records.fail_with = None

    def tried() -> bool:
        log.look_after()
        return log.evidence.fault is None

    await come_to_pass(tried)
    assert token_payloads(ctx.database) == []
    assert records.commits == []


async def come_to_pass(condition: Callable[[], bool]) -> None:
    """
    Let other things go on until something holds.
    """
    await asyncio.to_thread(wait_until, condition, "what the test waits for", seconds=10)
