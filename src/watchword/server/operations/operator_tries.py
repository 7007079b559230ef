"""
How often a password may be tried: by one source for one name, and by one source in all.

It is counted in the database, for all processes together. Unlike a limit of refusals this one is asked first: behind it
nobody learns whether a password was right.
"""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil

from watchword.protocol.credentials import ClientSecret
from watchword.server.context import Context
from watchword.server.domain.operators import TRIES_LAST
from watchword.server.domain.problems import Problem
from watchword.server.domain.search import fold_case
from watchword.server.storage import operator_tries

MOST_TRIES = 10
MOST_TRIES_OF_A_SOURCE = 50
_SECOND = timedelta(seconds=1)


class TooManyTries(Problem):
    """
    There were too many tries.

    Args:
        seconds: How long to wait.
    """

    def __init__(self, seconds: int) -> None:
        text = f"There were too many tries. Try again in {seconds} {'second' if seconds == 1 else 'seconds'}."
        super().__init__("operator.too_many_tries", status=429, message=text)
        self.seconds = seconds


def begin(ctx: Context, tenant_id: str, source: str, name: str) -> None:
    """
    Count a try. It counts from now on, not from when it has failed: many at once must not all pass.

    Args:
        source: The network it comes from.
        name: Whose password it is, as it was typed.

    Raises:
        TooManyTries: It may not be made, and was not counted.
    """
    now = ctx.clock()
    with ctx.upkeep() as upkeep:
        for what, most in _bounds(ctx, source, name).items():
            number, began_at = operator_tries.count(upkeep, tenant_id, what, now, TRIES_LAST)
            if number > most:
                raise TooManyTries(max(ceil((began_at + TRIES_LAST - now) / _SECOND), 1))


def take_back(ctx: Context, tenant_id: str, source: str, name: str) -> None:
    """
    Let a try count for nothing: it succeeded, or told nothing of the password.
    """
    with ctx.upkeep() as upkeep:
        for what in _bounds(ctx, source, name):
            operator_tries.take_back(upkeep, tenant_id, what)


def _bounds(ctx: Context, source: str, name: str) -> Mapping[str, int]:
    """
    Say what a try counts towards, and how many of that there may be.

    Always in this order: no two tries wait for each other's rows.
    """
    return {
        _digest(ctx, source): MOST_TRIES_OF_A_SOURCE,
        _digest(ctx, f"{source}\0{fold_case(name)}"): MOST_TRIES,
    }


def _digest(ctx: Context, what: str) -> str:
    return ctx.keys.digest(ClientSecret(f"operator-tries\0{what}")).hex()
