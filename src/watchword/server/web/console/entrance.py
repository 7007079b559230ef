"""
The way in and out: the first operator, whoever was invited, and those who sign in.
"""

import logging
from collections.abc import Callable
from threading import BoundedSemaphore

from watchword.server.context import Context
from watchword.server.domain.events import Origin
from watchword.server.domain.limits import source_of
from watchword.server.domain.operators import LEAST_PASSWORD
from watchword.server.domain.problems import Problem
from watchword.server.domain.search import fold_case
from watchword.server.operations import operators
from watchword.server.operations.operators import Credentials, SignedIn
from watchword.server.telemetry.meters import Throttle
from watchword.server.web.answers import Headers
from watchword.server.web.console.attempts import Attempts
from watchword.server.web.console.pages import GoTo, Page
from watchword.server.web.console.visitor import PREFIX, Visitor

HOME = f"{PREFIX}/applications"
MOST_AT_ONCE = 2
_log = logging.getLogger(__name__)


class Entrance:
    """
    What is open to all. It counts tries that failed, for this process.

    Args:
        uptime: Returns seconds of a clock that never goes back.
    """

    def __init__(self, uptime: Callable[[], float]) -> None:
        self._attempts = Attempts(uptime)
        # Each takes 50 ms of a processor that issues tokens, and anybody may ask for it.
        self._hashing = BoundedSemaphore(MOST_AT_ONCE)

    def front(self, visitor: Visitor) -> Page | GoTo:
        """
        Let in who has signed in; show others the form that is theirs.
        """
        if visitor.operator is not None:
            return GoTo(path=HOME)
        return _sign_in_form() if _is_anybody_there(visitor) else _join_form(visitor)

    def sign_in_form(self, visitor: Visitor) -> Page | GoTo:
        """
        Show the form, and remember where to go on.
        """
        return _sign_in_form(visitor.asked("to")) if _is_anybody_there(visitor) else _join_form(visitor)

    def sign_in(self, visitor: Visitor) -> Page | GoTo:
        """
        Let somebody in.
        """
        given = Credentials(name=visitor.field("name"), password=visitor.field("password"))
        to = visitor.field("to")
        try:
            signed_in = self._try(
                visitor,
                fold_case(given.normal().name)[:_LONGEST_NAME],
                lambda: operators.sign_in(*_from(visitor, given)),
            )
        except Problem as problem:
            shows = {"name": given.name, "to": to, "problem": problem.message}
            return Page(template="sign_in.html", shows=shows, status=problem.status, headers=_wait(problem))
        return GoTo(path=_place(to), session=signed_in.token)

    def join_form(self, visitor: Visitor) -> Page | GoTo:
        """
        Show the form for whoever has an invitation.
        """
        return _join_form(visitor)

    def join(self, visitor: Visitor) -> Page | GoTo:
        """
        Make an operator of whoever has an invitation.
        """
        try:
            signed_in = self._try(visitor, _INVITATIONS, lambda: _join(visitor))
        except Problem as problem:
            return _join_form(
                visitor, name=visitor.field("name"), invitation=visitor.field("invitation"), problem=problem
            )
        return GoTo(path=HOME, session=signed_in.token)

    def _try(self, visitor: Visitor, name: str, what: Callable[[], SignedIn]) -> SignedIn:
        """
        Try a password or an invitation, where that may be tried now.

        Raises:
            Problem: It may not (429, 503), or it is wrong.
        """
        source, meters = source_of(visitor.origin.ip), visitor.ctx.meters
        wait = self._attempts.begin(source, name)
        if wait:
            meters.throttled[Throttle.AUTHENTICATION].add()
            raise _TooMany(wait)
        if not self._hashing.acquire(blocking=False):
            meters.throttled[Throttle.OVERLOAD].add()
            raise Problem("operator.busy", status=503, message="Too many sign in at this moment. Try again.")
        try:
            signed_in = what()
        except Problem as problem:
            _log.warning("an operator could not sign in", extra={"ip": visitor.origin.ip, "reason": problem.code})
            raise
        finally:
            self._hashing.release()
        self._attempts.succeeded(source, name)
        if visitor.operator is not None:
            operators.sign_out(visitor.acting, visitor.seed)
        return signed_in


class _TooMany(Problem):
    """
    There were too many tries.

    Args:
        seconds: How long to wait.
    """

    def __init__(self, seconds: int) -> None:
        text = f"There were too many tries. Try again in {seconds} seconds."
        super().__init__("operator.too_many_tries", status=429, message=text)
        self.seconds = seconds


_LONGEST_NAME = 128
_INVITATIONS = "\0invitations"  # nobody's name


def sign_out(visitor: Visitor) -> GoTo:
    """
    End the session.
    """
    operators.sign_out(visitor.acting, visitor.seed)
    return GoTo(path=PREFIX, session="")


def _join(visitor: Visitor) -> SignedIn:
    if visitor.field("password") != visitor.field("again"):
        raise Problem("operator.passwords_differ", status=422, message="The two passwords differ.")
    wanted = Credentials(name=visitor.field("name"), password=visitor.field("password"))
    ctx, tenant_id, given, origin = _from(visitor, wanted)
    return operators.join(ctx, tenant_id, visitor.field("invitation").strip(), given, origin)


def _from(visitor: Visitor, given: Credentials) -> tuple[Context, str, Credentials, Origin]:
    return visitor.ctx, visitor.tenant_id, given, visitor.origin


def _is_anybody_there(visitor: Visitor) -> bool:
    return operators.is_anybody_there(visitor.ctx, visitor.tenant_id)


def _place(to: str) -> str:
    # Within the console, whatever an address has brought along: never to another host.
    is_ours = to.startswith("/") and not to.startswith("//") and "\\" not in to and to.isascii() and to.isprintable()
    return f"{PREFIX}{to}" if is_ours else HOME


def _sign_in_form(to: str = "") -> Page:
    return Page(template="sign_in.html", shows={"name": "", "to": to, "problem": None})


def _join_form(visitor: Visitor, *, name: str = "", invitation: str = "", problem: Problem | None = None) -> Page:
    shows = {
        "is_first": not _is_anybody_there(visitor),
        "name": name,
        "invitation": invitation,
        "problem": None if problem is None else problem.message,
        "least_password": LEAST_PASSWORD,
    }
    if problem is None:
        return Page(template="join.html", shows=shows)
    return Page(template="join.html", shows=shows, status=problem.status, headers=_wait(problem))


def _wait(problem: Problem) -> Headers:
    return ((b"retry-after", b"%d" % problem.seconds),) if isinstance(problem, _TooMany) else ()
