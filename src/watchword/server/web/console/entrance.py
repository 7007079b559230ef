"""
The way in and out: the first operator, whoever was invited, and those who sign in.
"""

from collections.abc import Sequence
from urllib.parse import unquote

from msgspec.structs import replace

from watchword.server.domain.operators import LEAST_PASSWORD
from watchword.server.domain.problems import Problem
from watchword.server.operations import getting_started, operator_sessions, operators
from watchword.server.operations.operator_sessions import Credentials, SignedIn
from watchword.server.web.console.forms import chosen_password
from watchword.server.web.console.guard import Guard, wait_of
from watchword.server.web.console.pages import Entered, GoTo, Page, page_with
from watchword.server.web.console.route import Route, get, post
from watchword.server.web.console.visitor import PREFIX, Visitor
from watchword.server.web.console.waiting import WaitingForm, waiting_in

START = f"{PREFIX}/start"
OVERVIEW = f"{PREFIX}/overview"
_INVITATIONS = "\0invitations"  # nobody's name


class Entrance:
    """
    What is open to all.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def routes(self) -> Sequence[Route]:
        """
        Return what is open, and the way out.
        """
        return (
            get("", self.front, is_open=True),
            get("/sign-in", self.sign_in_form, is_open=True),
            post("/sign-in", self.sign_in, is_open=True, needs_token=lambda visitor: visitor.operator is None),
            get("/join", self.join_form, is_open=True),
            post("/join", self.join, is_open=True),
            post("/sign-out", sign_out, is_open=True, needs_token=lambda _: False),
        )

    def front(self, visitor: Visitor) -> Page | GoTo:
        """
        Let in who has signed in; show others the form that is theirs.
        """
        if visitor.operator is not None:
            return GoTo(path=OVERVIEW if getting_started.is_done(visitor.acting) else START)
        return sign_in_form() if _is_anybody_there(visitor) else _join_form(visitor)

    def sign_in_form(self, visitor: Visitor) -> Page | GoTo:
        """
        Show the form, and remember where to go on.
        """
        return sign_in_form(visitor.asked("to")) if _is_anybody_there(visitor) else _join_form(visitor)

    def sign_in(self, visitor: Visitor) -> Page | GoTo | Entered:
        """
        Let somebody in; who has signed in meanwhile, in another tab, goes on.
        """
        to, waiting = visitor.field("to"), waiting_in(visitor.form)
        if visitor.operator is not None and not visitor.has_own_form:
            return GoTo(path=_place(to)) if waiting is None else _with_waiting(waiting, to, visitor)
        given = Credentials(name=visitor.field("name"), password=visitor.field("password"))
        try:
            signed_in = self._guard.attempt(
                visitor,
                given.normal().name,
                lambda: operator_sessions.sign_in(visitor.ctx, visitor.tenant_id, given, visitor.origin),
            )
        except Problem as problem:
            return sign_in_form(to, given.name, problem, waiting)
        _leave(visitor)
        if waiting is None:
            return GoTo(path=_place(to), session=signed_in.token)
        known = replace(visitor, session=signed_in.session, operator=signed_in.operator, seed=signed_in.token)
        return _with_waiting(waiting, to, known)

    def join_form(self, visitor: Visitor) -> Page:
        """
        Show the form for whoever has an invitation.
        """
        return _join_form(visitor)

    def join(self, visitor: Visitor) -> Page | GoTo:
        """
        Make an operator of whoever has an invitation.
        """
        try:
            signed_in = self._guard.attempt(visitor, _INVITATIONS, lambda: _join(visitor))
        except Problem as problem:
            return _join_form(
                visitor, name=visitor.field("name"), invitation=visitor.field("invitation"), problem=problem
            )
        _leave(visitor)
        return GoTo(path=PREFIX, session=signed_in.token)


def sign_in_form(
    to: str = "", name: str = "", problem: Problem | None = None, waiting: WaitingForm | None = None
) -> Page:
    """
    Make the page on which one signs in.

    Args:
        to: Where to go on, below the console.
        name: What was typed.
        waiting: A form that came when its session had ended.
    """
    shows = {"name": name, "to": to, "waiting": waiting}
    return page_with("sign_in.html", shows, problem, wait_of(problem))


def sign_out(visitor: Visitor) -> GoTo:
    """
    End the session, unless it has ended.
    """
    _leave(visitor)
    return GoTo(path=PREFIX, session="")


def _leave(visitor: Visitor) -> None:
    if visitor.operator is not None:
        operator_sessions.sign_out(visitor.acting, visitor.seed)


def _join(visitor: Visitor) -> SignedIn:
    wanted = Credentials(name=visitor.field("name"), password=chosen_password(visitor))
    # Whoever has no script may paste all of the link.
    invitation = visitor.field("invitation").rpartition("#")[2].strip()
    return operators.join(visitor.ctx, visitor.tenant_id, invitation, wanted, visitor.origin)


def _is_anybody_there(visitor: Visitor) -> bool:
    return operators.is_anybody_there(visitor.ctx, visitor.tenant_id)


def _place(to: str) -> str:
    # Within the console, whatever an address has brought along: never to another host, nor up and out by dots.
    first, *segments = unquote(to.partition("?")[0]).split("/")
    is_plain = to.isascii() and to.isprintable() and "\\" not in to
    is_below = not first and segments and not {"", ".", ".."}.intersection(segments)
    return f"{PREFIX}{to}" if is_plain and is_below else PREFIX


def _with_waiting(waiting: WaitingForm, to: str, visitor: Visitor) -> Entered:
    return Entered(visitor=visitor, form=replace(waiting, path=_place(waiting.path)), leave=_place(to))


def _join_form(visitor: Visitor, *, name: str = "", invitation: str = "", problem: Problem | None = None) -> Page:
    shows = {
        "is_first": not _is_anybody_there(visitor),
        "name": name,
        "invitation": invitation,
        "least_password": LEAST_PASSWORD,
    }
    return page_with("join.html", shows, problem, wait_of(problem))
