"""
The connections to the server, and what a transaction is.

A reading transaction is one snapshot. A writing one first takes its tenant's row, so the writers of a tenant take
turns, never deadlock, and the numbers in `changes` follow the order of the commits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import msgspec
import psycopg
import sqlalchemy as sa
from psycopg.types.json import set_json_dumps, set_json_loads
from sqlalchemy import exc

from watchword.server.storage import schema
from watchword.server.storage.changes import Looker
from watchword.server.storage.database import Pool, StorageConflict, StorageUnavailable, pools_of, to_json, translated
from watchword.server.storage.postgresql.connection import THIS_SERVER, UNCONFIRMED, Link, connect, shown
from watchword.server.storage.postgresql.looker import PostgresLooker
from watchword.server.storage.postgresql.token_records import PostgresTokenRecords
from watchword.server.storage.token_records import TokenRecords

_POOL_TIMEOUT_SECONDS = 5
_ADMINISTRATION = 0x57_41_54_43_48  # the key of an advisory lock
_UNAVAILABLE = (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError)
# Written like mistakes of ours, and caused by others: a right is lacking, a table is away while a backup is put back, a
# pooler has a prepared statement on another connection.
_UNAVAILABLE_TOO = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidSqlStatementName,
    psycopg.errors.DuplicatePreparedStatement,
)
_CONFLICTS = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)


class PostgresDatabase:
    """
    One database for all nodes. The token log's tables are in its schema `tokens`.

    Args:
        url: As libpq reads it.
        pool_size: How many connections may read, and how many may write, at a time.
    """

    def __init__(self, url: str, pool_size: int) -> None:
        self._url = url
        self._writer = _engine(url, pool_size)
        self._reader = _engine(url, pool_size).execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @property
    def name(self) -> str:
        """
        Host and database.
        """
        return shown(self._url)

    @property
    def token_log_name(self) -> str:
        """
        Host, database and schema.
        """
        return f"{self.name}, tokens"

    def pools(self) -> Sequence[Pool]:
        """
        Tell how busy the connections are.
        """
        return pools_of(read=self._reader, write=self._writer)

    def holds_anything(self) -> bool:
        """
        Tell whether there is a database: with a server, there is.
        """
        return True

    def holds_token_log(self) -> bool:
        """
        Tell whether there is a token log to look for: with a server, there is.
        """
        return True

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """
        Open a reading transaction.
        """
        with _translated(), self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self, tenant_id: str | None = None) -> Iterator[sa.Connection]:
        """
        Open a writing transaction.
        """
        with _translated(), self._writer.connect() as connection:
            with connection.begin():
                if tenant_id is not None:
                    table = schema.tenants
                    own = sa.select(table.c.id).where(table.c.id == tenant_id)
                    connection.execute(own.with_for_update(key_share=True)).close()
                yield connection
            if cast("Link", connection.connection.driver_connection).take_unconfirmed():
                raise StorageUnavailable(UNCONFIRMED)

    @contextmanager
    def write_tokens(self) -> Iterator[sa.Connection]:
        """
        Open a writing transaction, as any other: the token path holds no lock that it could meet.
        """
        with self.write() as connection:
            yield connection

    @contextmanager
    def administer(self, *, with_tokens: bool = False) -> Iterator[sa.Connection]:
        """
        Open a writing transaction behind a lock that all nodes respect, waiting for as long as it takes.
        """
        del with_tokens  # the token path is in nobody's way
        with self.write() as connection:
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADMINISTRATION})")
            yield connection

    @contextmanager
    def administer_tokens(self, main: sa.Connection) -> Iterator[sa.Connection]:
        """
        Turn to the schema of the token log, within the same transaction.
        """
        if main.exec_driver_sql("SELECT to_regnamespace('tokens')").scalar_one() is None:
            main.exec_driver_sql("CREATE SCHEMA tokens")
        before = main.exec_driver_sql("SELECT current_setting('search_path')").scalar_one()
        main.exec_driver_sql("SET LOCAL search_path TO tokens")
        yield main
        main.execute(sa.select(sa.func.set_config("search_path", before, sa.true())))

    def server_of(self, connection: sa.Connection) -> str:
        """
        Tell which run of the database server a transaction is on.
        """
        return str(connection.exec_driver_sql(f"SELECT {THIS_SERVER}").scalar_one())

    def looker(self) -> Looker:
        """
        Return what looks, a round trip a look.
        """
        return PostgresLooker(self._url)

    def token_records(self) -> TokenRecords:
        """
        Return the writing end of the token log.
        """
        return PostgresTokenRecords(self._url)

    def close_lost(self) -> None:
        """
        Do nothing: whether a connection still leads to a server is asked each time that it is taken from its pool.
        """

    def close(self) -> None:
        """
        Close all connections.
        """
        self._writer.dispose()
        self._reader.dispose()


def _engine(url: str, pool_size: int) -> sa.Engine:
    def open_connection() -> Link:
        connection = connect(url)
        connection.autocommit = False
        # SQLAlchemy gives its own to connections that it opens itself.
        set_json_dumps(to_json, connection)
        set_json_loads(msgspec.json.decode, connection)
        return connection

    return sa.create_engine(
        "postgresql+psycopg://",
        creator=open_connection,
        hide_parameters=True,  # errors end up in logs
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
        pool_pre_ping=True,
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        with translated(_UNAVAILABLE, StorageUnavailable):
            yield
    except StorageUnavailable as error:
        cause = error.__cause__
        if isinstance(getattr(cause, "orig", cause), _CONFLICTS):
            raise StorageConflict(str(error)) from cause
        raise
    except exc.ProgrammingError as error:
        if isinstance(error.orig, _UNAVAILABLE_TOO):
            raise StorageUnavailable(str(error.orig)) from error
        raise
