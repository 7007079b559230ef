"""
The logs as one stream: nothing is left out, whatever happens between two readings.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.architecture.pages import DOCS, rows
from tests.support.home import ON_SQLITE, settings_of
from tests.support.sealed import add_changes, add_some_tokens, add_tokens, seal
from tests.support.stored import execute_on_tokens
from watchword.server.bootstrap import open_context
from watchword.server.domain.log_chain import BEGINNING
from watchword.server.jobs import retention
from watchword.server.operations import audit_stream
from watchword.server.operations.audit_stream import Cursor, CursorError, open_stream
from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.audit.closing import closed_number
from watchword.server.storage.database import StorageUnavailable
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from pathlib import Path

    from watchword.server.context import Context
    from watchword.server.storage.audit.chains import Chain
    from watchword.server.storage.database import Database

Line = dict[str, Any]


def read_on(ctx: Context, cursor: Cursor | None) -> tuple[list[Line], Cursor]:
    """
    Read all that is there, as a process that begins with a cursor does.
    """
    stream = open_stream(ctx.database, None if cursor is None else Cursor.decode(cursor.encode()))
    lines: list[Line] = []
    while found := stream.next_lines():
        lines += [msgspec.json.decode(line) for line in found]
    return lines, stream.cursor


def numbers(lines: list[Line], chain: str) -> list[int]:
    """
    Return the numbers of a chain's records, in the order of the stream.
    """
    return [line["number"] for line in lines if line["kind"] == "record" and line["chain"] == chain]


def test_every_record_comes_once_and_in_order(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Across batches and readings, with many records in one instant; each goes on where the last one ended.
    """
    monkeypatch.setattr(audit_stream, "_MOST_AT_ONCE", 7)
    now = ctx.clock()
    add_tokens(ctx, [(now, "k", "app1")] * 20)
    add_changes(ctx, 9)
    first, cursor = read_on(ctx, None)
    assert numbers(first, "token_events") == list(range(1, 21))
    changes = numbers(first, "audit_events")
    assert changes == list(range(1, len(changes) + 1))
    assert len(changes) > 9
    assert read_on(ctx, cursor)[0] == []
    add_tokens(ctx, [(now - timedelta(days=1), "k", None)] * 3)
    second, _ = read_on(ctx, cursor)
    assert numbers(second, "token_events") == [21, 22, 23]


def test_reading_that_fails_half_way_is_read_again(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Lines that nobody has got are not behind the cursor.
    """
    add_changes(ctx, 3)
    add_tokens(ctx, [(ctx.clock(), "k", "app1")] * 2)
    stream = open_stream(ctx.database, None)

    def fail(database: Database, chain: Chain) -> int | None:
        if chain is TOKENS:
            raise StorageUnavailable("away")
        return closed_number(database, chain)

    before = stream.cursor
    monkeypatch.setattr(audit_stream, "closed_number", fail)
    with pytest.raises(StorageUnavailable):
        stream.next_lines()
    assert stream.cursor == before
    monkeypatch.undo()
    lines = [msgspec.json.decode(line) for line in stream.next_lines()]
    assert numbers(lines, "audit_events")[:3] == [1, 2, 3]
    assert numbers(lines, "token_events") == [1, 2]


def test_head_comes_after_the_records_that_it_covers(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Once, whether it was made before the reading or between two.
    """
    monkeypatch.setattr(audit_stream, "_MOST_AT_ONCE", 4)
    add_some_tokens(ctx, 10)
    seal(ctx)
    add_some_tokens(ctx, 3)
    lines, cursor = read_on(ctx, None)
    tokens = [line for line in lines if line["chain"] == "token_events"]
    heads = [position for position, line in enumerate(tokens) if line["kind"] == "head"]
    assert len(heads) == 1
    assert tokens[heads[0] - 1].get("number", 10) >= 10
    seal(ctx)
    lines, _ = read_on(ctx, cursor)
    assert [(line["kind"], line["chain"], line["seal"], line["last"]) for line in lines] == [
        ("head", "token_events", 2, 13)
    ]


def test_record_is_what_the_log_shows(ctx: Context) -> None:
    """
    The members of a record, of both logs.
    """
    add_tokens(ctx, [(ctx.clock(), "k", "app1")])
    (change, *_, token), _ = read_on(ctx, None)
    assert change["id"] != token["id"] == "t00000000000000000001"
    assert token | {"installation": "", "createdAt": ""} == {
        "schema": "watchword.audit/1",
        "installation": "",
        "chain": "token_events",
        "kind": "record",
        "number": 1,
        "id": "t00000000000000000001",
        "tenantId": "default",
        "key": "k",
        "applicationId": "app1",
        "userId": None,
        "createdAt": "",
        "payload": {"result": "Success", "n": 0},
    }


def test_what_retention_dropped_before_it_was_read_is_a_gap(ctx: Context, home: Path) -> None:
    """
    The stream says which numbers are gone, and goes on after them.
    """
    add_some_tokens(ctx, 2, age=timedelta(days=3))
    _, cursor = read_on(ctx, None)
    add_some_tokens(ctx, 5, age=timedelta(days=3))
    seal(ctx)
    add_some_tokens(ctx, 2)
    ctx.close()
    context = open_context(settings_of(home, token_log_retention_days=1), NoRequestLines())
    with closing(context):
        retention.run_once(context, context.clock())
        lines, _ = read_on(context, cursor)
        afresh, _ = read_on(context, None)
    tokens = [line for line in lines if line["chain"] == "token_events"]
    assert [(line["kind"], line["first"], line["last"]) for line in tokens if line["kind"] == "gap"] == [("gap", 3, 7)]
    assert numbers(tokens, "token_events") == [8, 9]
    assert numbers(afresh, "token_events") == [8, 9]
    assert not [line for line in afresh if "gap" in line["kind"]]


def test_heads_that_retention_dropped_before_they_were_read_are_a_gap(ctx: Context, home: Path) -> None:
    """
    Who read the records before they were sealed is told which seals are missed, once, and gets those that come after.
    """
    add_some_tokens(ctx, 5, age=timedelta(days=3))
    _, cursor = read_on(ctx, None)
    seal(ctx)
    ctx.close()
    context = open_context(settings_of(home, token_log_retention_days=1), NoRequestLines())
    with closing(context):
        retention.run_once(context, context.clock())
        late, cursor = read_on(context, cursor)
        add_some_tokens(context, 2)
        seal(context)
        after, _ = read_on(context, cursor)
    tokens = [line for line in late if line["chain"] == "token_events"]
    assert [(line["kind"], line["firstSeal"], line["lastSeal"]) for line in tokens] == [("head-gap", 1, 1)]
    tokens = [line for line in after if line["chain"] == "token_events"]
    assert [line["kind"] for line in tokens] == ["record", "record", "head"]
    assert tokens[-1]["seal"] == 2


def test_cursor_of_another_installation_is_refused(ctx: Context) -> None:
    """
    Numbers mean nothing elsewhere.
    """
    _, cursor = read_on(ctx, None)
    other = msgspec.structs.replace(cursor, installation="other")
    with pytest.raises(CursorError, match="installation other"):
        open_stream(ctx.database, other)


def test_log_that_became_shorter_is_refused(ctx: Context) -> None:
    """
    A cursor ahead of the log: an earlier copy was put back, or the end was cut off.
    """
    add_some_tokens(ctx, 5)
    _, cursor = read_on(ctx, None)
    execute_on_tokens(ctx.database, "DELETE FROM token_events WHERE number > 3")
    with pytest.raises(CursorError, match="ends at number 3 and was read up to 5"):
        open_stream(ctx.database, cursor)


@ON_SQLITE
def test_log_that_went_another_way_is_refused(ctx: Context, tmp_path: Path) -> None:
    """
    An earlier copy that was put back and went on has other seals, whatever its numbers.
    """
    add_some_tokens(ctx, 5)
    ctx.database.close()
    copied = shutil.copytree(ctx.settings.home, tmp_path / "copied")
    add_some_tokens(ctx, 5)
    seal(ctx)
    _, cursor = read_on(ctx, None)
    context = open_context(settings_of(copied), NoRequestLines())
    with closing(context):
        add_some_tokens(context, 7)
        seal(context)
        with pytest.raises(CursorError, match="not the one that was read"):
            open_stream(context.database, cursor)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="no members"),
        pytest.param(b'{"schema":"watchword.audit/2","installation":"x","places":{}}', id="another version"),
        pytest.param(b"\xff", id="not text"),
    ],
)
def test_what_is_no_cursor_is_refused(text: bytes) -> None:
    """
    It is not taken for the beginning.
    """
    with pytest.raises(CursorError):
        Cursor.decode(text)


def test_every_member_is_documented(ctx: Context, home: Path) -> None:
    """
    The reference has the members of each kind of line, and no others.
    """
    add_some_tokens(ctx, 2, age=timedelta(days=3))
    seal(ctx)
    ctx.close()
    context = open_context(settings_of(home, token_log_retention_days=1), NoRequestLines())
    cursor = Cursor(
        installation=read_on(context, None)[1].installation,
        places={"audit_events": BEGINNING, "token_events": BEGINNING},
    )
    with closing(context):
        retention.run_once(context, context.clock())
        add_some_tokens(context, 2)
        seal(context)
        lines, _ = read_on(context, cursor)
    page = DOCS / "reference" / "audit-events.md"
    common = {row[0].strip("`") for row in rows(page, "Every line")}
    for kind, heading in {"record": "Records", "head": "Heads", "gap": "Gaps", "head-gap": "Gaps of heads"}.items():
        told = common | {row[0].strip("`") for row in rows(page, heading)}
        found = [set(line) for line in lines if line["kind"] == kind]
        assert found
        assert all(members == told for members in found), kind
