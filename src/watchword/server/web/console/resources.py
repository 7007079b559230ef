"""
The room of the API resources: list, search, create, and a page for each.
"""

from watchword.protocol.names import Algorithm
from watchword.server.domain.names import DEFAULT_TOKEN_LIFETIME, RoleType
from watchword.server.domain.problems import Problem, about, bad_value
from watchword.server.domain.records import Resource
from watchword.server.operations import resources, role_scopes, scopes, taking
from watchword.server.operations.resources import NewResource
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.forms import NOT_CHANGED, Settings, algorithm, is_typed, settings, whole_number
from watchword.server.web.console.lists import A_PAGE, find
from watchword.server.web.console.naming import quoted, told
from watchword.server.web.console.pages import GoTo, Page, address, page_with
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import Visitor

ROOM = "resources"
SEARCHED = ("id", "name", "indicator")
_SAVED = "Saved. It counts from the next token on."
_SCOPES_SEARCHED = ("id", "name", "description")


def listing(visitor: Visitor) -> Page:
    """
    Show a page of the list, or of what a search finds.
    """
    found = find(visitor, lambda search, part: resources.overview(visitor.acting, search, part), SEARCHED)
    return Page(template="resources.html", shows={"found": found})


def new(visitor: Visitor) -> Page:
    """
    Show the form that creates one.
    """
    return _form(visitor)


def create(visitor: Visitor) -> Page | GoTo:
    """
    Create an API resource.
    """
    try:
        wanted = NewResource(
            name=visitor.field("name").strip(),
            indicator=visitor.field("indicator").strip(),
            access_token_ttl=_lifetime(visitor.field("access_token_ttl")),
        )
        resource = resources.create(visitor.acting, wanted)
    except Problem as refused:
        return _form(visitor, refused)
    return GoTo(path=address(ROOM, resource.id), says="The API resource is there. Add the permissions that it offers.")


def page(visitor: Visitor) -> Page:
    """
    Show one, with a page of its permissions.
    """
    return shown(visitor)


def change(visitor: Visitor) -> Page | GoTo:
    """
    Change what somebody has changed of name, token lifetime and algorithm.
    """
    resource = resources.read(visitor.acting, visitor.path["id"])
    try:
        changes = _settings(visitor, resource).changes(
            {"access_token_ttl": _lifetime, "signing_algorithm": lambda chosen: algorithm(chosen) if chosen else None}
        )
        if changes:
            resources.update(visitor.acting, resource.id, changes)
    except Problem as refused:
        return shown(visitor, refused)
    return GoTo(path=address(ROOM, resource.id), says=_SAVED if changes else NOT_CHANGED)


def deletion(visitor: Visitor) -> Page:
    """
    Show what would go with one and who would lose what, and ask for its name.
    """
    return _deletion(visitor)


def delete(visitor: Visitor) -> Page | GoTo:
    """
    Delete one, where its name was typed.
    """
    resource = resources.read(visitor.acting, visitor.path["id"])
    if not is_typed(visitor.field("name"), resource.name, resource.id):
        return _deletion(visitor, bad_value("Type the API resource's name or id to delete it.", "name"))
    resources.delete(visitor.acting, resource.id)
    return GoTo(path=address(ROOM), says=f"{told(resource.name, resource.id)} is gone.")


def shown(visitor: Visitor, refused: Problem | None = None, *, form: str = "") -> Page:
    """
    Make the page of one; with what was typed where that was refused.

    Args:
        form: As of `refusal`.
    """
    resource_id = visitor.path["id"]
    listed = resources.look(visitor.acting, resource_id)
    found = find(
        visitor,
        lambda search, part: scopes.listing(visitor.acting, resource_id, search, part),
        _SCOPES_SEARCHED,
        path=address(ROOM, resource_id),
    )
    shows = {
        "listed": listed,
        "resource": listed.resource,
        "found": found,
        "algorithms": list(Algorithm),
        "settings": _settings(visitor, listed.resource),
        "scope": {name: visitor.field(f"scope_{name}") for name in ("name", "description")},
    }
    return page_with("resource.html", shows, refused, form=form)


def _form(visitor: Visitor, refused: Problem | None = None) -> Page:
    typed = {name: visitor.field(name) for name in ("name", "indicator", "access_token_ttl")}
    if refused is None:
        typed["access_token_ttl"] = str(DEFAULT_TOKEN_LIFETIME)
    return page_with("new_resource.html", {"typed": typed}, refused)


def _settings(visitor: Visitor, resource: Resource) -> Settings:
    kept = {
        "name": resource.name,
        "access_token_ttl": str(resource.access_token_ttl),
        "signing_algorithm": resource.signing_algorithm or "",
    }
    return settings(visitor, kept)


def _lifetime(text: str) -> int:
    with about("access_token_ttl"):
        return whole_number("token lifetime", text)


def _deletion(visitor: Visitor, refused: Problem | None = None) -> Page:
    resource_id = visitor.path["id"]
    listed = resources.look(visitor.acting, resource_id)
    some = Part(limit=A_PAGE, offset=0)
    shows = {
        "listed": listed,
        "resource": listed.resource,
        "roles": {
            each: role_scopes.giving(visitor.acting, resource_id, None, some, role_type=each) for each in RoleType
        },
        "found": find(visitor, lambda _, part: taking.api_from_all(visitor.acting, resource_id, part), ()),
    }
    return page_with("delete_resource.html", shows, refused, form="delete")


def _deleting(visitor: Visitor) -> str:
    resource = resources.read(visitor.acting, visitor.path["id"])
    return f"Delete the API resource {quoted(resource.name, resource.id)}"


ROUTES = (
    get("/resources", listing),
    get("/resources/new", new),
    post("/resources", create),
    get("/resources/{id}", page),
    post("/resources/{id}", change),
    get("/resources/{id}/delete", deletion),
    post("/resources/{id}/delete", delete, grave=_deleting),
)
