"""
The room of the applications: list, search, create, and a page for each.
"""

from collections.abc import Sequence

from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.problems import DoneAlready, Problem, bad_value
from watchword.server.domain.records import Application, ApplicationSecret, Role
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import application_roles, applications, logs, roles, secrets
from watchword.server.operations.applications import NewApplication
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.roles import RoleFilter
from watchword.server.storage.rows import Listing
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.forms import NOT_CHANGED, SAVED, Settings, is_typed, json_object, json_text, settings
from watchword.server.web.console.lists import A_PAGE, Found, find
from watchword.server.web.console.log_rows import row_of
from watchword.server.web.console.naming import few, quoted, told
from watchword.server.web.console.once import DONE_ALREADY, id_from
from watchword.server.web.console.pages import GoTo, Page, Refusal, address, page_with, refusal
from watchword.server.web.console.picking import chosen_role, chosen_role_quoted, offered_roles, role_told
from watchword.server.web.console.route import get, post
from watchword.server.web.console.visitor import Visitor

ROOM = "applications"
SEARCHED = ("id", "name", "description")
_MOST_ACTIVITY = 10
# How long another secret may be good: in days, and in words.
LIVES = (("", "ever"), ("7", "7 days"), ("30", "30 days"), ("90", "90 days"), ("365", "a year"))
_MACHINE = ApplicationType.MACHINE_TO_MACHINE


def listing(visitor: Visitor) -> Page:
    """
    Show a page of the list, or of what a search finds.
    """
    wanted = ApplicationFilter()
    found = find(visitor, lambda search, part: applications.listing(visitor.acting, wanted, search, part), SEARCHED)
    return Page(template="applications.html", shows={"found": found})


def new(visitor: Visitor) -> Page:
    """
    Show the form that creates one; with what was typed, and the roles that a search within it finds.
    """
    return _form(visitor)


def create(visitor: Visitor) -> Page | GoTo:
    """
    Create a machine-to-machine application with the roles that were ticked, and show its secret once.
    """
    own_id = id_from(visitor, visitor.field("name"))
    try:
        wanted = NewApplication(name=_name(visitor), type=_MACHINE, description=visitor.field("description") or None)
        application, secret = applications.create(visitor.acting, wanted, own_id)
    except DoneAlready:
        return GoTo(path=address(ROOM, own_id or ""), says=DONE_ALREADY)
    except Problem as refused:
        return _form(visitor, refused)
    problem = _give_roles(visitor, application.id, visitor.ticked("role"))
    return shown(visitor, application.id, secret=secret, is_new=True, problem=problem)


def page(visitor: Visitor) -> Page:
    """
    Show one.
    """
    return shown(visitor, visitor.path["id"])


def change(visitor: Visitor) -> Page | GoTo:
    """
    Change what somebody has changed of name, description and custom data.
    """
    application = applications.read(visitor.acting, visitor.path["id"]).application
    try:
        changes = _settings(visitor, application).changes({"name": named, "custom_data": json_object})
        applications.update(visitor.acting, application.id, changes)
    except Problem as refused:
        return shown(visitor, application.id, problem=refusal(refused))
    return _back(visitor, SAVED if changes else NOT_CHANGED)


def add_role(visitor: Visitor) -> GoTo:
    """
    Give a role.
    """
    role_id = chosen_role(visitor)
    application_roles.assign(visitor.acting, visitor.path["id"], [role_id])
    return _back(visitor, f"It has the role {role_told(visitor, role_id)} from the next token request on.")


def deletion(visitor: Visitor) -> Page:
    """
    Show what would go with one, and ask for its name.
    """
    return _deletion(visitor)


def delete(visitor: Visitor) -> Page | GoTo:
    """
    Delete one, where its name was typed.
    """
    application = applications.read(visitor.acting, visitor.path["id"]).application
    if not is_typed(visitor.field("name"), application.name, application.id):
        return _deletion(visitor, bad_value("Type the application's name or id to delete it.", "name"))
    applications.delete(visitor.acting, application.id)
    return GoTo(path=address(ROOM), says=f"{told(application.name, application.id)} is gone.")


def _name(visitor: Visitor) -> str:
    return named(visitor.field("name").strip())


def named(name: str) -> str:
    """
    Return a name, which may not be empty.
    """
    if not name:
        raise bad_value("Give it a name.", "name")
    return name


def _back(visitor: Visitor, says: str) -> GoTo:
    return GoTo(path=address(ROOM, visitor.path["id"]), says=says)


def _give_roles(visitor: Visitor, application_id: str, role_ids: Sequence[str]) -> Refusal | None:
    """
    Give a new application its roles, or say why it has none: its secret is shown all the same, since it is shown once.
    """
    if not role_ids:
        return None
    try:
        application_roles.assign(visitor.acting, application_id, role_ids)
    except (Problem, StorageUnavailable) as refused:
        return Refusal(text=f"It has no role yet: {refused}", status=200)
    return None


def _form(visitor: Visitor, refused: Problem | None = None) -> Page:
    shows = {
        "offer": offered_roles(visitor, RoleFilter(type=RoleType.MACHINE_TO_MACHINE), visitor.field("words")),
        "name": visitor.field("name"),
        "description": visitor.field("description"),
    }
    return page_with("new_application.html", shows, refused)


def shown(
    visitor: Visitor,
    application_id: str,
    *,
    secret: str | None = None,
    is_new: bool = False,
    problem: Refusal | None = None,
) -> Page:
    """
    Make the page of one.

    Args:
        secret: One that has just been made, to be shown this once.
        is_new: Whether the application has just been made.
    """
    application = applications.read(visitor.acting, application_id).application
    is_machine = application.type is _MACHINE
    kept, now = _secrets(visitor, application), visitor.ctx.clock()
    newest = logs.newest(visitor.acting, LogFilter(application_id=application_id), _MOST_ACTIVITY)
    shows = {
        "application": application,
        "is_machine": is_machine,
        "has_secrets": application.type.has_secrets,
        "secrets": kept,
        "good": {one.id for one in kept if not one.expired(now)},
        "lives": LIVES,
        "wanted": {
            name: visitor.field(name) if secret is None and "days" in visitor.form else "" for name in ("name", "days")
        },
        "last_uses": secrets.last_uses(visitor.acting, application_id) if application.type.has_secrets else {},
        "activity": [row_of(entry, {application_id: application.name}) for entry in newest],
        "held": _page_of_roles(visitor, application) if is_machine else None,
        "offer": offered_roles(visitor, _others(application), visitor.asked("role")) if is_machine else None,
        "secret": secret,
        "is_new": is_new,
        "settings": _settings(visitor, application),
        "problem": problem,
    }
    return Page(template="application.html", shows=shows, status=problem.status if problem else 200)


def _settings(visitor: Visitor, application: Application) -> Settings:
    kept = {
        "name": application.name,
        "description": application.description or "",
        "custom_data": json_text(application.custom_data),
    }
    return settings(visitor, kept)


def _secrets(visitor: Visitor, application: Application) -> Sequence[ApplicationSecret]:
    return secrets.listing(visitor.acting, application.id) if application.type.has_secrets else ()


def _first_roles(visitor: Visitor, application: Application) -> Listing[Role]:
    if application.type is not _MACHINE:
        return Listing([], 0)
    return application_roles.listing(visitor.acting, application.id, NO_SEARCH, Part(limit=A_PAGE, offset=0))


def _page_of_roles(visitor: Visitor, application: Application) -> Found[Role]:
    return find(
        visitor,
        lambda search, part: application_roles.listing(visitor.acting, application.id, search, part),
        SEARCHED,
        path=address(ROOM, application.id),
    )


def _deletion(visitor: Visitor, refused: Problem | None = None) -> Page:
    application = applications.read(visitor.acting, visitor.path["id"]).application
    shows = {
        "application": application,
        "secrets": _secrets(visitor, application),
        "roles": _first_roles(visitor, application),
    }
    return page_with("delete_application.html", shows, refused, form="delete")


def _others(application: Application) -> RoleFilter:
    return RoleFilter(type=RoleType.MACHINE_TO_MACHINE, exclude_application_id=application.id)


def quoted_one(visitor: Visitor) -> str:
    """
    Return what the application that a form is about is called, as a sentence names it.
    """
    application = applications.read(visitor.acting, visitor.path["id"]).application
    return quoted(application.name, application.id)


def _creating(visitor: Visitor) -> str:
    ticked = roles.names_of(visitor.acting, visitor.ticked("role"))
    given = f" with {few([quoted(name, role_id) for role_id, name in ticked.items()])}" if ticked else ""
    return f"Create the application {quoted(visitor.field('name').strip())}{given}"


def _giving(visitor: Visitor) -> str:
    return f"Give role {chosen_role_quoted(visitor)} to the application {quoted_one(visitor)}"


def _deleting(visitor: Visitor) -> str:
    return f"Delete the application {quoted_one(visitor)}"


ROUTES = (
    get("/applications", listing),
    get("/applications/new", new),
    post("/applications/new", new),
    post("/applications", create, grave=_creating),
    get("/applications/{id}", page),
    post("/applications/{id}", change),
    post("/applications/{id}/roles", add_role, grave=_giving),
    get("/applications/{id}/delete", deletion),
    post("/applications/{id}/delete", delete, grave=_deleting),
)
