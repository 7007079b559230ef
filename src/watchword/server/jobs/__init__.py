"""
What runs by itself, a file per job, each with `run_once(ctx, now)`.

Owns: the list of jobs and their turns. A turn is leased by a row, so that of all processes on a database one runs it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from watchword.server.context import Context
from watchword.server.jobs import (
    changes,
    operator_sessions,
    partitions,
    retention,
    sealing,
    secret_copies,
    signing_keys,
    token_log_mark,
)


class Job(msgspec.Struct, frozen=True):
    """
    Something that is done again and again.

    Attributes:
        run_once: Does it, or a part of it: true says that there is more to do at once.
    """

    name: str
    every: timedelta
    run_once: Callable[[Context, datetime], bool | None]


JOBS: Sequence[Job] = (
    Job("secret-copies", timedelta(minutes=5), secret_copies.run_once),
    Job("operator-sessions", timedelta(minutes=5), operator_sessions.run_once),
    Job("changes", timedelta(minutes=10), changes.run_once),
    Job(signing_keys.NAME, timedelta(minutes=10), signing_keys.run_once),
    Job("token-log-mark", timedelta(minutes=1), token_log_mark.run_once),
    Job("log-sealing", timedelta(seconds=30), sealing.run_once),
    Job("log-partitions", timedelta(hours=1), partitions.run_once),
    Job("log-retention", timedelta(minutes=1), retention.run_once),
)
