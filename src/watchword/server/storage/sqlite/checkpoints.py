"""
Copying the token log's WAL back into its file, beside the commits and not within one of them.

SQLite does it within whichever commit fills the WAL. With a thousand applications that takes 15 to 20 ms, for which all
wait whose records come then.
"""

import logging
import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

from watchword.server.storage.sqlite.stored_file import open_existing

_log = logging.getLogger(__name__)


class Checkpoints:
    """
    Checkpoints of one file, one at a time, on a thread of their own.

    They are passive: they wait for nobody, and nobody waits for them. What they leave, the next commit that fills the
    WAL copies.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._under_way: Future[None] | None = None

    def begin(self) -> None:
        """
        Begin one, unless one is under way.
        """
        if self._under_way is None or self._under_way.done():
            self._under_way = self._thread.submit(self._copy_back)

    def finish(self) -> None:
        """
        Wait for the one under way: the file is let go of.
        """
        if self._under_way is not None:
            wait([self._under_way])

    def _copy_back(self) -> None:
        try:
            with closing(open_existing(self._path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        except sqlite3.Error as error:
            # Whether the file can be written, the commits find out. They copy back by themselves what is left to them.
            _log.debug("a checkpoint failed", extra={"reason": str(error)})
