"""
The room of the roles: list, search, create, a page for each, and what would be lost without it.
"""

from collections.abc import Mapping

from watchword.server.domain.names import RoleType
from watchword.server.domain.problems import Problem, bad_value
from watchword.server.operations import explaining, roles
from watchword.server.operations.explaining import Loss
from watchword.server.operations.roles import NewRole
from watchword.server.storage.roles import RoleFilter
from watchword.server.web.console.forms import NOT_CHANGED, SAVED, is_typed
from watchword.server.web.console.lists import Found, find
from watchword.server.web.console.naming import quoted, told
from watchword.server.web.console.pages import GoTo, Page, address, page_with
from watchword.server.web.console.picking import offered
from watchword.server.web.console.role_permissions import settings_of, shown
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import Visitor

ROOM = "roles"
_SEARCHED = ("id", "name", "description")
_TYPES = {each.value: each for each in RoleType}


def listing(visitor: Visitor) -> Page:
    """
    Show a page of the list, of one type or all, or of what a search finds.
    """
    wanted = RoleFilter(type=_TYPES.get(visitor.asked("type")))
    found = find(
        visitor,
        lambda search, part: roles.overview(visitor.acting, wanted, search, part),
        _SEARCHED,
        kept=("type",),
    )
    return Page(template="roles.html", shows={"found": found, "type": wanted.type, "types": list(RoleType)})


def new(visitor: Visitor) -> Page:
    """
    Show the form that creates one; with what was typed, and the permissions that a search within it finds.
    """
    return _form(visitor)


def create(visitor: Visitor) -> Page | GoTo:
    """
    Create a role with the permissions that were ticked.
    """
    try:
        role = roles.create(
            visitor.acting,
            NewRole(
                name=visitor.field("name").strip(),
                description=visitor.field("description").strip(),
                type=_type(visitor),
                scope_ids=visitor.ticked("scope"),
            ),
        )
    except Problem as refused:
        return _form(visitor, refused)
    says = f"{told(role.name, role.id)} is there. Nobody holds it yet."
    return GoTo(path=address(ROOM, role.id, "members"), says=says)


def page(visitor: Visitor) -> Page:
    """
    Show one, with a page of its permissions.
    """
    return shown(visitor)


def change(visitor: Visitor) -> Page | GoTo:
    """
    Change what somebody has changed of name and description, and of a role for users whether new ones get it.
    """
    role = roles.read(visitor.acting, visitor.path["id"])
    try:
        changes = settings_of(visitor, role).changes({"is_default": bool})
        if changes:
            roles.update(visitor.acting, role.id, changes)
    except Problem as refused:
        return shown(visitor, refused)
    return GoTo(path=address(ROOM, role.id), says=SAVED if changes else NOT_CHANGED)


def without(visitor: Visitor) -> Page:
    """
    Show what its holders would lose without it.
    """
    return Page(template="role_without.html", shows=_about(visitor))


def deletion(visitor: Visitor) -> Page:
    """
    Show what would be lost with one, and ask for its name.
    """
    return _deletion(visitor)


def delete(visitor: Visitor) -> Page | GoTo:
    """
    Delete one, where its name was typed.
    """
    role = roles.read(visitor.acting, visitor.path["id"])
    if not is_typed(visitor.field("name"), role.name, role.id):
        return _deletion(visitor, bad_value("Type the role's name or id to delete it.", "name"))
    roles.delete(visitor.acting, role.id)
    says = f"{told(role.name, role.id)} is gone: the next token request is judged without it."
    return GoTo(path=address(ROOM), says=says)


def _type(visitor: Visitor) -> RoleType:
    return _TYPES.get(visitor.field("type"), RoleType.MACHINE_TO_MACHINE)


def _form(visitor: Visitor, refused: Problem | None = None) -> Page:
    typed: Mapping[str, str] = {name: visitor.field(name) for name in ("name", "description")}
    shows = {
        "typed": typed,
        "type": _type(visitor),
        "types": list(RoleType),
        "offer": offered(visitor, _type(visitor), not_of_role=None),
    }
    return page_with("new_role.html", shows, refused)


def _losses(visitor: Visitor) -> Found[Loss]:
    return find(visitor, lambda _, part: explaining.losing(visitor.acting, visitor.path["id"], part), ())


def _about(visitor: Visitor) -> Mapping[str, object]:
    return {"listed": roles.look(visitor.acting, visitor.path["id"]), "found": _losses(visitor)}


def _deletion(visitor: Visitor, refused: Problem | None = None) -> Page:
    return page_with("delete_role.html", _about(visitor), refused, form="delete")


def _deleting(visitor: Visitor) -> str:
    role = roles.read(visitor.acting, visitor.path["id"])
    return f"Delete the role {quoted(role.name, role.id)}"


ROUTES = (
    get("/roles", listing),
    get("/roles/new", new),
    post("/roles/new", new),
    post("/roles", create),
    get("/roles/{id}", page),
    post("/roles/{id}", change),
    get("/roles/{id}/without", without),
    get("/roles/{id}/delete", deletion),
    post("/roles/{id}/delete", delete, grave=_deleting),
)
