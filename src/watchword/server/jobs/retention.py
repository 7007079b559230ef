"""
Drops the records of the logs that are older than the settings allow, a seal at a time, in short transactions.

Each transaction leaves a signed checkpoint where the chain goes on, so that what is kept can still be proved.
"""

import time
from datetime import datetime, timedelta

from watchword.server.context import Context
from watchword.server.domain.log_chain import MarkKind, sign_mark
from watchword.server.jobs.sealing import position_of
from watchword.server.settings import Settings
from watchword.server.storage.audit import counts, seals
from watchword.server.storage.audit.chains import CHAINS, Chain
from watchword.server.storage.audit.seals import Outrun
from watchword.server.storage.types import to_microseconds

_PAUSE_SECONDS = 0.02
_BATCHES_AT_ONCE = 50


def run_once(ctx: Context, now: datetime) -> bool:
    """
    Drop what is too old, some batches of each log; tell whether there may be more.

    Raises:
        BrokenChain: A checkpoint was not signed by us.
    """
    # Each log has its turn, whatever the one before has left.
    return sum(_drop_some(ctx, chain, now) for chain in CHAINS) > 0


def _drop_some(ctx: Context, chain: Chain, now: datetime) -> bool:
    days = days_kept(ctx.settings, chain)
    if days is None:
        return False
    for _ in range(_BATCHES_AT_ONCE):
        if not drop_next(ctx, chain, now - timedelta(days=days), now):
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def days_kept(settings: Settings, chain: Chain) -> int | None:
    """
    Return for how many days the records of a log are kept; None is for ever.
    """
    days = settings.token_log_retention_days if chain.is_of_tokens else settings.change_log_retention_days
    return None if days == "forever" else days


def drop_next(ctx: Context, chain: Chain, before: datetime, now: datetime) -> bool:
    """
    Drop the oldest sealed batch of records if all of it is too old; tell whether it was.

    Args:
        before: The first moment that is kept.

    Raises:
        BrokenChain: The checkpoint was not signed by us.
    """
    with ctx.database.read() as connection:
        checkpoint = position_of(connection, ctx.keys, chain, MarkKind.CHECKPOINT)
        oldest = next(iter(seals.seals_after(connection, chain, checkpoint.seal, 1)), None)
        if oldest is None or oldest.newest_at >= to_microseconds(before):
            return False
        bins = counts.tally(connection, chain, oldest.first, oldest.last)
    mark = sign_mark(ctx.keys.audit, chain.name, MarkKind.CHECKPOINT, oldest.position, to_microseconds(now))
    try:
        with ctx.upkeep(of_tokens=chain.is_of_tokens) as upkeep:
            seals.move_mark(upkeep, chain, checkpoint, mark)
            seals.drop_sealed(upkeep, chain, oldest)
            counts.subtract(upkeep, chain, bins)
    except Outrun:
        return False
    return True
