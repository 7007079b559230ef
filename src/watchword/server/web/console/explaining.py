"""
The room that answers "why this scope, why not" and does what would help.

It leads to who can obtain a scope, and to what would be lost without a role, which stand in other rooms. The
address of a page holds the question, so that it can be handed on.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from msgspec.structs import replace

from watchword.protocol.scopes import format_scope, parse_scope
from watchword.server.domain.explanation import Question
from watchword.server.domain.problems import Problem, about
from watchword.server.domain.records import Application, Role
from watchword.server.operations import applications, explaining, mending, roles
from watchword.server.operations.asking import askable
from watchword.server.operations.mending import Mended
from watchword.server.operations.reaching import Reach
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.rows import Listing
from watchword.server.web.console.meaning import meant
from watchword.server.web.console.naming import isolated
from watchword.server.web.console.pages import GoTo, Page, address, page_with
from watchword.server.web.console.route import get, post
from watchword.server.web.console.suggesting import MACHINE_ROLES, suggestions
from watchword.server.web.console.visitor import PREFIX, Visitor

ROOM = f"{PREFIX}/explain"
_ASKED = ("application", "resource", "scope", "organization_id")
_TO_THE_LETTER = frozenset({"resource", "organization_id"})  # as the token endpoint judges them
LONGEST_ADDRESS = 8_000  # of what a request's head may have
_NOTHING = dict.fromkeys(_ASKED, "")


def page(visitor: Visitor) -> Page | GoTo:
    """
    Show the forms, and the answer to what the address asks. An application may be named; its id is what it leads to.

    Where the address asks for a part, it is meant for its suggestions alone, while somebody types.
    """
    asked = {name: visitor.asked(name) if name in _TO_THE_LETTER else visitor.asked(name).strip() for name in _ASKED}
    if visitor.asked("part"):
        typed = {**asked, "scope": visitor.asked("scope")}  # a blank at its end begins another scope
        suggested = suggestions(visitor.acting, typed, visitor.asked("role").strip())
        return Page(template="suggestions.html", shows={"suggestions": suggested})
    if not asked["application"]:
        return _page(visitor, asked)
    try:
        found = meant(
            lambda search, part: applications.listing(visitor.acting, ApplicationFilter(), search, part),
            asked["application"],
            "application",
            "application",
        )
    except Problem as problem:
        return _page(visitor, asked, problem)
    if isinstance(found, Listing):
        return _page(visitor, asked, fitting=found)
    asked = {**asked, "application": found}
    at = _address(asked)
    if found != visitor.asked("application") and len(at) <= LONGEST_ADDRESS:
        return GoTo(path=at)
    return _page(visitor, asked)


def mend(visitor: Visitor) -> Page | GoTo:
    """
    Do what the explanation proposes, where it makes no secret, and come back to the question.
    """
    asked = {name: visitor.field(name) for name in _ASKED}
    try:
        _mend(visitor, asked, may_make_secret=False)
    except Problem as problem:
        return _page(visitor, asked, problem)
    return GoTo(path=address_of(_question(asked)), says="It is done. This is the answer from now on.")


def mend_with_secret(visitor: Visitor) -> Page:
    """
    Do what the explanation proposes, and show the secret once that it makes.
    """
    asked = {name: visitor.field(name) for name in _ASKED}
    try:
        done = _mend(visitor, asked, may_make_secret=True)
    except Problem as problem:
        return _page(visitor, asked, problem)
    return _page(visitor, asked, done=done)


def who(visitor: Visitor) -> Page | GoTo:
    """
    Lead to the page of a permission, which lists who can obtain it: by the names that a token request has for it.
    """
    asked = {name: visitor.asked(name).strip() for name in ("resource", "scope")}
    try:
        resource, scope = explaining.scope_named(visitor.acting, asked["resource"], asked["scope"])
    except Problem as problem:
        return _page(visitor, {**_NOTHING, **asked}, problem, form="who")
    return GoTo(path=address("resources", resource.id, "scopes", scope.id))


def without_role(visitor: Visitor) -> Page | GoTo:
    """
    Lead to the page of a role that says what would be lost without it; or list those that may be meant.
    """
    typed = visitor.asked("role").strip()
    try:
        found = meant(
            lambda search, part: roles.choices(visitor.acting, MACHINE_ROLES, search, part.limit),
            typed,
            "role for machines",
            "role",
        )
    except Problem as problem:
        return _page(visitor, _NOTHING, problem, role=typed)
    if isinstance(found, Listing):
        return _page(visitor, _NOTHING, fitting_roles=found, role=typed)
    return GoTo(path=address("roles", found, "without"))


def address_of(question: Question) -> str:
    """
    Return the address of the page that answers a question.
    """
    asked = {
        "application": question.application_id,
        "resource": question.resource or "",
        "scope": format_scope(question.scopes),
        "organization_id": question.organization_id or "",
    }
    return _address(asked)


def link_to(question: Question) -> str:
    """
    Return the same for a link; nothing where no request's head would hold it.
    """
    at = address_of(question)
    return at if len(at) <= LONGEST_ADDRESS else ""


def _address(asked: Mapping[str, str]) -> str:
    return f"{ROOM}?{urlencode({name: value for name, value in asked.items() if value})}"


def _question(asked: Mapping[str, str]) -> Question:
    return Question(
        application_id=asked["application"].strip(),
        resource=asked["resource"] or None,
        scopes=parse_scope(asked["scope"].strip()),
        organization_id=asked["organization_id"] or None,
    )


def _mend(visitor: Visitor, asked: Mapping[str, str], *, may_make_secret: bool) -> Mended:
    mark = visitor.field("remedy")
    with about(""):  # the page has no field for what it makes
        return mending.mend(visitor.acting, _question(asked), mark, may_make_secret=may_make_secret)


def _page(
    visitor: Visitor,
    asked: Mapping[str, str],
    problem: Problem | None = None,
    *,
    form: str = "",
    done: Mended | None = None,
    fitting: Listing[Application] | None = None,
    fitting_roles: Listing[Role] | None = None,
    role: str = "",
) -> Page:
    """
    Show the room.

    Args:
        done: What has been done here, and may have made an application to ask about.
        fitting: Applications that may be meant; then nothing is explained yet.
        fitting_roles: Roles that may be meant by `role`.
    """
    before = asked
    asked = asked if done is None else {**asked, "application": done.application_id}
    shows: dict[str, object] = {
        **asked,
        "role": role,
        "suggestions": suggestions(visitor.acting, {**asked, "scope": asked["scope"].rpartition(" ")[2]}, role),
        "fitting": fitting,
        "asking": lambda application_id: _address({**asked, "application": application_id}),
        "fitting_roles": fitting_roles,
        "without": lambda role_id: address("roles", role_id, "without"),
        "done": done,
        "has_new_application": asked != before,
        "explained": None,
        "role_names": {},
        "reach": None,
        "link_to": link_to,
    }
    if asked["application"] and fitting is None:
        try:
            shows |= _answer(visitor, asked)
        except Problem as refused:
            problem = problem or refused
    return page_with("explain.html", shows, problem, form=form)


def _answer(visitor: Visitor, asked: Mapping[str, str]) -> Mapping[str, object]:
    question = _question(asked)
    found = explaining.explain(visitor.acting, question)

    def explanation_of(reach: Reach) -> str:
        return address_of(replace(question, resource=reach.indicator, scopes=askable(reach.scopes)))

    return {
        "explanation_of": explanation_of,
        "explained": found,
        "role_names": {role.id: role.name for role in found.explanation.roles},
        "reach": None if any(asked[name] for name in _ASKED[1:]) else found.reach,
    }


def _mending(visitor: Visitor) -> str:
    asked = {name: visitor.field(name) for name in _ASKED}
    proposed = explaining.explain(visitor.acting, _question(asked)).remedies
    return next((isolated(one.text) for one in proposed if one.mark == visitor.field("remedy")), "")


ROUTES = (
    get("/explain", page),
    get("/explain/scope", who),
    get("/explain/role", without_role),
    post("/explain/remedies", mend, grave=_mending),
    post("/explain/secrets", mend_with_secret, grave=_mending),
)
