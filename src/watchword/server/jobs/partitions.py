"""
Makes the partitions of the token log on PostgreSQL, some days ahead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from watchword.server.context import Context
from watchword.server.jobs.retention import days_kept
from watchword.server.storage.audit import partitions
from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.audit.partitions import DAY, Partition
from watchword.server.storage.types import to_microseconds

_DAYS_AHEAD = 4
_DAYS_OF_A_LONG_ONE = 30  # of a log that is kept for ever, whose partitions would be too many by the day


def run_once(ctx: Context, now: datetime) -> None:
    """
    Make the partitions that are to begin soon.

    They begin with the day after tomorrow at the earliest: the rest is closed to what they are for until they are
    there, and midnight may come meanwhile. A span of which the rest holds something already stays the rest's.
    """
    with ctx.database.read() as connection:
        if not partitions.may_change(connection):
            return
        known = partitions.find_partitions(connection)
    width = DAY * (1 if days_kept(ctx.settings, TOKENS) is not None else _DAYS_OF_A_LONG_ONE)
    today = to_microseconds(now) // DAY * DAY
    first = max([today + 2 * DAY, *(each.end for each in known)])
    with _opening_rest(ctx):
        while first < today + _DAYS_AHEAD * DAY:
            _make(ctx, Partition(first, first + width))
            first += width


def _make(ctx: Context, partition: Partition) -> None:
    with ctx.upkeep(of_tokens=True) as upkeep:
        partitions.close_rest(upkeep, partition)
    with ctx.upkeep(of_tokens=True) as upkeep:
        is_free = partitions.check_rest(upkeep)
    if is_free:
        with ctx.upkeep(of_tokens=True) as upkeep:
            partitions.create(upkeep, partition)


@contextmanager
def _opening_rest(ctx: Context) -> Iterator[None]:
    """
    See to it that the rest does not stay closed: neither by what happens inside, nor by a run that was cut off.
    """
    try:
        yield
    finally:
        with ctx.upkeep(of_tokens=True) as upkeep:
            partitions.open_rest(upkeep)
