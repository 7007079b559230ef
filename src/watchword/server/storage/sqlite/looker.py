"""
Looks at the main file, from the event loop's own thread: in WAL mode a read waits for nobody.
"""

import sqlite3
from pathlib import Path

from watchword.server.storage.changes import MOST_ROWS, Changes, Mark, since_mark, where_things_are
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.sqlite.connection import connect
from watchword.server.storage.sqlite.stored_file import Identity, StoredFile, named

_SINCE = (
    "SELECT number, nonce, kind, key FROM changes WHERE tenant_id = ? AND number >= ? "
    f"ORDER BY number LIMIT {MOST_ROWS + 1}"
)
_PATIENCE_MS = 250
_NEWEST = "SELECT number, nonce, kind, key FROM changes WHERE tenant_id = ? ORDER BY number DESC LIMIT 1"


class SqliteLooker:
    """
    One indexed read a look.
    """

    is_immediate = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = StoredFile(path)
        self._opened: Identity = ()
        self._connection: sqlite3.Connection | None = None

    def since(self, tenant_id: str, mark: Mark | None) -> Changes:
        """
        Read what has changed since a mark; without one, or where that is too much, just where things are.
        """
        if self._file.identity() != self._opened:
            self.close()
        try:
            connection = self._connection or self._open()
            server = named(self._opened)
            if mark is not None:
                found = connection.execute(_SINCE, (tenant_id, mark.number)).fetchall()
                if len(found) <= MOST_ROWS:
                    return since_mark(mark, found, server)
            return where_things_are(connection.execute(_NEWEST, (tenant_id,)).fetchall(), server)
        except sqlite3.Error as error:
            self.close()
            raise StorageUnavailable(str(error)) from error

    def close(self) -> None:
        """
        Close the connection; the next look opens another.
        """
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        self._connection = connect(self._path)
        self._connection.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")  # the event loop waits meanwhile
        self._opened = self._file.identify()
        return self._connection
