"""
Health: whether the process lives, and whether tokens can be had.
"""

from watchword.protocol.errors import OAuthError
from watchword.server.context import Context
from watchword.server.domain.view import View
from watchword.server.storage.database import StorageUnavailable
from watchword.server.web.answers import NO_STORE, Answer, json_answer

LIVE, READY = "/health/live", "/health/ready"


def live() -> Answer:
    """
    The process answers.
    """
    return json_answer({"status": "live"}, headers=NO_STORE)


async def ready(ctx: Context, tenant_id: str) -> Answer:
    """
    Answer 200 once tokens can be had, else 503 with what is wrong.
    """

    async def find_key(view: View) -> str:
        return (await view.signing_key(None, ctx.clock())).kid

    try:
        await ctx.directory.decide(tenant_id, find_key)
    except (OAuthError, StorageUnavailable) as error:
        reason = error.description if isinstance(error, OAuthError) else "the database can't be read"
        return json_answer({"status": "not ready", "reason": reason}, status=503, headers=NO_STORE)
    return json_answer({"status": "ready"}, headers=NO_STORE)
