"""
Drops the records of the logs that are older than the settings allow, a seal at a time, in short transactions.

Each transaction leaves a signed checkpoint where the chain goes on, so that what is kept can still be proved.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from watchword.server.context import Context
from watchword.server.domain.log_chain import MarkKind, Position, Seal, sign_mark
from watchword.server.jobs.sealing import BATCHES_AT_ONCE, for_each_chain, position_of
from watchword.server.settings import Settings
from watchword.server.storage.audit import counts, partitions, places, seals
from watchword.server.storage.audit.chains import TOKENS, Chain
from watchword.server.storage.audit.reading import newest_number_before
from watchword.server.storage.audit.seals import Outrun
from watchword.server.storage.database import Connection
from watchword.server.storage.transaction import Upkeep
from watchword.server.storage.types import to_microseconds

_PAUSE_SECONDS = 0.02


def run_once(ctx: Context, now: datetime) -> bool:
    """
    Drop what is too old, some batches of each log; tell whether there may be more.

    Raises:
        BrokenChain: A checkpoint was not signed by us.
    """
    return for_each_chain(lambda chain: _drop_some(ctx, chain, now))


def _drop_some(ctx: Context, chain: Chain, now: datetime) -> bool:
    days = days_kept(ctx.settings, chain)
    if days is None:
        return False
    before = to_microseconds(now - timedelta(days=days))
    try:
        for _ in range(BATCHES_AT_ONCE):
            if not (drop_next(ctx, chain, before, now) or (chain is TOKENS and drop_partition(ctx, before, now))):
                return False
            time.sleep(_PAUSE_SECONDS)
    except Outrun:
        return False  # a process whose turn had ended goes on where this one was
    return True


def days_kept(settings: Settings, chain: Chain) -> int | None:
    """
    Return for how many days the records of a log are kept; None is for ever.
    """
    days = settings.token_log_retention_days if chain.is_of_tokens else settings.change_log_retention_days
    return None if days == "forever" else days


def drop_next(ctx: Context, chain: Chain, before: int, now: datetime) -> bool:
    """
    Drop the oldest seal with its records if all of them are too old; tell whether they were.

    What lies in a partition waits until the whole of it is too old.

    Args:
        before: The first moment that is kept, microseconds since 1970.

    Raises:
        BrokenChain: The checkpoint was not signed by us.
    """
    with ctx.database.read() as connection:
        parts = partitions.find_partitions(connection) if chain is TOKENS else []
        checkpoint = position_of(connection, ctx.keys, chain, MarkKind.CHECKPOINT)
        oldest = next(iter(seals.seals_after(connection, chain, checkpoint.seal, 1)), None)
        end = min([before, *(part.first for part in parts)])
        if oldest is None or _written_until(connection, chain, oldest, now) >= end:
            return False
        bins = counts.tally(connection, chain, oldest.first, oldest.last)
    with _dropping(ctx, chain, checkpoint, oldest, now) as upkeep:
        counts.subtract(upkeep, chain, bins)
    return True


def _written_until(connection: Connection, chain: Chain, seal: Seal, now: datetime) -> int:
    # A clock that was ahead may have made the seal as well: then those that came later know better.
    if seal.written_until <= to_microseconds(now):
        return seal.written_until
    return seals.sealed_until(connection, chain, seal)


def drop_partition(ctx: Context, before: int, now: datetime) -> bool:
    """
    Drop the oldest partition of the token log if all of it is too old and sealed; tell whether it was.

    The last seal over it may cover records of the next one as well, moments younger: they go with it.

    Args:
        before: The first moment that is kept, microseconds since 1970.

    Raises:
        BrokenChain: The checkpoint was not signed by us.
    """
    with ctx.database.read() as connection:
        oldest = next(iter(partitions.find_partitions(connection)), None)
        if oldest is None or oldest.end > before:
            return False
        checkpoint = position_of(connection, ctx.keys, TOKENS, MarkKind.CHECKPOINT)
        newest = newest_number_before(connection, TOKENS, oldest.end)
        last = seals.seal_over(connection, TOKENS, checkpoint, newest) if newest else None
        if newest and (last is None or seals.written_until(connection, TOKENS, checkpoint, last) >= before):
            return False
        first = checkpoint.last + 1
        bins = {} if last is None else counts.tally(connection, TOKENS, first, last.last, since=oldest.end)
    if last is None:
        with ctx.upkeep(of_tokens=True) as upkeep:
            partitions.drop(upkeep, oldest)
        return True
    with _dropping(ctx, TOKENS, checkpoint, last, now, within=oldest) as upkeep:
        counts.subtract(upkeep, TOKENS, bins)
        counts.forget_before(upkeep, TOKENS, oldest.end // counts.HOUR)
        partitions.drop(upkeep, oldest)
    return True


@contextmanager
def _dropping(
    ctx: Context,
    chain: Chain,
    checkpoint: Position,
    last: Seal,
    now: datetime,
    *,
    within: partitions.Partition | None = None,
) -> Iterator[Upkeep]:
    mark = sign_mark(ctx.keys.audit, chain.name, MarkKind.CHECKPOINT, last.position, to_microseconds(now))
    with ctx.upkeep(of_tokens=chain.is_of_tokens) as upkeep:
        seals.move_mark(upkeep, chain, checkpoint, mark)
        seals.drop_sealed(upkeep, chain, checkpoint, last, besides=within)
        places.drop(upkeep, chain, last.last)
        yield upkeep
