"""
`POST /oidc/token`: the bytes of a token request in, the bytes of its answer out.

A plain ASGI callable that `app.py` reaches before router and middleware: ten per cent more tokens than behind them.
"""

import msgspec
import structlog
from starlette.types import Send

from watchword.protocol.errors import OAuthError
from watchword.server.context import Context
from watchword.server.domain.client_auth import Seen
from watchword.server.tokens.issue import TokenRequest, issue_token
from watchword.server.web.answers import JSON_TYPE, NO_STORE, Answer, Headers, common_headers
from watchword.server.web.errors import oauth_answer, oauth_error_of, oauth_fault
from watchword.server.web.oauth.cors import cors_headers
from watchword.server.web.requests import ClientGone, Incoming, came_from, read_body

MOST_BODY = 56 * 1024
_log = structlog.get_logger(__name__)


class TokenEndpoint:
    """
    Answers token requests.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._common = common_headers(ctx.settings.public_endpoint)
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, incoming: Incoming, send: Send) -> dict[str, object]:
        """
        Answer one request; return what the request line says of it.
        """
        ctx, seen = self._ctx, Seen()
        headers = incoming.headers
        origin = headers.first(b"origin")
        cors = cors_headers(origin)
        fields: dict[str, object] = {}
        try:
            body = await read_body(incoming.receive, limit=MOST_BODY, timeout_seconds=ctx.settings.body_timeout_seconds)
            request = TokenRequest(
                tenant_id=incoming.tenant_id,
                authorization=headers.all(b"authorization"),
                content_type=headers.first(b"content-type"),
                body=body,
                browser_origin=origin,
                came_from=came_from(incoming.scope, headers, ctx.settings.trusted_proxies),
            )
            response = await issue_token(request, ctx, seen)
            answer = Answer(200, self._encode(response), (*cors, *NO_STORE, JSON_TYPE))
        except ClientGone:
            return {"status": 499}
        except Exception as error:  # noqa: BLE001 - the one catch-all of this endpoint: nothing leaves as a bare 500
            answer, fields = self._refuse(error, incoming, cors)
        await answer.send(send, self._common, incoming.request_id)
        if seen.application is not None:
            fields["client_id"] = seen.application.id
        return {"status": answer.status, **fields}

    def _refuse(self, error: Exception, incoming: Incoming, cors: Headers) -> tuple[Answer, dict[str, object]]:
        bare = incoming.is_bare
        refusal: OAuthError | None = oauth_error_of(error)
        if refusal is None:
            _log.error("a token request failed", exc_info=error)
            return oauth_fault(bare=bare), {"error": "server_error"}
        answer = oauth_answer(refusal, issuer=self._ctx.settings.issuer, cors=cors, bare=bare)
        fields: dict[str, object] = {"error": refusal.error}
        if refusal.detail:
            fields["detail"] = refusal.detail
        return answer, fields
