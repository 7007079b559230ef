"""
How a connection to one of the files is opened, and what it promises.
"""

import sqlite3
from pathlib import Path
from typing import Any

from watchword.server.storage.sqlite.stored_file import open_existing, touch

BUSY_TIMEOUT_MS = 5_000
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # A commit that was answered survives a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
)


def connect(path: Path, *, statements: int = 128) -> sqlite3.Connection:
    """
    Open a bare connection in autocommit mode, for code that speaks to the driver itself.

    Args:
        statements: How many prepared statements are kept for when they are executed again.
    """
    connection = open_existing(path, statements=statements)
    try:
        prepare(connection)
        touch(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def prepare(connection: Any) -> None:  # noqa: ANN401 - a DBAPI connection
    """
    Give a connection its guarantees.
    """
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()
