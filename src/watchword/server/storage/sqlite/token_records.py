"""
Writing the token log: batches of records into `tokens.db`, with the driver itself.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TextIO

from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.sqlite.connection import connect
from watchword.server.storage.token_records import Record, RecordRefused, Use

MOST_ROWS_A_STATEMENT = 1_000
_COLUMNS = "tenant_id, key, application_id, user_id, payload, created_at"
_ROW = "(?, ?, ?, ?, ?, ?)"
_NOTE_USE = (
    "INSERT INTO uses (tenant_id, application_id, secret_id, last_used_at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (tenant_id, application_id, secret_id) DO UPDATE "
    "SET last_used_at = max(last_used_at, excluded.last_used_at)"
)


class SqliteTokenRecords:
    """
    The writing end of `tokens.db`. One thread uses it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: TextIO | None = None
        self._connection: sqlite3.Connection | None = None

    def commit(self, records: Sequence[Record]) -> None:
        """
        Make records durable, all or none.

        Raises:
            StorageUnavailable: The file can't be written now.
            RecordRefused: One of them can't be kept.
        """
        try:
            connection = self._connection or self._open()
            uses = [record.use for record in records if record.use is not None]
            with self._turn():
                if uses or len(records) > MOST_ROWS_A_STATEMENT:
                    _insert_with_uses(connection, records, uses)
                else:
                    # One statement is a transaction of its own. Each step of SQLite gives up the interpreter's lock
                    # and has to win it back from a busy event loop: one step a batch, not one a record.
                    _insert(connection, records)
        except (sqlite3.OperationalError, OSError) as error:
            self.close()
            raise StorageUnavailable(str(error)) from error
        except sqlite3.Error as error:
            raise RecordRefused(str(error)) from error

    def close(self) -> None:
        """
        Close the connection; the next commit opens another.
        """
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _open(self) -> sqlite3.Connection:
        lock = os.open(self._path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        self._lock = os.fdopen(lock, "w")
        self._connection = connect(self._path)
        return self._connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # Processes queue on a file lock: SQLite's busy handler sleeps, which costs a multiple of a commit.
        if self._lock is None:
            raise OSError("the token log is not open")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)


def _insert(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    for first in range(0, len(records), MOST_ROWS_A_STATEMENT):
        part = records[first : first + MOST_ROWS_A_STATEMENT]
        statement = f"INSERT INTO token_events ({_COLUMNS}) VALUES {', '.join([_ROW] * len(part))}"
        connection.execute(statement, list(chain.from_iterable(record.row for record in part)))


def _insert_with_uses(connection: sqlite3.Connection, records: Sequence[Record], uses: Sequence[Use]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        _insert(connection, records)
        if uses:
            connection.executemany(_NOTE_USE, uses)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
