"""
Health: whether the process lives, and whether tokens can be had.
"""

from watchword.protocol.errors import OAuthError
from watchword.server.context import Context
from watchword.server.domain.health import Check, what_is_missing
from watchword.server.domain.view import View, signing_key_of
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
    Answer 200 once tokens can be had, else 503 with what is wrong. Either way, say how each part is.

    Nothing is written for it: how writing fares is known from the last token, or from a try of the process's own.
    """
    checks = [*await _try_deciding(ctx, tenant_id), *ctx.vitals.checks()]
    missing = what_is_missing(checks)
    body: dict[str, object] = {"status": "ready" if missing is None else "not ready"}
    if missing is not None:
        body["reason"] = f"{missing.name}: {missing.reason}"
    body["checks"] = {check.name: _written(check) for check in checks}
    return json_answer(body, status=200 if missing is None else 503, headers=NO_STORE)


async def _try_deciding(ctx: Context, tenant_id: str) -> list[Check]:
    """
    Take the way of a token request up to the key that would sign.
    """

    def find_key(view: View) -> str:
        return signing_key_of(view.tenant(), None, ctx.clock()).kid

    try:
        await ctx.directory.decide(tenant_id, find_key)
    except StorageUnavailable as error:
        ctx.vitals.note_reading(str(error))
        return []
    except OAuthError as error:
        return [Check(name="signing_key", reason=error.description)]
    ctx.vitals.note_reading(None)
    return [Check(name="signing_key", reason=None)]


def _written(check: Check) -> dict[str, object]:
    return {"ok": True} if check.reason is None else {"ok": False, "reason": check.reason}
