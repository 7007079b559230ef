"""
Writing the token log: a batch is one statement, and one transaction, on a connection of its own.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
import psycopg

from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.postgresql.connection import THIS_SERVER, UNCONFIRMED, Link, connect
from watchword.server.storage.token_records import Record, RecordRefused, Use

# A batch is one JSON array of rows, written at once. An array for each column is written by the driver value by value,
# in Python, while the event loop waits for the interpreter's lock: that took ten times as long.
#
# What was decided by one server's rows is written to that server or not at all: another one may have forgotten them.
_INSERT = (
    "INSERT INTO tokens.token_events (tenant_id, key, application_id, user_id, payload, created_at) "
    "SELECT r->>0, r->>1, r->>2, r->>3, r->>4, (r->>5)::bigint FROM jsonb_array_elements(%s::jsonb) AS batch(r) "
    f"WHERE %s IN ('', {THIS_SERVER}) AND NOT pg_is_in_recovery()"
)
_NOTE = (
    "INSERT INTO tokens.uses (tenant_id, application_id, secret_id, last_used_at) "
    "SELECT r->>0, r->>1, r->>2, (r->>3)::bigint FROM jsonb_array_elements(%s::jsonb) AS batch(r) "
    "ON CONFLICT (tenant_id, application_id, secret_id) DO UPDATE "
    "SET last_used_at = greatest(uses.last_used_at, excluded.last_used_at)"
)
_BAD_RECORD = (psycopg.DataError, psycopg.IntegrityError)


class PostgresTokenRecords:
    """
    The writing end of the schema `tokens`. One thread uses it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._link: Link | None = None
        self._cursor: psycopg.Cursor[Any] | None = None

    def commit(self, records: Sequence[Record]) -> None:
        """
        Make records durable, all or none.

        Raises:
            StorageUnavailable: They can't be written now, or not where they were decided.
            RecordRefused: One of them can't be kept.
        """
        written = self._write(_INSERT, [_json([record.row for record in records]), _server_of(records)])
        if written != len(records):
            self.close()
            raise StorageUnavailable("the database server is another one than that which was looked at")

    def note(self, uses: Sequence[Use]) -> None:
        """
        Note when secrets were used, all or none; of each, the newest use counts.

        Raises:
            StorageUnavailable: They can't be written now.
        """
        self._write(_NOTE, [_json(_newest_once(uses))])

    def _write(self, statement: str, values: Sequence[str]) -> int:
        """
        Execute a statement in a transaction of its own; return how many rows it has written.
        """
        try:
            cursor = self._cursor or self._open()
            cursor.execute(statement, values, prepare=True)
        except psycopg.Error as error:
            if _is_for_good(error):
                raise RecordRefused(str(error)) from error
            self.close()
            raise StorageUnavailable(str(error)) from error
        if self._link is not None and self._link.take_unconfirmed():
            raise StorageUnavailable(UNCONFIRMED)
        return cursor.rowcount

    def close(self) -> None:
        """
        Close the connection; the next commit opens another.
        """
        if self._link is not None:
            with suppress(psycopg.Error):
                self._link.close()
            self._link = self._cursor = None

    def _open(self) -> psycopg.Cursor[Any]:
        self._link = connect(self._url)
        self._cursor = self._link.cursor()
        return self._cursor


def _is_for_good(error: psycopg.Error) -> bool:
    # What is checked is when it was written, and only while the rest is closed: the record is fine.
    return isinstance(error, _BAD_RECORD) and not isinstance(error, psycopg.errors.CheckViolation)


def _server_of(records: Sequence[Record]) -> str:
    servers = {record.moment.server for record in records if record.moment is not None}
    if len(servers) > 1:
        raise StorageUnavailable("the database server changed within a batch")
    return servers.pop() if servers else ""


def _newest_once(uses: Sequence[Use]) -> list[Use]:
    # A statement may touch a row once, and nodes that touch several do it in one order.
    return [(*key, last) for key, last in {use[:3]: use[3] for use in sorted(uses)}.items()]


def _json(rows: Sequence[tuple[Any, ...]]) -> str:
    return msgspec.json.encode(rows).decode()
