"""
One request through the Management API, in the contract's order.

    route → 401 → 403 → pagination → body → operation
"""

import time
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool

from watchword.server.context import Context
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.backlog import HELD_SECONDS, Backlog
from watchword.server.domain.names import Permission
from watchword.server.domain.problems import Problem
from watchword.server.operations.operation import Acting
from watchword.server.telemetry.meters import Throttle
from watchword.server.web.answers import Answer, json_answer, text_answer, with_etag
from watchword.server.web.api.authentication import authenticate_caller
from watchword.server.web.api.bodies import most_bytes, read_value
from watchword.server.web.api.guard import Body, invalid_input, kind, validate
from watchword.server.web.api.pages import page_headers, wanted_page
from watchword.server.web.api.route import PREFIX, Call, Paged, Resource, Route
from watchword.server.web.api.routes import TABLE
from watchword.server.web.errors import cannot_answer_now, problem_answer, problem_of
from watchword.server.web.requests import Incoming, read_body

_LARGE_BODY = 32 * 1024
_MOST_WAIT_SECONDS = 2.0
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_NUL = "%00"  # no key holds it, and PostgreSQL takes none


class ManagementApi:
    """
    Answers requests below `/api`.

    Args:
        local: Whether callers are the machine's own command line, which needs no token.
    """

    def __init__(self, ctx: Context, *, local: bool = False) -> None:
        self._ctx = ctx
        self._local = local
        self._backlog = Backlog(most_wait_seconds=_MOST_WAIT_SECONDS)

    async def answer(self, request: Incoming) -> Answer:
        """
        Answer one request.
        """
        try:
            return await self._answer(request)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            return problem_answer(problem, request_id=request.request_id)

    async def _answer(self, request: Incoming) -> Answer:
        found = TABLE.find(_path_of(request))
        if found is None or _NUL in _path_of(request):
            return text_answer("Not Found", status=404)
        resource, path = found
        method = request.method
        route = resource.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            return _no_such_method(method, resource)
        request.route = PREFIX + route.path
        if self._backlog.turns_away():
            self._ctx.meters.throttled[Throttle.OVERLOAD].add()
            return problem_answer(cannot_answer_now(), request_id=request.request_id).held(HELD_SECONDS)
        actor = await self._actor(request, route)
        query = _query_of(request)
        page = wanted_page(query, route.paging)
        call: Call[object] = Call(
            acting=Acting(ctx=self._ctx, tenant_id=request.tenant_id, actor=actor),
            path=path,
            query=query,
            page=page,
            body=await self._body(request, route),
        )
        return self._reply(request, route, call, await self._carry_out(route, call))

    async def _carry_out(self, route: Route, call: Call[object]) -> object:
        # There are few threads: who comes when all are taken waits in their queue, which must not grow for ever.
        place = self._backlog.enter()
        began = time.perf_counter()
        try:
            return await run_in_threadpool(route.handler, call)
        finally:
            self._backlog.leave(place, time.perf_counter() - began)

    async def _actor(self, request: Incoming, route: Route) -> Actor:
        origin = request.origin
        if self._local or route.is_public:
            return Actor(kind=ActorKind.LOCAL, user_agent=origin.user_agent)
        return await authenticate_caller(
            self._ctx, request.tenant_id, request.headers.all(b"authorization"), Permission.ALL, origin
        )

    async def _body(self, request: Incoming, route: Route) -> object:
        if route.method not in _WITH_BODY:
            return None
        content_type = request.headers.first(b"content-type")
        raw = await read_body(request, limit=most_bytes(content_type))
        if route.body is None:
            return None
        if len(raw) > _LARGE_BODY:  # judged elsewhere than on the event loop, where it would hold everybody up
            return await run_in_threadpool(_judge_body, route.body, content_type, raw)
        return _judge_body(route.body, content_type, raw)

    def _reply(self, request: Incoming, route: Route, call: Call[object], reply: object) -> Answer:
        answer = self._written(request, route, call, reply)
        if route.method == "GET" and answer.status == 200:  # noqa: PLR2004
            return with_etag(answer, request.headers.first(b"if-none-match"))
        return answer

    def _written(self, request: Incoming, route: Route, call: Call[object], reply: object) -> Answer:
        if isinstance(reply, Answer):
            return reply
        if reply is None:
            # 201 without JSON says so in text, as the reference's framework does.
            words = {200: "OK", 201: "Created"}
            return text_answer(words[route.status], status=route.status) if route.status in words else Answer(204, b"")
        if isinstance(reply, Paged):
            url = self._ctx.settings.public_endpoint + PREFIX + _path_of(request)
            headers = () if call.page is None else page_headers(url, call.query, call.page, reply)
            return json_answer(reply.items, headers=headers)
        return json_answer(reply, status=route.status)


def _judge_body(wanted: type[Body] | type[dict[str, object]], content_type: str | None, raw: bytes) -> object:
    value = read_value(content_type, raw)
    if issubclass(wanted, Body):
        return validate(wanted, value)
    if not isinstance(value, dict):
        raise _not_an_object(value)
    return value


def _path_of(request: Incoming) -> str:
    """
    Return the path below the prefix, still percent-encoded: a parameter may hold an encoded slash.
    """
    raw: bytes = request.scope.get("raw_path") or request.path.encode()
    return raw.partition(b"?")[0].decode("ascii", "replace").removeprefix(PREFIX)


def _query_of(request: Incoming) -> Mapping[str, Sequence[str]]:
    members: dict[str, list[str]] = {}
    try:
        text = request.scope["query_string"].decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise _bad_query() from None
    if any("\0" in value for _, value in pairs):
        raise _bad_query()
    for name, value in pairs:
        members.setdefault(name, []).append(value)
    return members


def _bad_query() -> Problem:
    return Problem("guard.invalid_input", status=400, message="The request query is invalid.")


def _no_such_method(method: str, resource: Resource) -> Answer:
    allow = ((b"allow", resource.allow.encode()),)
    if method == "OPTIONS":
        return Answer(200, b"", allow)
    return text_answer("Method Not Allowed", status=405, headers=allow)


def _not_an_object(value: object) -> Problem:
    received = kind(value)
    fault: dict[str, object] = {
        "code": "invalid_type",
        "expected": "object",
        "received": received,
        "path": [],
        "message": f"Expected object, received {received}",
    }
    return invalid_input([fault], "body")
