"""
Deletes what is left of operators' sessions and invitations that are over.
"""

from datetime import datetime

from watchword.server.context import Context
from watchword.server.operations.operator_sessions import forget_ended


def run_once(ctx: Context, now: datetime) -> None:
    """
    Delete them.
    """
    del now
    forget_ended(ctx)
