"""
Who holds a role: applications, or, of a role for users, users.
"""

import msgspec

from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.records import Application, Role, User
from watchword.server.domain.search import Search
from watchword.server.operations import applications, role_applications, roles, user_roles, users
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.rows import Listing
from watchword.server.storage.rows import Page as Part
from watchword.server.storage.users import UserFilter
from watchword.server.web.console import users as people
from watchword.server.web.console.lists import find
from watchword.server.web.console.naming import isolated, quoted, told
from watchword.server.web.console.pages import GoTo, Page, address
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import Visitor

_SEARCHED = {
    RoleType.MACHINE_TO_MACHINE: ("id", "name", "description"),
    RoleType.USER: people.SEARCHED,
}


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """
    An application or a user, as these pages show both.

    Attributes:
        is_idle: Whether the role is of no use to it: an application that is no machine gets no token with it.
    """

    id: str
    name: str
    is_idle: bool = False


def listing(visitor: Visitor) -> Page:
    """
    Show a page of those who hold it.
    """
    listed = roles.look(visitor.acting, visitor.path["id"])

    def fetch(search: Search, part: Part) -> Listing[Member]:
        if listed.role.type is RoleType.USER:
            return _people(user_roles.holders(visitor.acting, listed.role.id, search, part))
        return _software(role_applications.holders(visitor.acting, listed.role.id, search, part))

    shows = {"listed": listed, "found": find(visitor, fetch, _SEARCHED[listed.role.type])}
    return Page(template="role_members.html", shows=shows)


def choose(visitor: Visitor) -> Page:
    """
    Show a page of those who could get it.
    """
    listed = roles.look(visitor.acting, visitor.path["id"])
    software = ApplicationFilter(types=[ApplicationType.MACHINE_TO_MACHINE], exclude_role_id=listed.role.id)

    def fetch(search: Search, part: Part) -> Listing[Member]:
        if listed.role.type is RoleType.USER:
            others = UserFilter(exclude_role_id=listed.role.id)
            return _people(users.listing(visitor.acting, others, search, part))
        return _software(applications.listing(visitor.acting, software, search, part))

    shows = {"listed": listed, "found": find(visitor, fetch, _SEARCHED[listed.role.type])}
    return Page(template="role_new_members.html", shows=shows)


def add(visitor: Visitor) -> GoTo:
    """
    Give it to somebody.
    """
    role, member = roles.read(visitor.acting, visitor.path["id"]), visitor.field("member")
    if role.type is RoleType.USER:
        user_roles.assign(visitor.acting, member, [role.id])
    else:
        role_applications.assign(visitor.acting, role.id, [member])
    who = member_told(visitor, role, member)
    since = "" if role.type is RoleType.USER else " from the next token request on"
    return GoTo(path=address("roles", role.id, "members"), says=f"{who} has the role{since}.")


def member_told(visitor: Visitor, role: Role, member: str) -> str:
    """
    Return what one of those who hold a role, or could, is called, to be told within a sentence.
    """
    if role.type is RoleType.USER:
        return isolated(people.called(users.read(visitor.acting, member)))
    application = applications.read(visitor.acting, member).application
    return told(application.name, application.id)


def _software(found: Listing[Application]) -> Listing[Member]:
    return Listing([_of_application(one) for one in found.records], found.total)


def _of_application(one: Application) -> Member:
    return Member(id=one.id, name=one.name, is_idle=one.type is not ApplicationType.MACHINE_TO_MACHINE)


def _people(found: Listing[User]) -> Listing[Member]:
    return Listing([Member(id=one.id, name=people.called(one)) for one in found.records], found.total)


def _giving(visitor: Visitor) -> str:
    role = roles.read(visitor.acting, visitor.path["id"])
    return f"Give role {quoted(role.name, role.id)} to “{member_told(visitor, role, visitor.field('member'))}”"


ROUTES = (
    get("/roles/{id}/members", listing),
    get("/roles/{id}/members/add", choose),
    post("/roles/{id}/members", add, grave=_giving),
)
