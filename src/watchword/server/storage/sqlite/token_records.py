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
from time import monotonic
from typing import Any, NamedTuple, TextIO

from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.sqlite.checkpoints import Checkpoints
from watchword.server.storage.sqlite.connection import connect
from watchword.server.storage.sqlite.stored_file import Identity, StoredFile
from watchword.server.storage.token_records import Record, RecordRefused, Use

MOST_ROWS_A_STATEMENT = 1_000
# After so many records the WAL is copied back, beside the commits.
_RECORDS_A_CHECKPOINT = 2_000
# A commit that finds so many pages in the WAL copies what is left of them, and lets the WAL begin anew. With SQLite's
# own 1,000, every fortieth does.
_CHECKPOINT_PAGES = 8_000
# Each size of a batch has a statement of its own, and those of large ones take much memory.
_STATEMENTS = 16
_REOPENS_AFTER_SECONDS = 2.0
# A DatabaseError that is none of its subclasses: the file is damaged, or no database at all.
_UNAVAILABLE = (sqlite3.DatabaseError, sqlite3.OperationalError)


class _Table(NamedTuple):
    """
    Where rows go, and what becomes of one that is there already.
    """

    name: str
    columns: str
    conflict: str = ""


_RECORDS = _Table("token_events", "tenant_id, key, application_id, user_id, payload, created_at")
_USES = _Table(
    "uses",
    "tenant_id, application_id, secret_id, last_used_at",
    "ON CONFLICT (tenant_id, application_id, secret_id) DO UPDATE "
    "SET last_used_at = max(last_used_at, excluded.last_used_at)",
)


class SqliteTokenRecords:
    """
    The writing end of `tokens.db`. One thread uses it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = StoredFile(path)
        self._opened: Identity = ()
        self._reopens_at = 0.0
        self._installation: str | None = None
        self._lock: TextIO | None = None
        self._connection: sqlite3.Connection | None = None
        self._checkpoints = Checkpoints(path)
        self._written = 0  # since the last checkpoint was begun

    def commit(self, records: Sequence[Record]) -> None:
        """
        Make records durable, all or none.

        Raises:
            StorageUnavailable: The file can't be written now.
            RecordRefused: One of them can't be kept.
        """
        self._write(_RECORDS, [record.row for record in records])
        self._written += len(records)
        if self._written >= _RECORDS_A_CHECKPOINT:
            self._written = 0
            self._checkpoints.begin()

    def note(self, uses: Sequence[Use]) -> None:
        """
        Note when secrets were used, all or none; of each, the newest use counts.

        Raises:
            StorageUnavailable: The file can't be written now.
        """
        self._write(_USES, uses)

    def _write(self, into: _Table, rows: Sequence[tuple[Any, ...]]) -> None:
        try:
            connection = self._still_open() or self._open()
            with self._turn():
                if len(rows) <= MOST_ROWS_A_STATEMENT:
                    # One statement is a transaction of its own. Each step of SQLite gives up the interpreter's lock
                    # and has to win it back from a busy event loop: one step a batch, not one a record.
                    _insert(connection, into, rows)
                else:
                    _insert_in_parts(connection, into, rows)
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and type(error) not in _UNAVAILABLE:
                raise RecordRefused(str(error)) from error
            self.close()
            raise StorageUnavailable(str(error)) from error

    def close(self) -> None:
        """
        Close the connection; the next commit opens another.
        """
        self._checkpoints.finish()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _still_open(self) -> sqlite3.Connection | None:
        lost = self._connection is not None and self._file.identity() != self._opened
        if lost:
            self.close()
            self._reopens_at = monotonic() + _REOPENS_AFTER_SECONDS
        # Who reads the log lets go of the lost files meanwhile: SQLite must not mix what is left of them with others.
        if lost or monotonic() < self._reopens_at:
            raise StorageUnavailable("the file was moved, deleted or exchanged")
        return self._connection

    def _open(self) -> sqlite3.Connection:
        lock = os.open(self._path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        self._lock = os.fdopen(lock, "w")
        self._connection = connect(self._path, statements=_STATEMENTS)
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        self._opened = self._file.identify()
        self._check_installation(self._connection)
        return self._connection

    def _check_installation(self, connection: sqlite3.Connection) -> None:
        # Whoever opened the home has seen that the first one is right.
        (found,) = connection.execute("SELECT id FROM installation").fetchone() or (None,)
        self._installation = self._installation or found
        if found != self._installation:
            raise OSError(f"{self._path.name} belongs to another installation")

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


def _insert(connection: sqlite3.Connection, into: _Table, rows: Sequence[tuple[Any, ...]]) -> None:
    row = f"({', '.join('?' * len(rows[0]))})"
    statement = f"INSERT INTO {into.name} ({into.columns}) VALUES {', '.join([row] * len(rows))} {into.conflict}"
    connection.execute(statement, list(chain.from_iterable(rows)))


def _insert_in_parts(connection: sqlite3.Connection, into: _Table, rows: Sequence[tuple[Any, ...]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for first in range(0, len(rows), MOST_ROWS_A_STATEMENT):
            _insert(connection, into, rows[first : first + MOST_ROWS_A_STATEMENT])
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
