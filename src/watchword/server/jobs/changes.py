"""
Keeps the list of changes short.
"""

from datetime import datetime

from watchword.server.context import Context
from watchword.server.storage.upkeep import prune_changes


def run_once(ctx: Context, now: datetime) -> None:
    """
    Delete the changes that every process has long seen.
    """
    del now
    with ctx.upkeep() as upkeep:
        prune_changes(upkeep)
