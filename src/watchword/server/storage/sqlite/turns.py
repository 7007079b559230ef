"""
Whose turn it is to write the token log: processes and threads queue on a file lock.

SQLite's own way of waiting is to sleep and try again, which costs a multiple of a commit, and beside writers that queue
may get nowhere.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from watchword.server.storage.database import StorageUnavailable


@contextmanager
def turn(path: Path, *, most_seconds: float | None = None) -> Iterator[None]:
    """
    Wait until nobody else writes a token log, and keep others waiting meanwhile.

    Args:
        path: The token log.
        most_seconds: How long to wait; None for as long as it takes.

    Raises:
        StorageUnavailable: It took longer, or the file system has no locks to give.
    """
    lock = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        if most_seconds is None:
            _take(lock)
        else:
            _take_within(lock, most_seconds)
        yield
    finally:
        os.close(lock)  # and with it the lock


def _take(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        raise StorageUnavailable(f"the token log can't be locked: {error}") from error


def _take_within(lock: int, most_seconds: float) -> None:
    # The wait itself knows no end. A thread that is left in it gets the lock of a file that is closed, and so none.
    taken: Future[None] = Future()

    def take() -> None:
        try:
            _take(lock)
        except StorageUnavailable as error:
            taken.set_exception(error)
        else:
            taken.set_result(None)

    threading.Thread(target=take, name="turn", daemon=True).start()
    try:
        taken.result(most_seconds)
    except TimeoutError:
        text = f"another process has been writing the token log for {most_seconds:.0f} seconds"
        raise StorageUnavailable(text) from None
