"""
Looks after this process, each second: unlike a job, in every process, whatever the others do.
"""

import logging
import threading

from watchword.server.context import Context

_LOOKS_AFTER_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Watch:
    """
    Calls `Context.vitals` and shares what was counted until it is stopped, on a thread of its own.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watch", daemon=True)

    def start(self) -> None:
        """
        Begin.
        """
        self._thread.start()

    def stop(self) -> None:
        """
        Finish the look under way, and end.
        """
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """
        Tell what is, and look after what may have stopped.
        """
        for pool in self._ctx.database.pools():
            self._ctx.meters.pooled(pool.name, in_use=pool.in_use, size=pool.size)
        self._ctx.meters.share()
        self._ctx.vitals.look_after()

    def _work(self) -> None:
        while not self._stopping.wait(_LOOKS_AFTER_SECONDS):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - a process that nobody looks after any more would lie
                _log.error("the watch failed", exc_info=error)
