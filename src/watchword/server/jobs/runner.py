"""
Gives every job its turns, on a thread of its own.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from watchword.server.context import Context
from watchword.server.jobs import JOBS, Job
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.upkeep import take_lease

_LOOK_EVERY_SECONDS = 30.0
_LONGEST_END_SECONDS = 10.0
_log = logging.getLogger(__name__)


class JobRunner:
    """
    Runs the jobs until it is stopped.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """
        Begin.
        """
        self._thread.start()

    def stop(self) -> None:
        """
        Finish the job under way, and end. One that waits for what never comes, a lock say, ends with the process.
        """
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_LONGEST_END_SECONDS)

    def run_what_is_due(self) -> None:
        """
        Run each job whose turn has come. What is to be deleted, and when, is not judged by a clock that is wrong.
        """
        if self._ctx.vitals.time_fault is None:
            for job in JOBS:
                run_if_due(self._ctx, job, self._ctx.clock(), self._stopping.is_set)

    def _work(self) -> None:
        while not self._stopping.wait(_LOOK_EVERY_SECONDS):
            self.run_what_is_due()


def run_if_due(ctx: Context, job: Job, now: datetime, is_stopping: Callable[[], bool] = lambda: False) -> bool:
    """
    Run a job if its turn has come and no other process has taken it; tell whether it ran.

    A job that has more to do goes on for as long as its turn lasts. One that fails is logged, and gets its next turn:
    nothing that serves requests depends on it.
    """
    end = now + job.every
    try:
        with ctx.upkeep() as upkeep:
            if not take_lease(upkeep, job.name, now, end):
                return False
        while job.run_once(ctx, now) and not is_stopping() and (now := ctx.clock()) < end:
            pass
    except StorageUnavailable as error:
        ctx.meters.job_failures[job.name].add()
        _log.warning("a job could not run", extra={"job": job.name, "reason": str(error)})
        return False
    except Exception as error:  # noqa: BLE001 - the thread of all jobs must outlive a fault in one
        ctx.meters.job_failures[job.name].add()
        _log.error("a job failed", extra={"job": job.name}, exc_info=error)
        return False
    ctx.meters.job_success[job.name].set(ctx.clock().timestamp())
    return True
