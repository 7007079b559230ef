"""
The room of the users, who are records: nobody signs in with them here.
"""

from collections.abc import Mapping

from watchword.server.domain.names import RoleType
from watchword.server.domain.passwords import read_password
from watchword.server.domain.phones import read_phone
from watchword.server.domain.problems import Problem, bad_value
from watchword.server.domain.records import User
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import user_roles, users
from watchword.server.operations.users import NewUser
from watchword.server.storage.roles import RoleFilter
from watchword.server.storage.users import UserFilter
from watchword.server.web.console.forms import NOT_CHANGED, SAVED, Settings, is_typed, json_object, json_text, settings
from watchword.server.web.console.lists import find
from watchword.server.web.console.naming import is_seen, isolated, quoted
from watchword.server.web.console.pages import GoTo, Page, address, page_with
from watchword.server.web.console.picking import chosen_role, chosen_role_quoted, offered_roles, role_told
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import Visitor

ROOM = "users"
SEARCHED = ("id", "primary_email", "primary_phone", "username", "name")
_FIELDS = ("name", "username", "primary_email", "primary_phone")


def listing(visitor: Visitor) -> Page:
    """
    Show a page of the list, or of what a search finds.
    """
    found = find(visitor, lambda search, part: users.listing(visitor.acting, UserFilter(), search, part), SEARCHED)
    return Page(template="users.html", shows={"found": found, "called": called})


def new(visitor: Visitor) -> Page:
    """
    Show the form that creates one.
    """
    return _form(visitor)


def create(visitor: Visitor) -> Page | GoTo:
    """
    Create a user. The password is kept as a digest, and no page shows it again.
    """
    typed = _typed(visitor)
    users.demand_writer(visitor.acting)
    try:
        phone = _phone(typed["primary_phone"])
        password = read_password(visitor.field("password"), "", None, visitor.ctx.random)
        wanted = NewUser(
            name=typed["name"],
            username=typed["username"],
            primary_email=typed["primary_email"],
            primary_phone=phone,
            password=password,
        )
        user = users.create(visitor.acting, wanted)
    except Problem as refused:
        return _form(visitor, refused)
    return GoTo(path=address(ROOM, user.id), says="The user is there.")


def page(visitor: Visitor) -> Page:
    """
    Show one.
    """
    return _page(visitor)


def change(visitor: Visitor) -> Page | GoTo:
    """
    Change the fields that somebody has changed, custom data among them; what is empty is cleared.
    """
    user = users.read(visitor.acting, visitor.path["id"])
    try:
        changes = _settings(visitor, user).changes({"primary_phone": _phone, "custom_data": json_object})
        if changes:
            users.update(visitor.acting, user.id, changes)
    except Problem as refused:
        return _page(visitor, refused)
    return GoTo(path=address(ROOM, user.id), says=SAVED if changes else NOT_CHANGED)


def add_role(visitor: Visitor) -> GoTo:
    """
    Give a role.
    """
    role_id = chosen_role(visitor)
    user_roles.assign(visitor.acting, visitor.path["id"], [role_id])
    return _back(visitor, f"The role {role_told(visitor, role_id)} is given.")


def deletion(visitor: Visitor) -> Page:
    """
    Show what would go with one, and ask for the name.
    """
    return _deletion(visitor)


def delete(visitor: Visitor) -> Page | GoTo:
    """
    Delete one, where the name was typed.
    """
    user = users.read(visitor.acting, visitor.path["id"])
    if not is_typed(visitor.field("name"), called(user), user.id):
        return _deletion(visitor, bad_value("Type the user's name or id to delete it.", "name"))
    users.delete(visitor.acting, user.id)
    return GoTo(path=address(ROOM), says=f"{isolated(called(user))} is gone.")


def called(user: User) -> str:
    """
    Return what a user is called: by name, username, e-mail address, phone number, or id where there is no other.
    """
    names = (user.name, user.username, user.primary_email, user.primary_phone)
    return next((name for name in names if name and is_seen(name)), user.id)


def _typed(visitor: Visitor) -> Mapping[str, str]:
    return {name: visitor.field(name).strip() for name in _FIELDS}


def _phone(typed: str) -> str:
    return read_phone(typed) if typed else ""


def _settings(visitor: Visitor, user: User) -> Settings:
    fields = {name: getattr(user, name) or "" for name in _FIELDS}
    return settings(visitor, {**fields, "custom_data": json_text(user.custom_data)})


def _form(visitor: Visitor, refused: Problem | None = None) -> Page:
    return page_with("new_user.html", {"typed": _typed(visitor)}, refused)


def _page(visitor: Visitor, refused: Problem | None = None) -> Page:
    user = users.read(visitor.acting, visitor.path["id"])
    others = RoleFilter(type=RoleType.USER, exclude_user_id=user.id)
    shows = {
        **_about(visitor, user),
        "offer": offered_roles(visitor, others, visitor.asked("role")),
        "profile": json_text(user.profile),
        "settings": _settings(visitor, user),
    }
    return page_with("user.html", shows, refused)


def _back(visitor: Visitor, says: str) -> GoTo:
    return GoTo(path=address(ROOM, visitor.path["id"]), says=says)


def _deletion(visitor: Visitor, refused: Problem | None = None) -> Page:
    user = users.read(visitor.acting, visitor.path["id"])
    return page_with("delete_user.html", _about(visitor, user), refused, form="delete")


def _about(visitor: Visitor, user: User) -> Mapping[str, object]:
    held = find(
        visitor,
        lambda _, part: user_roles.listing(visitor.acting, user.id, NO_SEARCH, part),
        (),
        path=address(ROOM, user.id),
    )
    return {"user": user, "called": called(user), "held": held}


def _quoted_one(visitor: Visitor) -> str:
    user = users.read(visitor.acting, visitor.path["id"])
    return quoted(called(user))


def _giving(visitor: Visitor) -> str:
    return f"Give role {chosen_role_quoted(visitor)} to the user {_quoted_one(visitor)}"


def _deleting(visitor: Visitor) -> str:
    return f"Delete the user {_quoted_one(visitor)}"


ROUTES = (
    get("/users", listing),
    get("/users/new", new),
    post("/users", create),
    get("/users/{id}", page),
    post("/users/{id}", change),
    post("/users/{id}/roles", add_role, grave=_giving),
    get("/users/{id}/delete", deletion),
    post("/users/{id}/delete", delete, grave=_deleting),
)
