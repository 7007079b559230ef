"""
Looks at the server: one round trip, on a connection of its own; two where too much has changed.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg

from watchword.server.storage.changes import MOST_ROWS, Changes, Mark, Row, since_mark, where_things_are
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.postgresql.connection import THIS_SERVER, connect

_LOOK = (
    f"SELECT {THIS_SERVER}, pg_is_in_recovery(), number, nonce, kind, key FROM (SELECT 1) AS this LEFT JOIN LATERAL "
    "(SELECT number, nonce, kind, key FROM changes WHERE tenant_id = %s {}) AS found ON true ORDER BY number"
)
_SINCE = _LOOK.format(f"AND number >= %s ORDER BY number LIMIT {MOST_ROWS + 1}")
_NEWEST = _LOOK.format("ORDER BY number DESC LIMIT 1")


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
        Read what has changed since a mark; without one, or where that is too much, just where things are.
        """
        try:
            if mark is not None:
                server, found = self._look(_SINCE, tenant_id, mark.number)
                if len(found) <= MOST_ROWS:
                    return since_mark(mark, found, server)
            server, found = self._look(_NEWEST, tenant_id)
            return where_things_are(found, server)
        except psycopg.Error as error:
            self.close()
            raise StorageUnavailable(str(error)) from error

    def close(self) -> None:
        """
        Close the connection; the next look opens another.
        """
        if self._cursor is not None:
            with suppress(psycopg.Error):
                self._cursor.connection.close()
            self._cursor = None

    def _look(self, query: str, *about: object) -> tuple[str, Sequence[Row]]:
        """
        Return which server answered, and the rows that it found.
        """
        cursor = self._cursor or self._open()
        rows = cursor.execute(query, about, prepare=True).fetchall()
        server, is_in_recovery = rows[0][:2]
        if is_in_recovery:
            self.close()
            raise StorageUnavailable("the database server is a standby")
        return server, [row[2:] for row in rows if row[2] is not None]

    def _open(self) -> psycopg.Cursor[Any]:
        self._cursor = connect(self._url).cursor()
        return self._cursor
