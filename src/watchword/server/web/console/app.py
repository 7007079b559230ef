"""
The console's way of a request: cookies, session, form, password where it is grave, room, page.

    /console                who has signed in goes on, others get a form
    /console/sign-in, join  open to all
    /console/console.css…   open to all
    anything else           for those who have signed in; others are sent to the form
"""

import secrets
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar
from urllib.parse import quote, unquote, urlsplit

from msgspec.structs import replace
from starlette.concurrency import run_in_threadpool

from watchword.protocol.endpoints import is_loopback
from watchword.server.context import Context
from watchword.server.domain.backlog import HELD_SECONDS, Backlog
from watchword.server.domain.problems import Problem
from watchword.server.operations.operator_sessions import session_of
from watchword.server.telemetry.meters import Throttle
from watchword.server.web.answers import CLOSE, NO_STORE, Answer, Headers, text_answer
from watchword.server.web.console import notices
from watchword.server.web.console.confirmation import confirmed, deed_of
from watchword.server.web.console.entrance import sign_in_form
from watchword.server.web.console.guard import Guard
from watchword.server.web.console.own_origin import is_in_clear, is_other_name, origin_of
from watchword.server.web.console.pages import Entered, GoTo, Page, html_answer, redirection, render, render_for_nobody
from watchword.server.web.console.rooms import all_routes
from watchword.server.web.console.route import Route, page_above, page_of_form, route_of
from watchword.server.web.console.static_files import static_answer
from watchword.server.web.console.visitor import (
    PREFIX,
    Cookies,
    Values,
    Visitor,
    read_cookies,
    read_values,
)
from watchword.server.web.console.waiting import WaitingForm, form_that_waits
from watchword.server.web.errors import fault_in_words, note_fault, problem_of
from watchword.server.web.requests import MOST_READ, BodyTooLarge, Incoming, read_body

P = ParamSpec("P")
T = TypeVar("T")
MOST_FORM = 64 * 1024
_LOOK = "You are signed out: what you sent just now was not taken. If you had sent it before, look whether that was."
_ENDED = "Your session has ended. Sign in, and go on where you were."
_NOWHERE = "Perhaps its address was cut, or what it was about is gone."
_MOST_WAIT_SECONDS = 2.0
_READS = frozenset({"GET", "HEAD"})
_FORM = "application/x-www-form-urlencoded"
_Header = tuple[bytes, bytes]


class Console:
    """
    Answers requests below `/console`.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._endpoint = endpoint = urlsplit(ctx.settings.public_endpoint)
        self._origin = origin_of(endpoint)
        self._backlog = Backlog(most_wait_seconds=_MOST_WAIT_SECONDS)
        self._cookies = Cookies(is_secure=endpoint.scheme == "https")
        self._is_safe = self._cookies.is_secure or is_loopback(endpoint.hostname or "")
        self._guard = Guard()
        self._routes = all_routes(self._guard)

    async def answer(self, request: Incoming) -> Answer:
        """
        Answer one request.
        """
        path = request.path.removeprefix(PREFIX).replace("\0", "\N{REPLACEMENT CHARACTER}")
        at_once = self._at_once(request, path)
        if at_once is not None:
            return at_once
        if self._backlog.turns_away():
            self._ctx.meters.throttled[Throttle.OVERLOAD].add()
            busy = _in_words(503, "The server has more to do than it can do in time. Try again.")
            return busy.held(HELD_SECONDS)
        try:
            if request.method != "POST":
                return await self._on_thread(self._show, request, path.rstrip("/"))
            visitor, headers = await self._on_thread(self._welcome, request)
            body = await _body_of(request, visitor)
            return await self._on_thread(self._answer, request, path.rstrip("/"), body, visitor, headers)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            # Where not even a visitor could be made: the body did not come, the database is away.
            return _in_words(problem.status, problem.message)

    def _at_once(self, request: Incoming, path: str) -> Answer | None:
        """
        Answer what is the same for everybody: files, plain http, another name of this machine, another method.
        """
        is_read = request.method in _READS
        static = static_answer(path, request.scope["query_string"], request.headers) if is_read else None
        if static is not None:
            return static
        if not self._is_safe or self._is_in_clear(request):
            return html_answer(render_for_nobody("needs_https.html", self._ctx.settings), status=403)
        if is_read and is_other_name(request.headers.first(b"host"), self._endpoint):
            return redirection(self._origin + _with_query(request))
        if not is_read and request.method != "POST":
            return text_answer("Method Not Allowed", status=405, headers=((b"allow", b"HEAD, GET, POST"),))
        return None

    def _is_in_clear(self, request: Incoming) -> bool:
        client = request.scope.get("client")
        peer, host = client[0] if client else None, request.headers.first(b"host")
        return is_in_clear(host, peer, self._endpoint, self._ctx.settings.trusted_proxies)

    async def _on_thread(self, what: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        # On the threads of the Management API, of which there are few: their queue must not grow for ever.
        place, began = self._backlog.enter(), time.perf_counter()
        try:
            return await run_in_threadpool(what, *given, **named)
        finally:
            self._backlog.leave(place, time.perf_counter() - began)

    def _show(self, request: Incoming, path: str) -> Answer:
        visitor, headers = self._welcome(request)
        return self._answer(request, path, b"", visitor, headers)

    def _answer(
        self, request: Incoming, path: str, body: bytes | None, visitor: Visitor, headers: tuple[_Header, ...]
    ) -> Answer:
        if body is None:
            return self._shown(self._refusal(request, visitor, BodyTooLarge()), visitor, headers)
        try:
            return self._find(request, path, body, visitor, headers)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the page says nothing of it
            return self._shown(self._refusal(request, visitor, error), visitor, headers)

    def _welcome(self, request: Incoming) -> tuple[Visitor, tuple[_Header, ...]]:
        """
        Say who comes, by their cookies, and which cookies they are to keep from now on.
        """
        cookies = read_cookies(request.headers.all(b"cookie"))
        token = cookies.get(self._cookies.session, "")
        session, operator = (session_of(self._ctx, request.tenant_id, token) if token else None) or (None, None)
        seed = token if session else cookies.get(self._cookies.form, "")
        headers: tuple[_Header, ...] = ()
        if not seed:
            seed = secrets.token_urlsafe(32)
            headers = (self._cookies.set(self._cookies.form, seed),)
        notice = notices.read(self._ctx.keys, seed, cookies.get(self._cookies.notice, ""))
        if notice and request.method in _READS:
            headers = (*headers, self._cookies.set(self._cookies.notice, ""))
        visitor = Visitor(
            ctx=self._ctx, tenant_id=request.tenant_id, origin=request.origin, here=_address(request),
            session=session, operator=operator, seed=seed, notice=notice,
        )  # fmt: skip
        return visitor, headers

    def _find(
        self, request: Incoming, path: str, body: bytes, visitor: Visitor, headers: tuple[_Header, ...]
    ) -> Answer:
        method = "POST" if request.method == "POST" else "GET"
        query = read_values(request.scope["query_string"].decode("ascii", "replace"), "address")
        found = route_of(self._routes, method, path)
        if found is not None and (visitor.operator is not None or found[0].is_open):
            form = self._form(request, body) if method == "POST" else {}
            there = replace(visitor, path=found[1], query=query, form=form)
            if method == "POST" and found[0].needs_token(there):
                _demand_own_form(there)
            return self._visit(request, found[0], there, headers)
        page = page_of_form(self._routes, path)
        if visitor.operator is None:
            return self._shown(self._sign_in_before(request, path, page, body, visitor), visitor, headers)
        if method == "GET" and page is not None:
            return redirection(PREFIX + quote(page), headers)
        return self._shown(_refused(_NOWHERE, status=404, heading="There is no such page"), visitor, headers)

    def _visit(self, request: Incoming, route: Route, visitor: Visitor, headers: tuple[_Header, ...]) -> Answer:
        if route.grave is not None:
            known = confirmed(visitor, self._guard, route.grave)
            if isinstance(known, Page):
                return self._shown(known, visitor, headers)
            if known.seed != visitor.seed:
                visitor, headers = known, (*headers, self._cookies.set(self._cookies.session, known.seed))
        try:
            return self._shown(route.handler(visitor), visitor, headers)
        except Exception as error:  # noqa: BLE001 - here, too, so that a session that has just begun reaches the browser
            return self._shown(self._refusal(request, visitor, error), visitor, headers)

    def _refusal(self, request: Incoming, visitor: Visitor, error: Exception) -> Page:
        """
        Say why not, and lead back: to the page on which the form stands, or to the one above.
        """
        there, problem = visitor.here.removeprefix(PREFIX).rstrip("/"), problem_of(error)
        page = page_of_form(self._routes, there) if request.method == "POST" else page_above(self._routes, there)
        back = PREFIX + (page or "")
        if problem is None:
            note_fault(request, error)
            return _refused(fault_in_words(request.request_id), status=500, back=back)
        headers = (CLOSE,) if isinstance(error, BodyTooLarge) else ()  # the rest of it was not read
        return _refused(problem.message, status=problem.status, code=problem.code, back=back, headers=headers)

    def _sign_in_before(
        self, request: Incoming, path: str, page: str | None, body: bytes, visitor: Visitor
    ) -> Page | GoTo:
        """
        Say where to sign in, and where to go on from there: to a page, with its query, not to where a form was sent.

        Args:
            page: The one on which a form stands; None where none was sent.
        """
        ended = read_cookies(request.headers.all(b"cookie")).get(self._cookies.session, "")
        if request.method != "POST":
            asked = _with_query(request).removeprefix(PREFIX)
            return GoTo(path=f"{PREFIX}/sign-in?to={quote(asked, safe='')}", says=_ENDED if ended else "")
        if page is None:
            return GoTo(path=f"{PREFIX}/sign-in", says=_LOOK)
        waiting = self._waiting(request, path, body, replace(visitor, seed=ended)) if ended else None
        if waiting is None:
            return GoTo(path=f"{PREFIX}/sign-in?to={quote(page, safe='')}", says=_LOOK)
        return sign_in_form(page, waiting=waiting)

    def _waiting(self, request: Incoming, path: str, body: bytes, visitor: Visitor) -> WaitingForm | None:
        try:
            form = self._form(request, body)
        except Problem:
            return None
        return form_that_waits(replace(visitor, form=form), quote(path))

    def _waiting_page(self, entered: Entered) -> Page:
        """
        Show a form that has waited, and what it would do where that is grave: it may have been somebody else's.
        """
        found, deed = route_of(self._routes, "POST", unquote(entered.form.path.removeprefix(PREFIX))), ""
        if found is not None and found[0].grave is not None:
            deed = deed_of(replace(entered.visitor, path=found[1], form=entered.form.values), found[0].grave)
        shows = {"waiting": entered.form, "leave": entered.leave, "deed": deed}
        return Page(template="waiting.html", shows=shows)

    def _form(self, request: Incoming, body: bytes) -> Values:
        """
        Read a form that one of our pages has sent.

        Raises:
            Problem: It comes from elsewhere (403), or is no form (400).
        """
        if request.headers.all(b"origin") != (self._origin,):
            raise Problem(
                "console.foreign_origin",
                status=403,
                message=f"This form was sent from another address. The console is at {self._origin}{PREFIX}.",
            )
        content_type = (request.headers.first(b"content-type") or "").partition(";")[0].strip().lower()
        if content_type != _FORM:
            raise Problem("request.invalid_input", status=400, message="The form can't be read.")
        return read_values(body.decode("utf-8", "replace"))

    def _shown(self, shown: Page | GoTo | Entered | Answer, visitor: Visitor, headers: tuple[_Header, ...]) -> Answer:
        if isinstance(shown, Answer):
            return Answer(shown.status, shown.body, (*shown.headers, *headers))
        if isinstance(shown, Entered):
            headers = (self._cookies.set(self._cookies.session, shown.visitor.seed),)
            return self._shown(self._waiting_page(shown), shown.visitor, headers)
        if isinstance(shown, Page):
            return html_answer(render(shown, visitor), status=shown.status, headers=(*headers, *shown.headers))
        if shown.session is not None:
            headers = (self._cookies.set(self._cookies.session, shown.session),)
        if shown.says:
            text = notices.write(self._ctx.keys, shown.session or visitor.seed, shown.says)
            headers = (*headers, self._cookies.set(self._cookies.notice, text))
        return redirection(shown.path, headers)


def _demand_own_form(visitor: Visitor) -> None:
    if not visitor.has_own_form:
        raise Problem(
            "console.stale_form", status=403, message="This form is too old: go back, reload the page, try again."
        )


async def _body_of(request: Incoming, visitor: Visitor) -> bytes | None:
    """
    Read a form; None where it is too large. Who has signed in may change what the Management API takes.
    """
    try:
        return await read_body(request, limit=MOST_FORM if visitor.operator is None else MOST_READ)
    except BodyTooLarge:
        return None


def _with_query(request: Incoming) -> str:
    query: str = request.scope["query_string"].decode("ascii", "replace")
    return _address(request) + (f"?{query}" if query else "")


def _address(request: Incoming) -> str:
    """
    Return the path as it was written, without its query.
    """
    raw: bytes = request.scope.get("raw_path") or quote(request.path).encode()
    return raw.partition(b"?")[0].decode("ascii", "replace")


def _refused(
    text: str,
    *,
    status: int,
    code: str = "",
    heading: str = "That can't be done",
    back: str = PREFIX,
    headers: Headers = (),
) -> Page:
    shows = {"text": text, "code": code, "heading": heading, "back": back}
    return Page(template="refused.html", shows=shows, status=status, headers=headers)


def _in_words(status: int, text: str) -> Answer:
    return text_answer(text, status=status, headers=(*NO_STORE, CLOSE))
