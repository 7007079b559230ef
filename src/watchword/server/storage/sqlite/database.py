"""
The connections to the two files.

WAL mode: readers never wait for the writer. A writing transaction takes the write lock at its first statement, so two
writers never deadlock and the numbers in `changes` follow the order of the commits.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import event, exc

from watchword.server.domain.search import fold_case
from watchword.server.storage.changes import Looker
from watchword.server.storage.database import Pool, StorageUnavailable, pools_of, to_json, translated
from watchword.server.storage.folding import FOLD_CASE
from watchword.server.storage.sqlite.connection import prepare
from watchword.server.storage.sqlite.hints import HintingCompiler
from watchword.server.storage.sqlite.looker import SqliteLooker
from watchword.server.storage.sqlite.stored_file import StoredFile, location, named, open_existing, touch
from watchword.server.storage.sqlite.token_records import SqliteTokenRecords
from watchword.server.storage.sqlite.turns import turn
from watchword.server.storage.token_records import TokenRecords

_LONGEST_WAIT_SECONDS = 30.0  # for the turn to administer the token log
# A DatabaseError that is none of its subclasses: the file is damaged, or no database at all.
_UNAVAILABLE = (exc.DatabaseError, exc.OperationalError)


class SqliteDatabase:
    """
    The main file, with the token log attached where it is read.

    Args:
        path: The main file.
        token_path: File of the token log, attached to reading connections as `tokens`.
    """

    def __init__(self, path: Path, token_path: Path) -> None:
        self._writing = threading.Lock()
        self._path = path
        self._token_path = token_path
        self._files = [StoredFile(path), StoredFile(token_path)]
        self._seen = [file.identify() for file in self._files]
        self._writer = _engine(path, begin="BEGIN IMMEDIATE", attach=None)
        self._reader = _engine(path, begin="BEGIN", attach=token_path)
        # Alone in its connection, since a writing transaction locks what is attached as well.
        alone = _engine(token_path, begin="BEGIN IMMEDIATE", attach=None)
        self._token_writer = alone.execution_options(schema_translate_map={"tokens": None})

    @property
    def name(self) -> str:
        """
        The main file's path.
        """
        return str(self._path)

    @property
    def token_log_name(self) -> str:
        """
        The token log's path.
        """
        return str(self._token_path)

    def pools(self) -> Sequence[Pool]:
        """
        Tell how busy the connections are.
        """
        return pools_of(read=self._reader, write=self._writer)

    def holds_anything(self) -> bool:
        """
        Tell whether the main file is there.
        """
        return self._path.exists()

    def holds_token_log(self) -> bool:
        """
        Tell whether the token log's file is there.
        """
        return self._token_path.exists()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """
        Open a reading transaction.
        """
        with translated(_UNAVAILABLE, StorageUnavailable), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, tenant_id: str | None = None) -> Iterator[sa.Connection]:
        """
        Open a writing transaction. All writers take turns, whatever tenant they write.
        """
        del tenant_id
        # Threads of this process queue here, in order, and not on SQLite's busy handler, which sleeps.
        with self._writing, translated(_UNAVAILABLE, StorageUnavailable), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def write_tokens(self) -> Iterator[sa.Connection]:
        """
        Open a writing transaction on the token log's file, once it is this thread's turn to write it.
        """
        unavailable = translated((*_UNAVAILABLE, OSError), StorageUnavailable)
        with unavailable, turn(self._token_path), self._token_writer.begin() as connection:
            yield connection

    @contextmanager
    def administer(self, *, with_tokens: bool = False) -> Iterator[sa.Connection]:
        """
        Make the main file where it is missing, and open a writing transaction on it.
        """
        # The turn comes first: who waits for it must not keep those waiting who write the main file.
        queue = turn(self._token_path, most_seconds=_LONGEST_WAIT_SECONDS) if with_tokens else nullcontext()
        _make(self._path)
        with queue, self.write() as connection:
            yield connection

    @contextmanager
    def administer_tokens(self, main: sa.Connection) -> Iterator[sa.Connection]:
        """
        Make the token log's file where it is missing, and open a writing transaction on it; it commits by itself.
        """
        del main
        _make(self._token_path)
        tokens = _engine(self._token_path, begin="BEGIN IMMEDIATE", attach=None)
        try:
            with translated(_UNAVAILABLE, StorageUnavailable), tokens.begin() as connection:
                yield connection
        finally:
            tokens.dispose()

    def server_of(self, connection: sa.Connection) -> str:
        """
        Return which file the connection has open: another one of the same name is another history.
        """
        return named(connection.info["files"][0])

    def looker(self) -> Looker:
        """
        Return what looks, in the event loop's own thread.
        """
        return SqliteLooker(self._path)

    def token_records(self) -> TokenRecords:
        """
        Return the writing end of the token log's file.
        """
        return SqliteTokenRecords(self._token_path)

    def close_lost(self) -> None:
        """
        Close the idle connections once a file was moved, deleted or exchanged: what they hold is nobody's any more.
        """
        found = [file.identity() for file in self._files]
        if found != self._seen:
            self._seen = found
            self.close()

    def close(self) -> None:
        """
        Close all connections.
        """
        self._writer.dispose()
        self._token_writer.dispose()
        self._reader.dispose()


def _make(path: Path) -> None:
    """
    Make a private file where there is none.
    """
    # Never one that is there: whoever closes a file gives up all locks that the process has on it, those of
    # connections too (POSIX), and another process would take its log away from under them.
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _engine(path: Path, *, begin: str, attach: Path | None) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        creator=lambda: open_existing(path),
        json_serializer=to_json,
        json_deserializer=msgspec.json.decode,
        hide_parameters=True,  # errors end up in logs
        pool_size=8,
        max_overflow=64,
    )
    engine.dialect.statement_compiler = HintingCompiler

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
        prepare(connection)
        connection.create_function(FOLD_CASE, 1, _fold_case, deterministic=True)

    if attach is not None:
        _attach_tokens(engine, attach)
    _follow_files(engine, [StoredFile(file) for file in (path, attach) if file is not None])

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _attach_tokens(engine: sa.Engine, path: Path) -> None:
    """
    Have connections attach the token log when they are opened; where that fails, whenever they are taken.
    """

    def attach(connection: Any, record: Any) -> None:  # noqa: ANN401 - a DBAPI connection and its place in the pool
        if "has_tokens" in record.info:
            return
        # Without the token log, for want of its file or of a descriptor, everything else goes on.
        with suppress(sqlite3.OperationalError):
            connection.execute("ATTACH DATABASE ? AS tokens", (location(path),)).close()
            record.info["has_tokens"] = True

    event.listen(engine, "connect", attach)
    event.listen(engine, "checkout", lambda connection, record, _proxy: attach(connection, record))


def _follow_files(engine: sa.Engine, files: Sequence[StoredFile]) -> None:
    """
    Have connections to files that were moved, deleted or exchanged closed, and opened anew.
    """

    @event.listens_for(engine, "connect")
    def _remember(connection: Any, record: Any) -> None:  # noqa: ANN401 - a DBAPI connection and its place in the pool
        touch(connection)
        record.info["files"] = [file.identify() for file in files]

    @event.listens_for(engine, "checkout")
    def _compare(_connection: object, record: Any, _proxy: object) -> None:  # noqa: ANN401 - as above
        if record.info["files"] != [file.identity() for file in files]:
            raise exc.DisconnectionError


def _fold_case(value: str | None) -> str | None:
    return None if value is None else fold_case(value)
