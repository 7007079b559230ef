"""
Writing the token log: batches of records into `tokens.db`, with the driver itself.
"""

import fcntl
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from watchword.server.storage.database import StorageUnavailable, connect

_INSERT = (
    "INSERT INTO token_events (tenant_id, id, key, application_id, user_id, payload, created_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_NOTE_USE = (
    "INSERT INTO uses (tenant_id, application_id, secret_id, last_used_at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (tenant_id, application_id, secret_id) DO UPDATE "
    "SET last_used_at = max(last_used_at, excluded.last_used_at)"
)

Row = tuple[str, str, str, str | None, str | None, str, int]
Use = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Record:
    """
    What one request adds: its row, and the use of a secret where that is to be noted.
    """

    row: Row
    use: Use | None


class TokenRecords:
    """
    The writing end of `tokens.db`. One thread uses it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = path.with_suffix(".lock")
        self._connection: sqlite3.Connection | None = None

    def commit(self, records: Sequence[Record]) -> None:
        """
        Make records durable, all or none.

        Raises:
            StorageUnavailable: The file can't be written now.
            sqlite3.Error: A record can't be kept.
        """
        try:
            with self._turn():
                connection = self._connection or self._open()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    connection.executemany(_INSERT, [record.row for record in records])
                    uses = [record.use for record in records if record.use is not None]
                    if uses:
                        connection.executemany(_NOTE_USE, uses)
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
        except (sqlite3.OperationalError, OSError) as error:
            self.close()
            raise StorageUnavailable(str(error)) from error

    def close(self) -> None:
        """
        Close the connection; the next commit opens another.
        """
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        self._connection = connect(self._path)
        return self._connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # Processes queue on a file lock: SQLite's busy handler sleeps, which costs a multiple of a commit.
        with self._lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
