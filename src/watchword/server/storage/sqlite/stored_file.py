"""
Whether a path still names the database file that was opened.

A program that has a file open goes on with it when it is moved or deleted: what it writes then is nobody's any more.
"""

import os
import sqlite3
from pathlib import Path
from time import monotonic
from urllib.parse import quote

# Beside the database itself SQLite has its log and its index open; who loses one of them loses records too.
_SUFFIXES = ("", "-wal", "-shm")
_LOOKS_AGAIN_AFTER_SECONDS = 1.0

Identity = tuple[tuple[int, int] | None, ...]


class StoredFile:
    """
    A database file as its path names it. Looks at most once a second, so that it may be asked at every turn.
    """

    def __init__(self, path: Path) -> None:
        self._paths = [path.with_name(path.name + suffix) for suffix in _SUFFIXES]
        self._look_again_at = 0.0
        self._identity: Identity = ()

    def identity(self) -> Identity:
        """
        Return which files are there, as of a second ago at most.
        """
        if monotonic() >= self._look_again_at:
            return self.identify()
        return self._identity

    def identify(self) -> Identity:
        """
        Return which files are there now. To be remembered by who has just opened them.
        """
        self._identity = tuple(_identity_of(path) for path in self._paths)
        self._look_again_at = monotonic() + _LOOKS_AGAIN_AFTER_SECONDS
        return self._identity


def named(identity: Identity) -> str:
    """
    Name the database file itself, so that two connections can tell whether they have the same one open.
    """
    return "{}:{}".format(*identity[0]) if identity and identity[0] else ""


def open_existing(path: Path, *, statements: int = 128) -> sqlite3.Connection:
    """
    Open a database file in autocommit mode; one that is not there is not made.

    Args:
        statements: How many prepared statements are kept for when they are executed again.

    Raises:
        sqlite3.OperationalError: It is not there, or can't be opened, or not be written.
    """
    # SQLite would open it for reading, and share that with all connections of the process: none of them could write
    # before all of them were closed.
    if path.exists() and not os.access(path, os.W_OK):
        raise sqlite3.OperationalError("attempt to write a readonly database")
    return sqlite3.connect(
        location(path), uri=True, isolation_level=None, check_same_thread=False, cached_statements=statements
    )


def location(path: Path) -> str:
    """
    Return the URI by which SQLite opens a file, and does not make it.
    """
    return f"file:{quote(os.fsencode(path))}?mode=rw"


def touch(connection: sqlite3.Connection) -> None:
    """
    Read something, so that SQLite has opened all that it keeps beside the file.
    """
    connection.execute("SELECT 1 FROM sqlite_schema").fetchall()


def _identity_of(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
