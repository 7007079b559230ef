"""
The permissions of an API resource: who can obtain each, and what would go with it.
"""

from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Scope
from watchword.server.operations import explaining, resources, role_scopes, roles, scopes
from watchword.server.operations.explaining import Obtaining
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.forms import NOT_CHANGED, SAVED, Settings, settings
from watchword.server.web.console.lists import A_PAGE, Found, find
from watchword.server.web.console.naming import quoted, told
from watchword.server.web.console.pages import GoTo, Page, address, page_with
from watchword.server.web.console.resources import ROOM, shown
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import Visitor


def add(visitor: Visitor) -> Page | GoTo:
    """
    Add a permission, and show the page of the list on which it stands.
    """
    resource_id, name = visitor.path["id"], visitor.field("scope_name").strip()
    try:
        scopes.create(visitor.acting, resource_id, name, visitor.field("scope_description").strip() or None)
    except Problem as refused:
        return shown(visitor, refused, form="scope")
    last = -(-resources.look(visitor.acting, resource_id).scopes // A_PAGE)
    page = f"?page={last}" if last > 1 else ""
    says = f"{told(name, 'The permission')} is there. No role gives it yet."
    return GoTo(path=address(ROOM, resource_id) + page, says=says)


def page(visitor: Visitor) -> Page:
    """
    Show who can obtain one, and why others who hold a role with it can't.
    """
    return _page(visitor)


def change(visitor: Visitor) -> Page | GoTo:
    """
    Change its description.
    """
    scope = _scope(visitor)
    try:
        changes = _settings(visitor, scope).changes({})
        if changes:
            scopes.update(visitor.acting, scope.resource_id, scope.id, changes)
    except Problem as refused:
        return _page(visitor, refused)
    return GoTo(path=address(ROOM, scope.resource_id, "scopes", scope.id), says=SAVED if changes else NOT_CHANGED)


def deletion(visitor: Visitor) -> Page:
    """
    Show which roles and applications would lose it.
    """
    shows = {**_about(visitor, _scope(visitor)), "found": _obtaining(visitor)}
    return Page(template="delete_permission.html", shows=shows)


def delete(visitor: Visitor) -> GoTo:
    """
    Delete it.
    """
    scope = _scope(visitor)
    scopes.delete(visitor.acting, scope.resource_id, scope.id)
    says = f"{told(scope.name, scope.id)} is gone: no further token carries it."
    return GoTo(path=address(ROOM, scope.resource_id), says=says)


def _page(visitor: Visitor, refused: Problem | None = None) -> Page:
    scope, found = _scope(visitor), _obtaining(visitor)
    held = {role_id for one in found.records for role_id in one.role_ids}
    shows = {
        **_about(visitor, scope),
        "found": found,
        "role_names": roles.names_of(visitor.acting, sorted(held)),
        "settings": _settings(visitor, scope),
    }
    return page_with("permission.html", shows, refused)


def _scope(visitor: Visitor) -> Scope:
    return scopes.read(visitor.acting, visitor.path["id"], visitor.path["scope"])


def _settings(visitor: Visitor, scope: Scope) -> Settings:
    return settings(visitor, {"description": scope.description or ""})


def _about(visitor: Visitor, scope: Scope) -> dict[str, object]:
    return {
        "listed": resources.look(visitor.acting, scope.resource_id),
        "scope": scope,
        "roles": role_scopes.giving(visitor.acting, scope.resource_id, scope.id, Part(limit=A_PAGE, offset=0)),
    }


def _obtaining(visitor: Visitor) -> Found[Obtaining]:
    resource_id, scope_id = visitor.path["id"], visitor.path["scope"]
    return find(visitor, lambda _, part: explaining.obtaining(visitor.acting, resource_id, scope_id, part), ())


def _deleting(visitor: Visitor) -> str:
    scope = _scope(visitor)
    resource = resources.read(visitor.acting, scope.resource_id)
    return f"Delete the permission {quoted(scope.name, scope.id)} of {quoted(resource.name, resource.id)}"


_ONE = "/resources/{id}/scopes/{scope}"
ROUTES = (
    post("/resources/{id}/scopes", add),
    get(_ONE, page),
    post(_ONE, change),
    get(_ONE + "/delete", deletion),
    post(_ONE + "/delete", delete, grave=_deleting),
)
