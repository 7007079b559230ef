"""
The token log's WAL is copied back beside the commits.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.home import ON_SQLITE
from tests.support.stored import count_token_records
from watchword.server.storage.sqlite import token_records
from watchword.server.storage.sqlite.token_records import SqliteTokenRecords
from watchword.server.storage.token_records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchword.server.context import Context

pytestmark = ON_SQLITE
RECORD = Record(("default", "ExchangeTokenBy.ClientCredentials", "app", None, "{}", 0), None)


@pytest.fixture
def records(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteTokenRecords]:
    """
    Write to the home's log, where ten records let the WAL be copied back.
    """
    monkeypatch.setattr(token_records, "_RECORDS_A_CHECKPOINT", 10)
    with closing(SqliteTokenRecords(ctx.settings.token_database)) as made:
        yield made


def kept_without_wal(path: Path, tmp_path: Path) -> int:
    """
    Count the records that are in the file itself.
    """
    alone = tmp_path / "alone.db"
    shutil.copyfile(path, alone)
    with closing(sqlite3.connect(alone)) as connection:
        number: int = connection.execute("SELECT count(*) FROM token_events").fetchone()[0]
    return number


def test_records_get_into_the_file_without_a_commit_that_copies_them(
    ctx: Context, records: SqliteTokenRecords, tmp_path: Path
) -> None:
    """
    Nine records stay in the WAL; the tenth lets all be copied.
    """
    path = ctx.settings.token_database
    before = kept_without_wal(path, tmp_path)
    records.commit([RECORD] * 9)
    assert kept_without_wal(path, tmp_path) == before
    records.commit([RECORD])
    records._checkpoints.finish()
    assert kept_without_wal(path, tmp_path) == before + 10


def test_checkpoint_that_fails_harms_no_commit(
    ctx: Context, records: SqliteTokenRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whether the log can be written, the commits find out by themselves.
    """

    def fail(_path: Path) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr("watchword.server.storage.sqlite.checkpoints.open_existing", fail)
    for _ in range(3):
        records.commit([RECORD] * 10)
        records._checkpoints.finish()
    assert count_token_records(ctx.database) == 30


def test_checkpoints_of_a_log_in_use_keep_every_record(ctx: Context, records: SqliteTokenRecords) -> None:
    """
    Commits and checkpoints run beside each other.
    """
    for _ in range(200):
        records.commit([RECORD] * 7)
    records.close()
    assert count_token_records(ctx.database) == 1_400
    with ctx.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA tokens.integrity_check").scalar_one() == "ok"
