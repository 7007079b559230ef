"""
The console's way of a request: cookies, session, form, room, page.

    /console                who has signed in goes on to the applications, others get a form
    /console/sign-in, join  open to all
    /console/console.css…   open to all
    anything else           for those who have signed in; others are sent to the form
"""

import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import SplitResult, quote, urlsplit

from starlette.concurrency import run_in_threadpool

from watchword.server.context import Context
from watchword.server.domain.backlog import Backlog
from watchword.server.domain.problems import Problem
from watchword.server.operations.operators import session_of
from watchword.server.settings import is_loopback
from watchword.server.telemetry.meters import Throttle
from watchword.server.web.answers import CLOSE, NO_STORE, Answer, text_answer, with_etag
from watchword.server.web.console import applications, entrance, explaining, operators
from watchword.server.web.console.entrance import Entrance
from watchword.server.web.console.pages import GoTo, Page, html_answer, redirection, render
from watchword.server.web.console.visitor import (
    FORM_TOKEN,
    PREFIX,
    Cookies,
    Values,
    Visitor,
    form_token_of,
    read_cookies,
    read_values,
)
from watchword.server.web.errors import problem_of
from watchword.server.web.requests import Incoming, read_body

MOST_BODY = 64 * 1024
_MOST_WAIT_SECONDS = 2.0
_STATIC: Mapping[str, bytes] = {
    "console.css": b"text/css; charset=utf-8",
    "console.js": b"text/javascript; charset=utf-8",
}
_READS = frozenset({"GET", "HEAD"})
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Room:
    """
    What answers a path, in the order of the table.

    Attributes:
        is_open: Whether it is for those, too, who have not signed in.
    """

    method: str
    pattern: re.Pattern[str]
    handler: Callable[[Visitor], Page | GoTo]
    is_open: bool = False


class Console:
    """
    Answers requests below `/console`.
    """

    def __init__(self, ctx: Context, uptime: Callable[[], float]) -> None:
        self._ctx = ctx
        endpoint = urlsplit(ctx.settings.public_endpoint)
        self._origin = _origin_of(endpoint)
        self._backlog = Backlog(most_wait_seconds=_MOST_WAIT_SECONDS)
        self._cookies = Cookies(is_secure=endpoint.scheme == "https")
        self._is_safe = self._cookies.is_secure or is_loopback(endpoint.hostname or "")
        self._rooms = _table(Entrance(uptime))

    async def answer(self, request: Incoming) -> Answer:
        """
        Answer one request.
        """
        path = request.path.removeprefix(PREFIX).replace("\0", "\N{REPLACEMENT CHARACTER}")
        if path.removeprefix("/") in _STATIC and request.method in _READS:
            return _static(path.removeprefix("/"), request.headers.first(b"if-none-match"))
        if not self._is_safe:
            return html_answer(_UNSAFE, status=403)
        if request.method not in {*_READS, "POST"}:
            return text_answer("Method Not Allowed", status=405, headers=((b"allow", b"HEAD, GET, POST"),))
        if self._backlog.turns_away():
            self._ctx.meters.throttled[Throttle.OVERLOAD].add()
            return _in_words(503, "The server has more to do than it can do in time. Try again.")
        try:
            body = await read_body(request, limit=MOST_BODY) if request.method == "POST" else b""
            return await self._carry_out(request, path.rstrip("/"), body)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            # Where not even a visitor could be made: the body did not come, the database is away.
            return _in_words(problem.status, problem.message)

    async def _carry_out(self, request: Incoming, path: str, body: bytes) -> Answer:
        # On the threads of the Management API, of which there are few: their queue must not grow for ever.
        place, began = self._backlog.enter(), time.perf_counter()
        try:
            return await run_in_threadpool(self._answer, request, path, body)
        finally:
            self._backlog.leave(place, time.perf_counter() - began)

    def _answer(self, request: Incoming, path: str, body: bytes) -> Answer:
        cookies = read_cookies(request.headers.all(b"cookie"))
        token = cookies.get(self._cookies.session, "")
        signed_in = session_of(self._ctx, request.tenant_id, token) if token else None
        seed = token if signed_in else cookies.get(self._cookies.form, "")
        is_new = not seed
        seed = seed or secrets.token_urlsafe(32)
        visitor = Visitor(
            ctx=self._ctx, tenant_id=request.tenant_id, origin=request.origin, path={}, query={}, form={},
            operator=None if signed_in is None else signed_in[1], seed=seed,
        )  # fmt: skip
        headers = (self._cookies.set(self._cookies.form, seed),) if is_new and signed_in is None else ()
        try:
            return self._find(request, path, body, visitor, headers)
        except Exception as error:
            problem = problem_of(error)
            if problem is None:
                raise
            return html_answer(render(_refusal(problem), visitor), status=problem.status, headers=headers)

    def _find(
        self, request: Incoming, path: str, body: bytes, visitor: Visitor, headers: tuple[tuple[bytes, bytes], ...]
    ) -> Answer:
        method = "POST" if request.method == "POST" else "GET"
        query = read_values(request.scope["query_string"].decode("ascii", "replace"))
        for room in self._rooms:
            match = room.pattern.fullmatch(path)
            if match is None or room.method != method:
                continue
            if visitor.operator is None and not room.is_open:
                break
            form = self._form(request, body, visitor) if method == "POST" else {}
            return self._shown(room.handler(_with(visitor, match.groupdict(), query, form)), visitor, headers)
        if visitor.operator is None:
            return redirection(_sign_in_before(request), headers)
        nothing = Page(template="refused.html", shows={"text": "There is no such page."}, status=404)
        return self._shown(nothing, visitor, ())

    def _form(self, request: Incoming, body: bytes, visitor: Visitor) -> Values:
        """
        Read a form that one of our pages has sent, from this very browser.

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
        form = read_values(body.decode("utf-8", "replace"))
        expected = form_token_of(self._ctx.keys, visitor.seed)
        if not hmac.compare_digest(form.get(FORM_TOKEN, ("",))[0].encode(), expected.encode()):
            raise Problem(
                "console.stale_form", status=403, message="This form is too old: go back, reload the page, try again."
            )
        return form

    def _shown(self, shown: Page | GoTo, visitor: Visitor, headers: tuple[tuple[bytes, bytes], ...]) -> Answer:
        if isinstance(shown, Page):
            return html_answer(render(shown, visitor), status=shown.status, headers=(*headers, *shown.headers))
        if shown.session is not None:
            headers = (self._cookies.set(self._cookies.session, shown.session),)
        return redirection(shown.path, headers)


def _with(visitor: Visitor, path: Mapping[str, str], query: Values, form: Values) -> Visitor:
    return Visitor(
        ctx=visitor.ctx, tenant_id=visitor.tenant_id, origin=visitor.origin, path=path, query=query, form=form,
        operator=visitor.operator, seed=visitor.seed,
    )  # fmt: skip


def _table(door: Entrance) -> Sequence[Room]:
    rows: Sequence[tuple[str, str, Callable[[Visitor], Page | GoTo], bool]] = (
        ("GET", "", door.front, True),
        ("GET", "/sign-in", door.sign_in_form, True),
        ("POST", "/sign-in", door.sign_in, True),
        ("GET", "/join", door.join_form, True),
        ("POST", "/join", door.join, True),
        ("POST", "/sign-out", entrance.sign_out, False),
        ("GET", "/applications", applications.listing, False),
        ("GET", "/applications/new", applications.new, False),
        ("POST", "/applications", applications.create, False),
        ("GET", "/applications/{id}", applications.page, False),
        ("POST", "/applications/{id}/secrets", applications.add_secret, False),
        ("POST", "/applications/{id}/secrets/delete", applications.delete_secret, False),
        ("POST", "/applications/{id}/roles", applications.add_role, False),
        ("POST", "/applications/{id}/roles/remove", applications.remove_role, False),
        ("POST", "/applications/{id}/delete", applications.delete, False),
        ("GET", "/explain", explaining.page, False),
        ("GET", "/operators", operators.listing, False),
        ("POST", "/operators", operators.invite, False),
        ("POST", "/operators/{id}/role", operators.change_role, False),
        ("POST", "/operators/{id}/remove", operators.remove, False),
    )
    return [Room(method, _pattern(path), handler, is_open) for method, path, handler, is_open in rows]


def _sign_in_before(request: Incoming) -> str:
    """
    Say where to sign in, and where to go on from there: to a page, with its query, not to where a form was sent.
    """
    if request.method == "POST":
        return f"{PREFIX}/sign-in"
    raw: bytes = request.scope.get("raw_path") or quote(request.path).encode()
    query: bytes = request.scope["query_string"]
    asked = raw.partition(b"?")[0] + (b"?" + query if query else b"")
    return f"{PREFIX}/sign-in?to={quote(asked.decode('ascii', 'replace').removeprefix(PREFIX), safe='')}"


def _origin_of(endpoint: SplitResult) -> str:
    """
    Write an origin as browsers do: host in lower case and in ASCII, no port where it is the scheme's own.
    """
    host = (endpoint.hostname or "").encode("idna").decode("ascii")
    bare = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}.get(endpoint.scheme)
    return f"{endpoint.scheme}://{bare}" + ("" if endpoint.port in {None, usual} else f":{endpoint.port}")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path))


def _refusal(problem: Problem) -> Page:
    return Page(template="refused.html", shows={"text": problem.message}, status=problem.status)


def _in_words(status: int, text: str) -> Answer:
    return text_answer(text, status=status, headers=(*NO_STORE, CLOSE))


def _static(name: str, if_none_match: str | None) -> Answer:
    headers = ((b"content-type", _STATIC[name]), (b"cache-control", b"no-cache"))
    return with_etag(Answer(200, _content_of(name), headers), if_none_match)


@cache
def _content_of(name: str) -> bytes:
    return (files(__package__ or "") / "static" / name).read_bytes()


_UNSAFE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Watchword</title></head><body>
<h1>The console needs https</h1>
<p>This server's endpoint is plain http, on a host that is not this machine: passwords and secrets would cross the
network in clear. Put TLS in front of it and set <code>endpoint</code> to its <code>https:</code> address, or open the
console on the server's own machine, with an endpoint on loopback.</p>
</body></html>
"""
