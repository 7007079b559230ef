"""
The database as other rooms see it, whichever it is.

There are two, SQLite and PostgreSQL, with one schema. What the token path writes lies apart: on SQLite in a file of
its own, on PostgreSQL in a schema of its own. Where it is read, both call it `tokens`.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import msgspec
import sqlalchemy as sa

from watchword.server.storage.changes import Looker
from watchword.server.storage.token_records import TokenRecords

Connection = sa.Connection  # what other rooms call it: they don't import the SQL library


class StorageUnavailable(Exception):
    """
    The database can't be read or written now. Nothing was changed.
    """


class StorageConflict(StorageUnavailable):
    """
    Somebody else's transaction was in the way. To try at once again may help.
    """


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """
    Connections that transactions are made on, at this moment.

    Attributes:
        name: What they are for: `read` or `write`.
        size: How many are kept.
    """

    name: str
    in_use: int
    size: int


class Database(Protocol):
    """
    The main tables, and the token log where it is read.
    """

    @property
    def name(self) -> str:
        """
        Where it is, for people: never with a password.
        """

    @property
    def token_log_name(self) -> str:
        """
        Where the token log is, for people.
        """

    def holds_anything(self) -> bool:
        """
        Tell whether there is a database to open.

        Raises:
            StorageUnavailable: It can't be told now.
        """

    def holds_token_log(self) -> bool:
        """
        Tell whether there is something to read the token log from; what is in it says its schema.
        """

    def pools(self) -> Sequence[Pool]:
        """
        Tell how busy the connections are, readers' and writers'.
        """

    def read(self) -> AbstractContextManager[Connection]:
        """
        Open a reading transaction: one moment, whatever others write meanwhile.

        Raises:
            StorageUnavailable: The database can't be read.
        """

    def write(self, tenant_id: str | None = None) -> AbstractContextManager[Connection]:
        """
        Open a writing transaction; it commits when the block ends and rolls back when the block raises.

        Args:
            tenant_id: Whose rows it writes: the writers of a tenant take turns.

        Raises:
            StorageUnavailable: The database can't be written.
        """

    def write_tokens(self) -> AbstractContextManager[Connection]:
        """
        Open a writing transaction beside the token path, where statements say `tokens` too. Keep it short.

        Raises:
            StorageUnavailable: The database can't be written.
        """

    def administer(self, *, with_tokens: bool = False) -> AbstractContextManager[Connection]:
        """
        Open a writing transaction on the installation itself: one at a time, over all processes and nodes.

        Args:
            with_tokens: Whether `administer_tokens` follows: who writes the token log waits, for as long as this lasts.

        Raises:
            StorageUnavailable: The database can't be written.
        """

    def administer_tokens(self, main: Connection) -> AbstractContextManager[Connection]:
        """
        Open the token log's own tables for writing, beside a transaction that administers the main ones.

        Where the token log's file is missing, it is made.
        """

    def server_of(self, connection: Connection) -> str:
        """
        Tell which run of the database server a transaction is on.
        """

    def looker(self) -> Looker:
        """
        Return what looks for changes.
        """

    def token_records(self) -> TokenRecords:
        """
        Return the writing end of the token log.
        """

    def close_lost(self) -> None:
        """
        Let go of connections that lead to what is no longer the database. Cheap: to be called each second.
        """

    def close(self) -> None:
        """
        Close all connections.
        """


@contextmanager
def translated(kinds: tuple[type[Exception], ...], to: type[StorageUnavailable]) -> Iterator[None]:
    """
    Raise what a driver says of an unavailable database as what other rooms know.

    Args:
        kinds: The exact types that mean it; what derives from them may mean something else.
    """
    try:
        yield
    except kinds as error:
        if type(error) not in kinds:
            raise
        raise to(str(getattr(error, "orig", error))) from error


def pools_of(**engines: sa.Engine) -> Sequence[Pool]:
    """
    Tell how busy engines' connections are, by the names that they are given here.
    """
    return [
        Pool(name=name, in_use=engine.pool.checkedout(), size=engine.pool.size())
        for name, engine in engines.items()
        if isinstance(engine.pool, sa.QueuePool)
    ]


def to_json(value: object) -> str:
    """
    Write a value for a JSON column.
    """
    return msgspec.json.encode(value).decode()
