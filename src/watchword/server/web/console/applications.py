"""
The room of the applications: list, search, create, and a page for each.
"""

from collections.abc import Sequence
from urllib.parse import quote

from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Role
from watchword.server.domain.search import NO_SEARCH, parse_search
from watchword.server.operations import application_roles, applications, roles, secrets
from watchword.server.operations.applications import NewApplication
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.roles import RoleFilter
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.pages import GoTo, Page
from watchword.server.web.console.visitor import PREFIX, Visitor

ROOM = f"{PREFIX}/applications"
A_PAGE = 20
_MOST_ROLES = 100
_SEARCHED = ("id", "name", "description")
_MACHINE = ApplicationType.MACHINE_TO_MACHINE


def listing(visitor: Visitor) -> Page:
    """
    Show a page of the list, or of what a search finds.
    """
    words, number = visitor.asked("search").strip(), _number(visitor.asked("page"))
    search = parse_search({"search": [f"%{_literal(words)}%"]}, _SEARCHED) if words else NO_SEARCH
    found = applications.listing(visitor.acting, ApplicationFilter(), search, _part(number))
    last = max(1, -(-found.total // A_PAGE))
    if number > last:
        number = last
        found = applications.listing(visitor.acting, ApplicationFilter(), search, _part(number))
    return Page(
        template="applications.html",
        shows={
            "applications": found.records,
            "total": found.total,
            "search": words,
            "number": number,
            "last": last,
        },
    )


def new(visitor: Visitor) -> Page:
    """
    Show the form that creates one.
    """
    return _form(visitor)


def create(visitor: Visitor) -> Page | GoTo:
    """
    Create a machine-to-machine application with the roles that were ticked, and show its secret once.
    """
    name, role_ids = visitor.field("name").strip(), list(visitor.form.get("role", ()))
    if not name:
        return _form(visitor, problem="Give it a name.", status=422)
    wanted = NewApplication(name=name, type=_MACHINE, description=visitor.field("description") or None)
    application, secret = applications.create(visitor.acting, wanted)
    problem = None
    if role_ids:
        try:
            application_roles.assign(visitor.acting, application.id, role_ids)
        except (Problem, StorageUnavailable) as refused:  # the secret is shown all the same: it is shown once
            problem = f"It has no role yet: {refused}"
    return _page(visitor, application.id, secret=secret, is_new=True, problem=problem)


def page(visitor: Visitor) -> Page:
    """
    Show one.
    """
    return _page(visitor, visitor.path["id"])


def add_secret(visitor: Visitor) -> Page:
    """
    Add a secret, and show it once.
    """
    made = secrets.create(visitor.acting, visitor.path["id"], visitor.field("name").strip() or "Secret", None)
    return _page(visitor, visitor.path["id"], secret=made.value)


def delete_secret(visitor: Visitor) -> GoTo:
    """
    Delete a secret.
    """
    secrets.delete(visitor.acting, visitor.path["id"], visitor.field("name"))
    return _back(visitor)


def add_role(visitor: Visitor) -> GoTo:
    """
    Give a role.
    """
    application_roles.assign(visitor.acting, visitor.path["id"], [visitor.field("role")])
    return _back(visitor)


def remove_role(visitor: Visitor) -> GoTo:
    """
    Take a role away.
    """
    application_roles.remove(visitor.acting, visitor.path["id"], visitor.field("role"))
    return _back(visitor)


def delete(visitor: Visitor) -> Page | GoTo:
    """
    Delete one, where its name was typed.
    """
    application = applications.read(visitor.acting, visitor.path["id"]).application
    if visitor.field("name").strip() != application.name.strip():
        return _page(visitor, application.id, problem="Type the application's name to delete it.", status=422)
    applications.delete(visitor.acting, application.id)
    return GoTo(path=ROOM)


def _back(visitor: Visitor) -> GoTo:
    return GoTo(path=f"{ROOM}/{quote(visitor.path['id'], safe='')}")


def _form(visitor: Visitor, *, problem: str | None = None, status: int = 200) -> Page:
    shows = {
        "roles": _roles(visitor, None),
        "name": visitor.field("name"),
        "description": visitor.field("description"),
        "ticked": visitor.form.get("role", ()),
        "problem": problem,
    }
    return Page(template="new_application.html", shows=shows, status=status)


def _page(
    visitor: Visitor,
    application_id: str,
    *,
    secret: str | None = None,
    is_new: bool = False,
    problem: str | None = None,
    status: int = 200,
) -> Page:
    application = applications.read(visitor.acting, application_id).application
    is_machine = application.type is _MACHINE
    held = application_roles.listing(visitor.acting, application_id, NO_SEARCH, None).records if is_machine else []
    shows = {
        "application": application,
        "secrets": secrets.listing(visitor.acting, application_id) if application.type.has_secrets else [],
        "roles": held,
        "more_roles": _roles(visitor, application_id) if is_machine else [],
        "secret": secret,
        "is_new": is_new,
        "problem": problem,
    }
    return Page(template="application.html", shows=shows, status=status)


def _roles(visitor: Visitor, not_of: str | None) -> Sequence[Role]:
    wanted = RoleFilter(type=RoleType.MACHINE_TO_MACHINE, exclude_application_id=not_of)
    return roles.choices(visitor.acting, wanted, _MOST_ROLES)


def _part(number: int) -> Part:
    return Part(limit=A_PAGE, offset=(number - 1) * A_PAGE)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 9 and int(text) else 1  # noqa: PLR2004


def _literal(words: str) -> str:
    for character in "\\%_":
        words = words.replace(character, f"\\{character}")
    return words
