"""
Looks at the server: one round trip, on a connection of its own.
"""

from contextlib import suppress
from typing import Any

import psycopg

from watchword.server.storage.changes import Changes, Mark, since_mark, where_things_are
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.postgresql.connection import THIS_SERVER, connect

_SERVER = f"SELECT {THIS_SERVER}, pg_is_in_recovery(), number, nonce, kind, key FROM (SELECT 1) AS this"
_SINCE = f"{_SERVER} LEFT JOIN changes ON tenant_id = %s AND number >= %s ORDER BY number"
_NEWEST = (
    f"{_SERVER} LEFT JOIN LATERAL (SELECT number, nonce, kind, key FROM changes WHERE tenant_id = %s "
    "ORDER BY number DESC LIMIT 1) AS newest ON true"
)


class PostgresLooker:
    """
    Asks the primary, and nothing but the primary: a server in recovery may not know yet what was answered.
    """

    is_immediate = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._cursor: psycopg.Cursor[Any] | None = None

    def since(self, tenant_id: str, mark: Mark | None) -> Changes:
        """
        Read what has changed since a mark; without one, just where things are.
        """
        try:
            cursor = self._cursor or self._open()
            if mark is None:
                rows = cursor.execute(_NEWEST, (tenant_id,), prepare=True).fetchall()
            else:
                rows = cursor.execute(_SINCE, (tenant_id, mark.number), prepare=True).fetchall()
        except psycopg.Error as error:
            self.close()
            raise StorageUnavailable(str(error)) from error
        server, is_in_recovery = rows[0][:2]
        if is_in_recovery:
            self.close()
            raise StorageUnavailable("the database server is a standby")
        found = [row[2:] for row in rows if row[2] is not None]
        return where_things_are(found, server) if mark is None else since_mark(mark, found, server)

    def close(self) -> None:
        """
        Close the connection; the next look opens another.
        """
        if self._cursor is not None:
            with suppress(psycopg.Error):
                self._cursor.connection.close()
            self._cursor = None

    def _open(self) -> psycopg.Cursor[Any]:
        self._cursor = connect(self._url).cursor()
        return self._cursor
