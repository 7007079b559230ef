"""
The room that answers "why this scope, why not".
"""

from watchword.protocol.scopes import parse_scope
from watchword.server.domain.explanation import Question
from watchword.server.domain.problems import Problem
from watchword.server.operations import explaining
from watchword.server.web.console.pages import Page
from watchword.server.web.console.route import get
from watchword.server.web.console.visitor import Visitor


def page(visitor: Visitor) -> Page:
    """
    Show the form, and what it asks for. The address of the page holds the question, so that it can be handed on.
    """
    asked = {name: visitor.asked(name).strip() for name in ("application", "resource", "scope")}
    shows: dict[str, object] = {**asked, "explained": None, "problem": None}
    if not asked["application"]:
        return Page(template="explain.html", shows=shows)
    question = Question(
        application_id=asked["application"],
        resource=asked["resource"] or None,
        scopes=parse_scope(asked["scope"]),
    )
    try:
        found = explaining.explain(visitor.acting, question)
    except Problem as problem:
        return Page(template="explain.html", shows={**shows, "problem": problem.message}, status=problem.status)
    names = {role.id: role.name for role in found.explanation.roles}
    return Page(template="explain.html", shows={**shows, "explained": found, "role_names": names})


ROUTES = (get("/explain", page),)
