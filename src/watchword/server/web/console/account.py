"""
An operator's own room: the password, and the browsers in which the operator has signed in.
"""

from collections.abc import Sequence

from watchword.server.domain.operators import LEAST_PASSWORD
from watchword.server.domain.problems import Problem
from watchword.server.operations import operator_sessions
from watchword.server.web.console.forms import chosen_password
from watchword.server.web.console.guard import Guard, wait_of
from watchword.server.web.console.pages import GoTo, Page, page_with
from watchword.server.web.console.route import Route, get, post
from watchword.server.web.console.visitor import PREFIX, Visitor

ROOM = f"{PREFIX}/account"


class Account:
    """
    The room.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def routes(self) -> Sequence[Route]:
        """
        Return what answers which path.
        """
        return (
            get("/account", page),
            post("/account/password", self.change_password),
            post("/account/sessions/end", end_session),
            post("/account/sessions/end-others", end_other_sessions),
        )

    def change_password(self, visitor: Visitor) -> Page | GoTo:
        """
        Change the password, which ends all sessions but this one.
        """
        try:
            changed = self._guard.attempt(visitor, visitor.own_operator.name, lambda: _change_password(visitor))
        except Problem as problem:
            return _page(visitor, problem)
        return GoTo(path=ROOM, session=changed.token, says="The password is changed. All other sessions have ended.")


def page(visitor: Visitor) -> Page:
    """
    Show the room.
    """
    return _page(visitor)


def end_session(visitor: Visitor) -> GoTo:
    """
    End one session.
    """
    operator_sessions.end(visitor.acting, visitor.field("session"))
    return GoTo(path=ROOM, says="The session has ended.")


def end_other_sessions(visitor: Visitor) -> GoTo:
    """
    End all sessions but this one.
    """
    operator_sessions.end_others(visitor.acting, visitor.own_session)
    return GoTo(path=ROOM, says="All other sessions have ended.")


def _change_password(visitor: Visitor) -> operator_sessions.SignedIn:
    return operator_sessions.change_password(
        visitor.acting, visitor.own_session, visitor.field("old"), chosen_password(visitor)
    )


def _page(visitor: Visitor, problem: Problem | None = None) -> Page:
    shows = {
        "sessions": operator_sessions.listing(visitor.acting),
        "this_session": visitor.session,
        "least_password": LEAST_PASSWORD,
    }
    return page_with("account.html", shows, problem, wait_of(problem))
