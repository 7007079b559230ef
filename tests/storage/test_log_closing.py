"""
A number counts as closed only when no open transaction can still add one below it.
"""

from __future__ import annotations

import threading
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.support.home import ON_POSTGRESQL
from tests.support.sealed import add_some_tokens, seal
from watchword.cli.audit import following
from watchword.cli.failures import Failure
from watchword.server.operations.audit import verify
from watchword.server.operations.audit_stream import Stream, open_stream
from watchword.server.storage.audit import closing as closing_module
from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.audit.closing import closed_number

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchword.server.context import Context

INSERT = (
    "INSERT INTO tokens.token_events (tenant_id, key, payload, created_at) VALUES ('default', 'late', '{}', 1) "
    "RETURNING number"
)


@pytest.fixture
def slow(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """
    Return the connection of a writer that takes its time.
    """
    monkeypatch.setattr(closing_module, "_MOST_LOOKS", 2)
    url = ctx.settings.database_url
    assert url is not None
    with closing(psycopg.connect(url.get_secret_value())) as connection:
        yield connection


def test_what_is_committed_is_closed(ctx: Context) -> None:
    """
    Where nobody writes, up to the newest record.
    """
    assert closed_number(ctx.database, TOKENS) == 0
    add_some_tokens(ctx, 3)
    assert closed_number(ctx.database, TOKENS) == 3


@ON_POSTGRESQL
def test_open_transaction_keeps_its_number_open(ctx: Context, slow: psycopg.Connection) -> None:
    """
    The record with the smaller number comes later: neither seal nor stream has passed it by.
    """
    row = slow.execute(INSERT).fetchone()
    assert row == (1,)
    add_some_tokens(ctx, 3)
    stream = open_stream(ctx.database, None)
    assert closed_number(ctx.database, TOKENS) is None
    seal(ctx)
    assert not [line for line in stream.next_lines() if b"token_events" in line]
    assert stream.is_held_up
    slow.commit()
    assert closed_number(ctx.database, TOKENS) == 4
    seal(ctx)
    found = verify(ctx.database, ctx.keys, frozenset())[1]
    assert (found.faults, found.records) == ([], 4)
    assert len([line for line in stream.next_lines() if b'"record"' in line and b"token_events" in line]) == 4
    assert not stream.is_held_up


@ON_POSTGRESQL
def test_reading_once_ends_well_only_at_the_end(
    ctx: Context,
    slow: psycopg.Connection,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    What an open transaction keeps from being read is waited for, and told where it takes too long.
    """
    monkeypatch.setattr(following, "_stop_signals", threading.Event)
    monkeypatch.setattr(following, "_LOOK_EVERY_SECONDS", 0.0)
    add_some_tokens(ctx, 3)
    slow.execute(INSERT)
    with monkeypatch.context() as impatient:
        impatient.setattr(following, "_LONGEST_HELD_UP_SECONDS", 0.0)
        with pytest.raises(Failure, match="not all could be read"):
            following.run_stream(ctx.database, tmp_path / "cursor", once=True)
    assert "token_events" not in capfd.readouterr().out
    genuine = Stream.next_lines

    def reading(stream: Stream) -> list[bytes]:
        lines = genuine(stream)
        if stream.is_held_up and not lines:
            slow.commit()
        return lines

    monkeypatch.setattr(Stream, "next_lines", reading)
    following.run_stream(ctx.database, tmp_path / "cursor", once=True)
    assert capfd.readouterr().out.count('"chain":"token_events","kind":"record"') == 4


@ON_POSTGRESQL
def test_number_that_was_only_drawn_is_open_too(ctx: Context, slow: psycopg.Connection) -> None:
    """
    Between its number and its row a writer has no transaction id yet: what it has is a lock on the table.
    """
    slow.execute("SELECT nextval(pg_get_serial_sequence('tokens.token_events', 'number'))")
    slow.rollback()
    slow.execute("LOCK TABLE tokens.token_events IN ROW EXCLUSIVE MODE")
    slow.execute("SELECT nextval(pg_get_serial_sequence('tokens.token_events', 'number'))")
    assert slow.execute("SELECT pg_current_xact_id_if_assigned()").fetchone() == (None,)
    add_some_tokens(ctx, 1)
    assert closed_number(ctx.database, TOKENS) is None
    slow.rollback()
    assert closed_number(ctx.database, TOKENS) == 3


@ON_POSTGRESQL
def test_writers_that_come_later_keep_nothing_open(
    ctx: Context, slow: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Only those count that held the table when the number was read.
    """
    add_some_tokens(ctx, 2)
    genuine = closing_module._writers
    looks = 0

    def joined(*arguments: object) -> frozenset[str]:
        nonlocal looks
        looks += 1
        found = genuine(*arguments)  # type: ignore[arg-type]  # what was given
        if looks == 1:
            slow.execute(INSERT)
        return found

    monkeypatch.setattr(closing_module, "_writers", joined)
    assert closed_number(ctx.database, TOKENS) == 2
