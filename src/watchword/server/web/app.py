"""
The table of contents of the web: what answers which path, in order.

    POST /oidc/token        oauth/token.py, before everything else
    /oidc/…, /.well-known/… oauth/routes.py
    /health/…               health.py
    /metrics                metrics.py
    /api/…                  api/
    /console/…              console/
    /                       leads to the console
    /docs/…                 docs/
    anything else           404
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from starlette.types import Message, Receive, Scope, Send

from watchword.protocol.metadata import METADATA_PATHS, TOKEN_PATH
from watchword.server.context import Context, RequestLine
from watchword.server.domain.names import DEFAULT_TENANT
from watchword.server.web import health, metrics
from watchword.server.web.answers import CLOSE, Answer, RequestIds, Written, common_headers, json_answer, text_answer
from watchword.server.web.api.dispatch import ManagementApi
from watchword.server.web.console.app import Console
from watchword.server.web.console.pages import redirection
from watchword.server.web.console.visitor import PREFIX as CONSOLE
from watchword.server.web.docs.app import PREFIX as DOCS
from watchword.server.web.docs.app import Docs
from watchword.server.web.errors import (
    fault_answer,
    fault_in_words,
    help_link,
    note_fault,
    oauth_fault,
    oauth_members,
)
from watchword.server.web.metrics import MetricsPage
from watchword.server.web.oauth.routes import PREFIX as OAUTH
from watchword.server.web.oauth.routes import answer_oauth
from watchword.server.web.oauth.token import Place, TokenEndpoint
from watchword.server.web.observation import Observer
from watchword.server.web.requests import (
    CLIENT_GONE,
    MOST_HEADER_BYTES,
    TOKEN_SCOPE,
    ClientGone,
    Incoming,
    RequestHeaders,
    came_from,
)
from watchword.server.web.whole_request import RawHeaders, WholeAnswer

_READS = frozenset({"GET", "HEAD"})


class Application(Protocol):
    """
    An ASGI application with a shorter way for token requests.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Do what ASGI says.
        """

    def answer_token_request(self, headers: RawHeaders, body: bytes, address: str | None) -> WholeAnswer:
        """
        Answer a token request that came whole: at once where there is too much to do, else by what is to be awaited.

        Args:
            headers: Names in lower case, and values, as they came.
            address: Of the other end of the connection.
        """


def create_app(ctx: Context, on_stop: Callable[[], None], *, local: bool = False) -> Application:
    """
    Make the application.

    Args:
        on_stop: Called once, when the server has answered its last request.
        local: Take every caller of the Management API for the machine's own command line, which needs no token: only
            for an application that runs in process and is never served.
    """
    return _Web(ctx, on_stop, local=local)


async def _live(receive: Receive, send: Send, on_stop: Callable[[], None]) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    on_stop()
    await send({"type": "lifespan.shutdown.complete"})


def tenant_of(headers: RequestHeaders) -> str:
    """
    Say which tenant the Host header means. There is one so far, so every host is it.
    """
    del headers
    return DEFAULT_TENANT


class _Web:
    def __init__(self, ctx: Context, on_stop: Callable[[], None], *, local: bool) -> None:
        self._ctx = ctx
        self._on_stop = on_stop
        self._token = TokenEndpoint(ctx)
        self._api = ManagementApi(ctx, local=local)
        self._metrics = MetricsPage(ctx)
        self._console = Console(ctx)
        self._docs = Docs()
        self._observer = Observer(ctx)
        self._ids = RequestIds()
        self._common = common_headers(ctx.settings.public_endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send, self._on_stop)

    def answer_token_request(self, headers: RawHeaders, body: bytes, address: str | None) -> WholeAnswer:
        began = time.perf_counter()
        incoming = self._incoming(TOKEN_SCOPE, _never, headers, address, body)
        line = self._line(incoming, "POST", TOKEN_PATH)
        if incoming.headers.size > MOST_HEADER_BYTES:
            return self._written(_headers_too_large(incoming), incoming, line, began)
        incoming.route = TOKEN_PATH
        # It has its place from now on, not from when its task runs: hundreds may come in one turn of the event loop.
        place = self._token.admit()
        if place is None:
            return self._written(self._token.send_away(incoming, line), incoming, line, began)
        return self._answer_whole(incoming, line, place, began)

    async def _answer_whole(self, incoming: Incoming, line: RequestLine, place: Place, began: float) -> Written:
        answer = await self._token.answer(incoming, line, place)
        if answer is None:
            raise AssertionError("nobody hangs up within a request that is there")
        return self._written(answer, incoming, line, began)

    def _written(self, answer: Answer, incoming: Incoming, line: RequestLine, began: float) -> Written:
        self._answered(incoming, line, answer.status, began)
        return answer.written(self._common, incoming.request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        client = scope.get("client")
        incoming = self._incoming(scope, receive, list(scope["headers"]), client[0] if client else None)
        shown_path = TOKEN_PATH if incoming.path == TOKEN_PATH else incoming.shown_path
        line = self._line(incoming, incoming.method, shown_path)
        answer = await self._find_in_bounds(incoming, line)
        if answer is not None:
            await answer.send(send, self._common, incoming.request_id, head=incoming.method == "HEAD")
        self._answered(incoming, line, CLIENT_GONE if answer is None else answer.status, began)

    def _incoming(
        self,
        scope: Mapping[str, Any],
        receive: Receive,
        raw_headers: RawHeaders,
        address: str | None,
        body: bytes | None = None,
    ) -> Incoming:
        headers = RequestHeaders(raw_headers)
        origin = came_from(address, headers, self._ctx.settings.trusted_proxies)
        return Incoming(scope, receive, headers, self._ids.next(), tenant_of(headers), origin, body)

    def _line(self, incoming: Incoming, method: str, path: str) -> RequestLine:
        return RequestLine(
            time=self._ctx.clock(),
            event="request",
            request_id=incoming.request_id,
            method=method,
            path=path,
            ip=incoming.origin.ip,
        )

    def _answered(self, incoming: Incoming, line: RequestLine, status: int, began: float) -> None:
        line.status = status
        self._observer.answered(incoming, line, began)
        self._ctx.request_log.write(line)

    async def _find_in_bounds(self, incoming: Incoming, line: RequestLine) -> Answer | None:
        if incoming.head_bytes > MOST_HEADER_BYTES:
            return _headers_too_large(incoming)
        if incoming.path == TOKEN_PATH and incoming.method == "POST":
            incoming.route = TOKEN_PATH
            return await self._token.answer(incoming, line)
        return await self._find_or_fault(incoming)

    async def _find_or_fault(self, incoming: Incoming) -> Answer | None:
        try:
            return await self._find(incoming)
        except ClientGone:
            return None
        except Exception as error:  # noqa: BLE001 - the last resort: whatever went wrong, the answer says nothing of it
            note_fault(incoming, error)
            return _fault(incoming)

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
        return await self._find_page(incoming)

    async def _find_page(self, incoming: Incoming) -> Answer:
        path = incoming.path
        if path == CONSOLE or path.startswith(CONSOLE + "/"):
            return await self._console.answer(incoming)
        if path == "/" and incoming.method in _READS:
            return redirection(CONSOLE)
        return await self._docs.answer(incoming) if path.startswith(DOCS) else text_answer("Not Found", status=404)


async def _never() -> Message:
    raise AssertionError("all of it was there")


def _fault(incoming: Incoming) -> Answer:
    if incoming.path.startswith(CONSOLE):
        return text_answer(fault_in_words(incoming.request_id), status=500)
    return oauth_fault(bare=False) if incoming.path.startswith(OAUTH) else fault_answer(incoming.request_id)


def _headers_too_large(incoming: Incoming) -> Answer:
    text = "the request headers are too large"
    if incoming.path.startswith(OAUTH):
        code, members = "invalid_request", oauth_members("invalid_request", text)
    else:
        code = "request.headers_too_large"
        members = {"code": code, "message": text, "request_id": incoming.request_id}
    return json_answer(members, status=431, headers=(CLOSE, help_link(code)))
