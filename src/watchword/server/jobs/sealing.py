"""
Seals the logs: what is closed gets a seal, a batch at a time, in short transactions of its own.
"""

import time
from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from watchword.server.context import Context
from watchword.server.domain.log_chain import BEGINNING, MarkKind, Position, Seal, head_of, is_genuine, sign_mark
from watchword.server.storage.audit import counts, places, seals
from watchword.server.storage.audit.chains import CHAINS, Chain
from watchword.server.storage.audit.closing import closed_number
from watchword.server.storage.audit.lines import Batch, read_batch
from watchword.server.storage.audit.seals import Outrun
from watchword.server.storage.database import Connection
from watchword.server.storage.sealing import DataKeys
from watchword.server.storage.types import to_microseconds

# What one transaction writes and retention drops at once: tokens wait for either.
MOST_RECORDS = 1_000
BATCHES_AT_ONCE = 10  # a server that stops waits for no more
_LONGEST_REST_SECONDS = 0.25


class BrokenChain(Exception):
    """
    A mark of a chain was not signed by us. Nothing is sealed on top of it: `watchword audit verify` looks closer.
    """


def run_once(ctx: Context, now: datetime) -> bool:
    """
    Seal what is closed, some batches of each log; tell whether there may be more.

    Raises:
        BrokenChain: The end of a chain is not where we left it.
    """
    return for_each_chain(lambda chain: _seal_some(ctx, chain, now))


def for_each_chain(work: Callable[[Chain], bool]) -> bool:
    """
    Do some work on each log, whatever becomes of the others; tell whether there may be more.

    Raises:
        Exception: What the first that failed has raised, once all have had their turn.
    """
    outcomes: list[bool | Exception] = []
    for chain in CHAINS:
        try:
            outcomes.append(work(chain))
        except Exception as error:  # noqa: BLE001 - it is raised below
            outcomes.append(error)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return any(outcomes)


def _seal_some(ctx: Context, chain: Chain, now: datetime) -> bool:
    closed = closed_number(ctx.database, chain)
    if closed is None:
        return False
    for _ in range(BATCHES_AT_ONCE):
        began = time.monotonic()
        if not seal_next(ctx, chain, closed, now):
            return False
        # The other half of the time is the tokens'. What was spent waiting for them needs no rest.
        time.sleep(min(time.monotonic() - began, _LONGEST_REST_SECONDS))
    return True


def seal_next(ctx: Context, chain: Chain, closed: int, now: datetime) -> bool:
    """
    Seal the next batch of records; tell whether there was one.

    Args:
        closed: The largest number that may be sealed.

    Raises:
        BrokenChain: The end of the chain is not where we left it.
    """
    with ctx.database.read() as connection:
        before = position_of(connection, ctx.keys, chain, MarkKind.TIP)
        batch = read_batch(connection, chain, after=before.last, up_to=closed, most=MOST_RECORDS)
        if batch is None:
            return False
        seal = _seal(ctx.keys, chain, before, batch, now)
    tip = sign_mark(ctx.keys.audit, chain.name, MarkKind.TIP, seal.position, seal.sealed_at)
    try:
        with ctx.upkeep(of_tokens=chain.is_of_tokens) as upkeep:
            seals.add_seal(upkeep, chain, before, seal, tip)
            counts.add(upkeep, chain, seal.first, seal.last)
            places.add(upkeep, chain, seal.last)
    except Outrun:
        return False  # a process whose turn had ended goes on where this one was: what it sealed is sealed
    return True


def position_of(connection: Connection, keys: DataKeys, chain: Chain, kind: MarkKind) -> Position:
    """
    Return where a mark stands.

    Raises:
        BrokenChain: It was not signed by us.
    """
    mark = seals.find_mark(connection, chain, kind)
    if mark is None:
        return BEGINNING
    if not is_genuine(keys.audit, chain.name, mark):
        raise BrokenChain(f"the {kind} of the chain {chain.name} was changed: run `watchword audit verify`")
    return mark.position


def _seal(keys: DataKeys, chain: Chain, before: Position, batch: Batch, now: datetime) -> Seal:
    unsigned = Seal(
        number=before.seal + 1,
        first=before.last + 1,
        last=batch.last,
        count=batch.count,
        newest_at=batch.newest_at,
        sealed_at=to_microseconds(now),
        head="",
    )
    return replace(unsigned, head=head_of(keys.audit, chain.name, before, unsigned, [batch.text]))
