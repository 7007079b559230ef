"""
SQLite's files: a process keeps the locks on them, and makes the token log's where it is missing.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.home import ON_SQLITE, settings_of
from tests.support.stored import count_token_records
from watchword.server.bootstrap import initialise, open_context, open_ground, open_logs
from watchword.server.storage.administration import bring_up_to_date, database_status
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.databases import database_of
from watchword.server.storage.migrate import SchemaError
from watchword.server.storage.settling import TokenLogMissing
from watchword.server.storage.sqlite import database as sqlite_database
from watchword.server.storage.sqlite.turns import turn
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from watchword.server.settings import Settings

# Whoever closes the last connection takes the log away. Locks tell which one that is.
_COMES_AND_GOES = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
connection.close()
"""


def delete_token_log(home: Path) -> None:
    """
    Delete the file, and what SQLite keeps beside it.
    """
    for path in home.glob("tokens.db*"):
        path.unlink()


@contextmanager
def descriptors_left(number: int) -> Iterator[None]:
    """
    Let this process open so many files more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    newest = max(int(path.name) for path in Path("/dev/fd").iterdir())
    gaps = [os.open(os.devnull, os.O_RDONLY)]
    while gaps[-1] < newest:
        gaps.append(os.open(os.devnull, os.O_RDONLY))
    resource.setrlimit(resource.RLIMIT_NOFILE, (gaps[-1] + 1 + number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in gaps:
            os.close(descriptor)


@ON_SQLITE
@pytest.mark.parametrize("file", ["watchword.db", "tokens.db"])
def test_administration_leaves_the_locks_of_connections(home: Path, file: str) -> None:
    """
    To close a file gives up all locks that a process has on it, so nobody opens one beside SQLite.
    """
    with closing(database_of(settings_of(home))) as database:
        assert count_token_records(database) == 0
        with database.administer():
            pass
        subprocess.run([sys.executable, "-c", _COMES_AND_GOES, str(home / file)], check=True)
        assert (home / f"{file}-wal").exists()
        assert count_token_records(database) == 0
    with closing(sqlite3.connect(home / file)) as alone:
        assert alone.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@ON_SQLITE
def test_token_log_that_is_gone_is_begun_anew_by_who_begins_to_serve(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It is said, and the log is there at once, in connections that were opened before, too.
    """
    delete_token_log(home)
    for auto_migrate in (False, True):
        settings = settings_of(home, auto_migrate=auto_migrate)
        with closing(open_context(settings, NoRequestLines(), begins_token_log=True)) as ctx:
            assert count_token_records(ctx.database) == 0
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == ["the token log was missing: a new one was begun"]


def _open_a_context(settings: Settings) -> None:
    with closing(open_context(settings, NoRequestLines())):
        pass


def _open_logs(settings: Settings) -> None:
    with open_logs(settings):
        pass


def _open_ground(settings: Settings) -> None:
    with open_ground(settings):
        pass


OPENINGS = (_open_a_context, _open_logs, _open_ground, initialise, bring_up_to_date, database_status)


@ON_SQLITE
@pytest.mark.parametrize("is_there", [False, True], ids=["gone", "empty"])
@pytest.mark.parametrize("open_home", OPENINGS, ids=lambda each: each.__name__)
def test_nobody_else_makes_a_token_log_in_the_place_of_one_that_was_there(
    home: Path, open_home: Callable[[Settings], object], *, is_there: bool
) -> None:
    """
    A worker, a command, an audit: a server that goes on with an empty one would hide that the records are gone.
    """
    delete_token_log(home)
    if is_there:
        (home / "tokens.db").touch()
    with pytest.raises(TokenLogMissing, match=r"put .*/tokens\.db back"):
        open_home(settings_of(home))
    assert [path.stat().st_size for path in home.glob("tokens.db")] == [0] * is_there


@ON_SQLITE
def test_logs_with_the_token_log_of_another_installation_are_not_read(home: Path, tmp_path: Path) -> None:
    """
    Nothing would be proved by it.
    """
    initialise(settings_of(tmp_path / "other"))
    delete_token_log(home)
    (tmp_path / "other" / "tokens.db").rename(home / "tokens.db")
    with pytest.raises(SchemaError, match="belongs to another installation"):
        _open_logs(settings_of(home))


@ON_SQLITE
@pytest.mark.parametrize("number", range(9))
def test_connection_gets_the_token_log_when_there_are_descriptors_again(home: Path, number: int) -> None:
    """
    However far it came when it was opened.
    """
    with closing(database_of(settings_of(home))) as database:
        assert count_token_records(database) == 0
        database.close()
        with descriptors_left(number), suppress(StorageUnavailable), database.read():
            pass
        assert count_token_records(database) == 0


@ON_SQLITE
@pytest.mark.parametrize("open_home", OPENINGS, ids=lambda each: each.__name__)
def test_home_that_is_up_to_date_is_opened_beside_busy_writers_of_the_token_log(
    home: Path, open_home: Callable[[Settings], object]
) -> None:
    """
    Whose turn never ends, and who hold SQLite's lock: nothing has to be written.
    """
    with turn(home / "tokens.db"), closing(sqlite3.connect(home / "tokens.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE").close()
        open_home(settings_of(home))


@pytest.mark.parametrize("most_seconds", [None, 30.0])
def test_lock_that_cannot_be_had_is_no_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_seconds: float | None
) -> None:
    """
    Some network file systems have no locks to give: nobody writes as if they had one.
    """

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(StorageUnavailable, match="No locks available"),
        turn(tmp_path / "t.db", most_seconds=most_seconds),
    ):
        pytest.fail("it went on without the lock")


def test_migration_waits_for_its_turn_at_the_token_log_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As commits do, and nobody who writes the main database waits with it; the wait has an end.
    """
    home = tmp_path / "home"
    bring_up_to_date(settings_of(home))
    delete_token_log(home)
    waits: list[float] = []

    def watched(path: Path, *, most_seconds: float) -> AbstractContextManager[None]:
        waits.append(most_seconds)
        with closing(sqlite3.connect(home / "watchword.db", isolation_level=None, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE").close()
        return turn(path, most_seconds=most_seconds)

    monkeypatch.setattr(sqlite_database, "turn", watched)
    with monkeypatch.context() as impatient, turn(home / "tokens.db"):
        impatient.setattr(sqlite_database, "_LONGEST_WAIT_SECONDS", 0.01)
        with pytest.raises(StorageUnavailable, match="has been writing the token log"):
            bring_up_to_date(settings_of(home))
    bring_up_to_date(settings_of(home))
    assert waits == [0.01, 30.0]
