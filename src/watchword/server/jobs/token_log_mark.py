"""
Notes how far the token log has come, so that an older copy of its file put back later is noticed.
"""

from datetime import datetime

from watchword.server.context import Context
from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.audit.inspection import furthest_number
from watchword.server.storage.tenants import installation_id
from watchword.server.storage.upkeep import note_token_log


def run_once(ctx: Context, now: datetime) -> None:
    """
    Note the furthest number.
    """
    with ctx.database.read() as connection:
        installation, number = installation_id(connection), furthest_number(connection, TOKENS)
    if installation is not None:
        with ctx.upkeep() as upkeep:
            note_token_log(upkeep, installation, number, now)
