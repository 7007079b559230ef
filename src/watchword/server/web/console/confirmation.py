"""
The password once more, before what is grave: what that is, says `Route`.

The form waits meanwhile within the page that asks: with the password it is sent again, whole.
"""

from msgspec.structs import replace

from watchword.server.domain.problems import Problem
from watchword.server.operations import operator_sessions
from watchword.server.web.console.guard import Guard, wait_of
from watchword.server.web.console.pages import Page, page_with
from watchword.server.web.console.route import Words
from watchword.server.web.console.visitor import FORM_TOKEN, PASSWORD, Visitor, fields_of


def confirmed(visitor: Visitor, guard: Guard, words: Words) -> Visitor | Page:
    """
    Return the visitor with a session whose password was said lately, or the page that asks for it.

    Args:
        words: Say what the form does.
    """
    session = visitor.own_session
    if session.is_confirmed(visitor.ctx.clock()):
        return visitor
    typed = visitor.field(PASSWORD)
    if not typed:
        return _page(visitor, words)
    try:
        renewed = guard.attempt(
            visitor,
            visitor.own_operator.name,
            lambda: operator_sessions.confirm(visitor.acting, session, visitor.seed, typed),
        )
    except Problem as problem:
        return _page(visitor, words, problem)
    return replace(visitor, session=renewed.session, operator=renewed.operator, seed=renewed.token)


def _page(visitor: Visitor, words: Words, problem: Problem | None = None) -> Page:
    shows = {
        "deed": deed_of(visitor, words),
        "waiting": [(name, value) for name, value in fields_of(visitor.form) if name not in {FORM_TOKEN, PASSWORD}],
        "password_name": PASSWORD,
    }
    return page_with("confirm.html", shows, problem, wait_of(problem))


def deed_of(visitor: Visitor, words: Words) -> str:
    """
    Say what a form does; nothing where what it is about is gone.
    """
    try:
        return words(visitor)
    except Problem:  # that is told when it is to be done
        return ""
