"""
The table of contents of the web: what answers which path, in order.

    POST /oidc/token        oauth/token.py, before everything else
    /oidc/…, /.well-known/… oauth/routes.py
    /health/…               health.py
    /metrics                metrics.py
    /api/…                  api/
    anything else           404
"""

import time
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from watchword.protocol.metadata import METADATA_PATHS, TOKEN_PATH
from watchword.server.context import Context, RequestLine
from watchword.server.domain.names import DEFAULT_TENANT
from watchword.server.web import health, metrics
from watchword.server.web.answers import CLOSE, Answer, RequestIds, common_headers, json_answer, text_answer
from watchword.server.web.api.dispatch import ManagementApi
from watchword.server.web.errors import fault_answer, oauth_fault, oauth_members
from watchword.server.web.metrics import MetricsPage
from watchword.server.web.oauth.routes import PREFIX as OAUTH
from watchword.server.web.oauth.routes import answer_oauth
from watchword.server.web.oauth.token import TokenEndpoint
from watchword.server.web.observation import Observer
from watchword.server.web.requests import (
    CLIENT_GONE,
    MOST_HEADER_BYTES,
    ClientGone,
    Incoming,
    RequestHeaders,
    came_from,
)

_log = structlog.get_logger(__name__)
_READS = frozenset({"GET", "HEAD"})


def create_app(ctx: Context, on_stop: Callable[[], None], *, local: bool = False) -> ASGIApp:
    """
    Make the ASGI application.

    Args:
        on_stop: Called once, when the server has answered its last request.
        local: Take every caller of the Management API for the machine's own command line, which needs no token: only
            for an application that runs in process and is never served.
    """
    web = _Web(ctx, local=local)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await web.answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send, on_stop)

    return app


async def _live(receive: Receive, send: Send, on_stop: Callable[[], None]) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    on_stop()
    await send({"type": "lifespan.shutdown.complete"})


def tenant_of(host: str | None) -> str:
    """
    Say which tenant a Host header means. There is one so far, so every host is it.
    """
    del host
    return DEFAULT_TENANT


class _Web:
    def __init__(self, ctx: Context, *, local: bool) -> None:
        self._ctx = ctx
        self._token = TokenEndpoint(ctx)
        self._api = ManagementApi(ctx, local=local)
        self._metrics = MetricsPage(ctx)
        self._observer = Observer(ctx)
        self._ids = RequestIds()
        self._common = common_headers(ctx.settings.public_endpoint)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        incoming = self._incoming(scope, receive)
        line = RequestLine(
            time=self._ctx.clock(),
            event="request",
            request_id=incoming.request_id,
            method=incoming.method,
            path=TOKEN_PATH if incoming.path == TOKEN_PATH else incoming.shown_path,
            ip=incoming.origin.ip,
        )
        if incoming.headers.size > MOST_HEADER_BYTES:
            await self._send(_headers_too_large(incoming), incoming, send, line)
        elif incoming.path == TOKEN_PATH and incoming.method == "POST":
            await self._token(incoming, send, line)
            incoming.route = TOKEN_PATH
        else:
            await self._rest(incoming, send, line)
        self._observer.answered(incoming, line, began)
        self._ctx.request_log.write(line)

    def _incoming(self, scope: Scope, receive: Receive) -> Incoming:
        headers = RequestHeaders(scope["headers"])
        origin = came_from(scope, headers, self._ctx.settings.trusted_proxies)
        return Incoming(scope, receive, headers, self._ids.next(), tenant_of(headers.first(b"host")), origin)

    async def _rest(self, incoming: Incoming, send: Send, line: RequestLine) -> None:
        try:
            answer = await self._find(incoming)
        except ClientGone:
            line.status = CLIENT_GONE
            return
        except Exception as error:  # noqa: BLE001 - the last resort: whatever went wrong, the answer says nothing of it
            _log.error(
                "a request failed",
                request_id=incoming.request_id,
                trace_id=incoming.trace_id,
                path=incoming.shown_path,
                exc_info=error,
            )
            answer = _fault(incoming)
        await self._send(answer, incoming, send, line)

    async def _find(self, incoming: Incoming) -> Answer:
        path = incoming.path
        if path == OAUTH or path.startswith(OAUTH + "/") or path in METADATA_PATHS:
            return await answer_oauth(self._ctx, incoming)
        if path == health.LIVE and incoming.method in _READS:
            return health.live()
        if path == health.READY and incoming.method in _READS:
            return await health.ready(self._ctx, incoming.tenant_id)
        if path == metrics.PATH and incoming.method in _READS:
            return await self._metrics.answer(incoming)
        if path.startswith("/api/"):
            return await self._api.answer(incoming)
        return text_answer("Not Found", status=404)

    async def _send(self, answer: Answer, incoming: Incoming, send: Send, line: RequestLine) -> None:
        line.status = answer.status
        await answer.send(send, self._common, incoming.request_id, head=incoming.method == "HEAD")


def _fault(incoming: Incoming) -> Answer:
    return oauth_fault(bare=False) if incoming.path.startswith(OAUTH) else fault_answer(incoming.request_id)


def _headers_too_large(incoming: Incoming) -> Answer:
    text = "the request headers are too large"
    members: dict[str, object]
    if incoming.path.startswith(OAUTH):
        members = oauth_members("invalid_request", text)
    else:
        members = {"code": "request.headers_too_large", "message": text, "request_id": incoming.request_id}
    return json_answer(members, status=431, headers=(CLOSE,))
