"""
Deletes the sealed copies of secrets once nobody may read them back.
"""

from datetime import datetime, timedelta

from watchword.server.context import Context
from watchword.server.storage.upkeep import delete_secret_copies


def run_once(ctx: Context, now: datetime) -> None:
    """
    Delete the copies that are older than `secret_reveal_hours`.
    """
    hours = ctx.settings.secret_reveal_hours
    if hours == "forever":
        return
    with ctx.upkeep() as upkeep:
        delete_secret_copies(upkeep, now - timedelta(hours=hours))
