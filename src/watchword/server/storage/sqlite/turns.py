"""
Whose turn it is to write the token log: processes and threads queue on a file lock.

SQLite's own way of waiting is to sleep and try again, which costs a multiple of a commit.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """
    Wait until nobody else writes a token log, and keep others waiting meanwhile.

    Args:
        path: The token log.
    """
    lock = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)  # and with it the lock
