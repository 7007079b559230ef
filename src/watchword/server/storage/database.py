"""
The connections to the database, and what a transaction is.

SQLite in WAL mode: readers never wait for the writer. A writing transaction takes the write lock at its first
statement, so two writers never deadlock and the numbers in `changes` follow the order of the commits.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import event, exc

Connection = sa.Connection  # what other rooms call it: they don't import the SQL library
BUSY_TIMEOUT_MS = 5_000
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # A commit that was answered survives a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
)


class StorageUnavailable(Exception):
    """
    The database can't be read or written now. Nothing was changed.
    """


class Database:
    """
    The main database, with the token log attached where it is read.

    Args:
        path: File of the main database.
        token_path: File of the token log, attached to reading connections as `tokens`; None attaches nothing.
    """

    def __init__(self, path: Path, token_path: Path | None) -> None:
        self._writing = threading.Lock()
        self.path = path
        self._writer = _engine(path, begin="BEGIN IMMEDIATE", attach=None)
        self._reader = _engine(path, begin="BEGIN", attach=token_path)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """
        Open a reading transaction: one moment, whatever others write meanwhile.

        Raises:
            StorageUnavailable: The database can't be read.
        """
        with _translated(), self._reader.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """
        Open a writing transaction; it commits when the block ends and rolls back when the block raises.

        Raises:
            StorageUnavailable: The database can't be written.
        """
        # Threads of this process queue here, in order, and not on SQLite's busy handler, which sleeps.
        with self._writing, _translated(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """
        Close all connections.
        """
        self._writer.dispose()
        self._reader.dispose()


def connect(path: Path) -> sqlite3.Connection:
    """
    Open a bare connection in autocommit mode, with the same guarantees, for code that speaks to the driver itself.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()
    return connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except exc.DatabaseError as error:
        # A DatabaseError that is none of its subclasses: the file is damaged, or no database at all.
        if type(error) not in {exc.DatabaseError, exc.OperationalError}:
            raise
        raise StorageUnavailable(str(error.orig)) from error


def _engine(path: Path, *, begin: str, attach: Path | None) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={"isolation_level": None, "check_same_thread": False},
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        hide_parameters=True,  # errors end up in logs
        pool_size=8,
        max_overflow=64,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
        for pragma in _PRAGMAS:
            connection.execute(pragma).close()
        connection.create_function("unicode_lower", 1, _lower, deterministic=True)
        if attach is not None:
            connection.execute("ATTACH DATABASE ? AS tokens", (str(attach),)).close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _lower(value: str | None) -> str | None:
    return None if value is None else value.lower()
