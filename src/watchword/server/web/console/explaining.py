"""
The room that answers "why this scope, why not" and "who can obtain it", and that does what would help.

The address of a page holds the question, so that it can be handed on.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from watchword.protocol.scopes import format_scope, parse_scope
from watchword.server.domain.explanation import ExplainedResource, Question
from watchword.server.domain.problems import Problem, about, bad_value
from watchword.server.domain.records import Scope
from watchword.server.domain.search import LONGEST_PATTERN, NO_SEARCH
from watchword.server.operations import applications, explaining, mending, resources, scopes
from watchword.server.operations.mending import Mended
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.lists import exact_search
from watchword.server.web.console.naming import isolated
from watchword.server.web.console.pages import GoTo, Page, address, page_with
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import PREFIX, Visitor

ROOM = f"{PREFIX}/explain"
_MOST_SUGGESTED = 100
_ASKED = ("application", "resource", "scope", "organization_id")


def page(visitor: Visitor) -> Page | GoTo:
    """
    Show the forms, and the answer to what the address asks. An application may be named; its id is what it leads to.
    """
    asked = {name: visitor.asked(name) for name in _ASKED}
    try:
        application_id = _application_id(visitor, asked["application"].strip())
    except Problem as problem:
        return _page(visitor, asked, problem)
    if application_id != asked["application"].strip():
        return GoTo(path=_address({**asked, "application": application_id}))
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
        return _page(visitor, {"application": "", **asked, "organization_id": ""}, problem, form="who")
    return GoTo(path=address("resources", resource.id, "scopes", scope.id))


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


def _address(asked: Mapping[str, str]) -> str:
    return f"{ROOM}?{urlencode({name: value for name, value in asked.items() if value})}"


def _application_id(visitor: Visitor, typed: str) -> str:
    """
    Return the id of the application that was typed, by id or by name; what was typed, where it is neither.
    """
    if not typed or len(typed) > LONGEST_PATTERN:
        return typed
    search = exact_search(typed, "id", "name")
    found = applications.listing(visitor.acting, ApplicationFilter(), search, Part(limit=_MOST_SUGGESTED, offset=0))
    ids = {one.id for one in found.records}
    if typed in ids or not ids:
        return typed
    if found.total > 1:
        raise bad_value(f"{found.total:,} applications are called so: say which one by its App ID.", "application")
    return ids.pop()


def _question(asked: Mapping[str, str]) -> Question:
    return Question(
        application_id=asked["application"].strip(),
        resource=asked["resource"].strip() or None,
        scopes=parse_scope(asked["scope"].strip()),
        organization_id=asked["organization_id"].strip() or None,
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
) -> Page:
    named = {name: value.strip() for name, value in asked.items()}
    asked = named if done is None else {**named, "application": done.application_id}
    suggested = Part(limit=_MOST_SUGGESTED, offset=0)
    shows: dict[str, object] = {
        **asked,
        "applications": applications.listing(visitor.acting, ApplicationFilter(), NO_SEARCH, suggested).records,
        "resources": resources.listing(visitor.acting, suggested, with_scopes=False)[0].records,
        "done": done,
        "has_new_application": asked != named,
        "explained": None,
        "role_names": {},
        "reach": None,
        "offered": [],
        "address_of": address_of,
    }
    if asked["application"]:
        try:
            found = explaining.explain(visitor.acting, _question(asked))
            shows |= {
                "explained": found,
                "role_names": {role.id: role.name for role in found.explanation.roles},
                "offered": _offered(visitor, found.explanation.resource),
            }
            if not any(asked[name] for name in _ASKED[1:]):
                shows["reach"] = found.reach
        except Problem as refused:
            problem = problem or refused
    return page_with("explain.html", shows, problem, form=form)


def _offered(visitor: Visitor, resource: ExplainedResource | None) -> Sequence[Scope]:
    if resource is None:
        return ()
    return scopes.listing(visitor.acting, resource.id, NO_SEARCH, Part(limit=_MOST_SUGGESTED, offset=0)).records


def _mending(visitor: Visitor) -> str:
    asked = {name: visitor.field(name) for name in _ASKED}
    proposed = explaining.explain(visitor.acting, _question(asked)).remedies
    return next((isolated(one.text) for one in proposed if one.mark == visitor.field("remedy")), "")


ROUTES = (
    get("/explain", page),
    get("/explain/scope", who),
    post("/explain/remedies", mend, grave=_mending),
    post("/explain/secrets", mend_with_secret, grave=_mending),
)
