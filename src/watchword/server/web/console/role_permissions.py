"""
The page of a role, and its permissions: listed, added, taken away.
"""

from collections.abc import Sequence

from watchword.server.domain.names import MANAGEMENT_RESOURCE_ID, MANAGEMENT_SCOPE_ID, RoleType
from watchword.server.domain.problems import Problem, bad_value
from watchword.server.domain.records import Resource, Role, Scope
from watchword.server.domain.search import Search
from watchword.server.operations import role_scopes, roles, scopes, taking
from watchword.server.operations.roles import ListedRole
from watchword.server.storage.rows import Listing
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.forms import Settings, settings
from watchword.server.web.console.lists import A_PAGE, find
from watchword.server.web.console.naming import few, quoted
from watchword.server.web.console.pages import GoTo, Page, address, page_with
from watchword.server.web.console.picking import offered
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import Visitor

_SEARCHED = ("id", "name", "description")


def choose(visitor: Visitor) -> Page:
    """
    Show permissions that it could get; with what was ticked, and those that a search within the form finds.
    """
    return _form(visitor)


def add(visitor: Visitor) -> Page | GoTo:
    """
    Give it the permissions that were ticked.
    """
    role_id = visitor.path["id"]
    try:
        role_scopes.add(visitor.acting, role_id, _ticked(visitor))
    except Problem as refused:
        return _form(visitor, refused)
    return GoTo(path=address("roles", role_id), says="Who holds the role has it from the next token request on.")


def removal(visitor: Visitor) -> Page:
    """
    Show which applications would lose a permission with it, and which would keep it.
    """
    role_id, scope_id = visitor.path["id"], visitor.path["scope"]
    listed = roles.look(visitor.acting, role_id)
    shows = {
        "listed": listed,
        "taken": taking.scope_from_role(visitor.acting, role_id, scope_id, Part(limit=A_PAGE, offset=0)),
        "stays": _stays(listed),
        "management": MANAGEMENT_RESOURCE_ID,
    }
    return Page(template="take_permission.html", shows=shows)


def remove(visitor: Visitor) -> GoTo:
    """
    Take a permission from it.
    """
    role_id = visitor.path["id"]
    role_scopes.remove(visitor.acting, role_id, visitor.path["scope"])
    holders = roles.look(visitor.acting, role_id).holders
    of_them = f"{holders:,} who hold it" if holders > 1 else "whoever holds it"
    says = f"The role no longer gives it: the next token request of {of_them} is judged so."
    return GoTo(path=address("roles", role_id), says=f"{says} Tokens that are out live on.")


def shown(visitor: Visitor, refused: Problem | None = None) -> Page:
    """
    Make the page of a role; with what was typed where that was refused.
    """
    role_id = visitor.path["id"]
    listed = roles.look(visitor.acting, role_id)

    def fetch(search: Search, part: Part) -> Listing[tuple[Scope, Resource]]:
        found, resources = role_scopes.listing(visitor.acting, role_id, search, part)
        return Listing([(scope, resources[scope.resource_id]) for scope in found.records], found.total)

    shows = {
        "listed": listed,
        "found": find(visitor, fetch, _SEARCHED),
        "stays": _stays(listed),
        "settings": settings_of(visitor, listed.role),
    }
    return page_with("role.html", shows, refused)


def settings_of(visitor: Visitor, role: Role) -> Settings:
    """
    Return the fields of a role's settings.
    """
    kept = {"name": role.name, "description": role.description}
    if role.type is RoleType.USER:
        kept["is_default"] = "yes" if role.is_default else ""
    return settings(visitor, kept)


def _stays(listed: ListedRole) -> str | None:
    """
    Return the id of the permission that can't be taken from it.
    """
    return MANAGEMENT_SCOPE_ID if listed.is_built_in else None


def _form(visitor: Visitor, refused: Problem | None = None) -> Page:
    listed = roles.look(visitor.acting, visitor.path["id"])
    shows = {
        "listed": listed,
        "offer": offered(visitor, listed.role.type, not_of_role=listed.role.id),
    }
    return page_with("role_permissions.html", shows, refused)


def _ticked(visitor: Visitor) -> Sequence[str]:
    ticked = visitor.ticked("scope")
    if not ticked:
        raise bad_value("Tick at least one permission.")
    return ticked


def _adding(visitor: Visitor) -> str:
    return f"Add permissions to the role {_quoted_one(visitor)}: {_quoted(visitor, _ticked(visitor))}"


def _removing(visitor: Visitor) -> str:
    return f"Take away {_quoted(visitor, [visitor.path['scope']])} from the role {_quoted_one(visitor)}"


def _quoted_one(visitor: Visitor) -> str:
    role = roles.read(visitor.acting, visitor.path["id"])
    return quoted(role.name, role.id)


def _quoted(visitor: Visitor, scope_ids: Sequence[str]) -> str:
    found = scopes.chosen(visitor.acting, scope_ids).groups
    one_by_one = [(scope, resource) for resource, members in found for scope in members]
    return few([f"{quoted(scope.name, scope.id)} of {quoted(of.name, of.id)}" for scope, of in one_by_one])


ROUTES = (
    get("/roles/{id}/permissions", choose),
    post("/roles/{id}/permissions", add, grave=_adding),
    post("/roles/{id}/permissions/look", choose),
    get("/roles/{id}/permissions/{scope}/remove", removal),
    post("/roles/{id}/permissions/{scope}/remove", remove, grave=_removing),
)
