"""
A role taken away, after a look at what would change: on the page of who holds it, or among the role's members.
"""

from watchword.server.domain.names import MANAGEMENT_RESOURCE_ID, RoleType
from watchword.server.operations import (
    application_roles,
    applications,
    role_applications,
    roles,
    taking,
    user_roles,
    users,
)
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.lists import A_PAGE, find
from watchword.server.web.console.naming import quoted
from watchword.server.web.console.pages import GoTo, Page, address
from watchword.server.web.console.picking import role_told
from watchword.server.web.console.role_members import member_told
from watchword.server.web.console.route import get, post
from watchword.server.web.console.users import called
from watchword.server.web.console.visitor import Visitor

_LIVES_ON = "Tokens that are out live on."


def of_application(visitor: Visitor) -> Page:
    """
    Show what an application would lose with a role, and what not.
    """
    application_id, role_id = visitor.path["id"], visitor.path["role"]
    return _of_application(visitor, application_id, role_id, back=address("applications", application_id))


def from_application(visitor: Visitor) -> GoTo:
    """
    Take a role from an application.
    """
    application_id, role_id = visitor.path["id"], visitor.path["role"]
    application_roles.remove(visitor.acting, application_id, role_id)
    says = f"The next token request is judged without the role {role_told(visitor, role_id)}. {_LIVES_ON}"
    return GoTo(path=address("applications", application_id), says=says)


def of_user(visitor: Visitor) -> Page:
    """
    Show what goes with a role of a user.
    """
    user_id, role_id = visitor.path["id"], visitor.path["role"]
    return _of_user(visitor, user_id, role_id, back=address("users", user_id))


def from_user(visitor: Visitor) -> GoTo:
    """
    Take a role from a user.
    """
    user_id, role_id = visitor.path["id"], visitor.path["role"]
    user_roles.remove(visitor.acting, user_id, role_id)
    return GoTo(path=address("users", user_id), says=f"The role {role_told(visitor, role_id)} is taken away.")


def of_member(visitor: Visitor) -> Page:
    """
    Show what one of those who hold a role would lose with it.
    """
    role, member_id = roles.read(visitor.acting, visitor.path["id"]), visitor.path["member"]
    show = _of_user if role.type is RoleType.USER else _of_application
    return show(visitor, member_id, role.id, back=address("roles", role.id, "members"))


def from_member(visitor: Visitor) -> GoTo:
    """
    Take a role from one of those who hold it.
    """
    role, member_id = roles.read(visitor.acting, visitor.path["id"]), visitor.path["member"]
    says = f"{member_told(visitor, role, member_id)} no longer has the role."
    if role.type is RoleType.USER:
        user_roles.remove(visitor.acting, member_id, role.id)
    else:
        role_applications.remove(visitor.acting, role.id, member_id)
        says = f"{says} The next token request is judged without it. {_LIVES_ON}"
    return GoTo(path=address("roles", role.id, "members"), says=says)


def _of_application(visitor: Visitor, application_id: str, role_id: str, *, back: str) -> Page:
    shows = {
        "application": applications.read(visitor.acting, application_id).application,
        "role": roles.read(visitor.acting, role_id),
        "found": find(
            visitor,
            lambda _, part: taking.role_from_application(visitor.acting, application_id, role_id, part),
            (),
        ),
        "management": MANAGEMENT_RESOURCE_ID,
        "back": back,
    }
    return Page(template="take_role.html", shows=shows)


def _of_user(visitor: Visitor, user_id: str, role_id: str, *, back: str) -> Page:
    shows = {
        "user": user_id,
        "called": called(users.read(visitor.acting, user_id)),
        "role": roles.read(visitor.acting, role_id),
        "given": taking.role_from_user(visitor.acting, user_id, role_id, Part(limit=A_PAGE, offset=0)),
        "back": back,
    }
    return Page(template="take_role_of_user.html", shows=shows)


def _application_deed(visitor: Visitor) -> str:
    application = applications.read(visitor.acting, visitor.path["id"]).application
    of_it = quoted(application.name, application.id)
    return f"Take away role “{role_told(visitor, visitor.path['role'])}” from the application {of_it}"


def _user_deed(visitor: Visitor) -> str:
    user = users.read(visitor.acting, visitor.path["id"])
    return f"Take away role “{role_told(visitor, visitor.path['role'])}” from the user {quoted(called(user))}"


def _member_deed(visitor: Visitor) -> str:
    role = roles.read(visitor.acting, visitor.path["id"])
    return f"Take away role {quoted(role.name, role.id)} from “{member_told(visitor, role, visitor.path['member'])}”"


_APPLICATION = "/applications/{id}/roles/{role}/remove"
_USER = "/users/{id}/roles/{role}/remove"
_MEMBER = "/roles/{id}/members/{member}/remove"
ROUTES = (
    get(_APPLICATION, of_application),
    post(_APPLICATION, from_application, grave=_application_deed),
    get(_USER, of_user),
    post(_USER, from_user, grave=_user_deed),
    get(_MEMBER, of_member),
    post(_MEMBER, from_member, grave=_member_deed),
)
