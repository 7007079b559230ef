"""
SQLite's files: a process keeps the locks on them, and makes the token log's where it is missing.
"""

from __future__ import annotations

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
from watchword.server.bootstrap import open_context, open_logs
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.databases import database_of
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.server.storage.database import Database

# Whoever closes the last connection takes the log away. Locks tell which one that is.
_COMES_AND_GOES = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
connection.close()
"""


def number_of_records(database: Database) -> int:
    """
    Count the records of tokens.
    """
    with database.read() as connection:
        number: int = connection.exec_driver_sql("SELECT count(*) FROM tokens.token_events").scalar_one()
    return number


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
        assert number_of_records(database) == 0
        with database.administer():
            pass
        subprocess.run([sys.executable, "-c", _COMES_AND_GOES, str(home / file)], check=True)
        assert (home / f"{file}-wal").exists()
        assert number_of_records(database) == 0
    with closing(sqlite3.connect(home / file)) as alone:
        assert alone.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@ON_SQLITE
def test_token_log_that_is_gone_is_made_anew(home: Path) -> None:
    """
    By who serves and by who reads the logs, and then it is there at once, in connections that were opened before, too.
    """
    settings = settings_of(home)
    delete_token_log(home)
    with closing(open_context(settings, NoRequestLines())) as ctx:
        assert number_of_records(ctx.database) == 0
    delete_token_log(home)
    with open_logs(settings) as (database, _):
        assert number_of_records(database) == 0


@ON_SQLITE
@pytest.mark.parametrize("number", range(9))
def test_connection_gets_the_token_log_when_there_are_descriptors_again(home: Path, number: int) -> None:
    """
    However far it came when it was opened.
    """
    with closing(database_of(settings_of(home))) as database:
        assert number_of_records(database) == 0
        database.close()
        with descriptors_left(number), suppress(StorageUnavailable), database.read():
            pass
        assert number_of_records(database) == 0
