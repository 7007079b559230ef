"""
How busy the connections to the database are, as metrics have it.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from watchword.server.jobs.watch import Watch

if TYPE_CHECKING:
    from watchword.server.context import Context


def in_use(ctx: Context) -> dict[str, int]:
    """
    Return how many connections are in use, by their pool.
    """
    return {pool.name: pool.in_use for pool in ctx.database.pools()}


def test_connections_in_use_are_told(ctx: Context) -> None:
    """
    While a transaction lasts; readers and writers apart.
    """
    assert in_use(ctx) == {"read": 0, "write": 0}
    with ExitStack() as under_way:
        for _ in range(2):
            under_way.enter_context(ctx.database.read())
        under_way.enter_context(ctx.database.write("default"))
        assert in_use(ctx) == {"read": 2, "write": 1}
        Watch(ctx).look()
        told = {metric.name: numbers for metric, numbers in ctx.meters.read()}
        assert list(told["watchword_pool_connections_in_use"])[:2] == [2, 1]
        assert list(told["watchword_pool_connections_size"])[:2] == [pool.size for pool in ctx.database.pools()]
    assert in_use(ctx) == {"read": 0, "write": 0}
