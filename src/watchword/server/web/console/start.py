"""
The room that gets one started: the guide to machine-to-machine, as a list of what is done and what is next.

    API resource with permissions → role → application → token → call
"""

import json
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.problems import DoneAlready, Problem, bad_value
from watchword.server.domain.values import LONGEST_INDICATOR
from watchword.server.operations import (
    application_roles,
    applications,
    getting_started,
    roles,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.storage.database import StorageUnavailable
from watchword.server.web.console.naming import quoted, told
from watchword.server.web.console.once import DONE_ALREADY, id_from
from watchword.server.web.console.own_server import OwnServer
from watchword.server.web.console.pages import GoTo, Page, Refusal, refusal
from watchword.server.web.console.picking import chosen_role_quoted
from watchword.server.web.console.route import Route, get, post
from watchword.server.web.console.snippets import LANGUAGES, snippets_for
from watchword.server.web.console.steps import MOST_CHOICES, Chosen, look
from watchword.server.web.console.trying import Tried, try_token
from watchword.server.web.console.visitor import PREFIX, Visitor

ROOM = f"{PREFIX}/start"
_LONGEST_NAME = roles.LONGEST_TEXT  # the shortest there is
_MOST_PERMISSIONS = 50


class _Shown(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a page shows beside the steps.
    """

    problem: Refusal | None = None
    secret: str = ""
    tried: Tried | None = None


_NOTHING = _Shown()


class Start:
    """
    The room.
    """

    def __init__(self) -> None:
        self._own_server = OwnServer()

    def routes(self) -> Sequence[Route]:
        """
        Return what answers which path.
        """
        return (
            get("/start", page),
            post("/start/resource", create_resource),
            post("/start/permissions", add_permissions),
            post("/start/role", create_role),
            post("/start/application", create_application, grave=_creating),
            post("/start/assign", assign, grave=_assigning),
            post("/start/try", self.try_it),
        )

    def try_it(self, visitor: Visitor) -> Page:
        """
        Ask for a token with the secret that was typed, and show what came of it.
        """
        chosen = _kept(visitor)
        try:
            trial = getting_started.begin_trial(visitor.acting, chosen.application, chosen.resource)
            secret = _needed(visitor, "secret", "Type the application's secret.", most=LONGEST_INDICATOR)
            tried = try_token(visitor.ctx, self._own_server, trial, secret, " ".join(visitor.field("scope").split()))
        except Problem as refused:
            return _page(visitor, chosen, _Shown(problem=refusal(refused, "try")))
        return _page(visitor, chosen, _Shown(tried=tried))


def page(visitor: Visitor) -> Page:
    """
    Show how far one is.
    """
    named = {name: visitor.asked(name) for name in ("resource", "role", "application")}
    return _page(visitor, Chosen(**named))


def create_resource(visitor: Visitor) -> Page | GoTo:
    """
    Create an API resource with its permissions.
    """
    try:
        name = _needed(visitor, "name", "Give the API a name.")
        indicator = _needed(visitor, "indicator", "Give the API an identifier.", most=LONGEST_INDICATOR)
        new = NewResource(name=name, indicator=indicator)
        resource = getting_started.create_api(visitor.acting, new, _permissions(visitor))
    except Problem as refused:
        return _page(visitor, Chosen(), _Shown(problem=refusal(refused, "resource")))
    return _next(Chosen(resource=resource.id), f"{told(name, resource.id)} is there.")


def add_permissions(visitor: Visitor) -> Page | GoTo:
    """
    Give an API resource that has none its permissions.
    """
    chosen = _kept(visitor)
    try:
        getting_started.add_permissions(visitor.acting, chosen.resource, _permissions(visitor))
    except Problem as refused:
        return _page(visitor, chosen, _Shown(problem=refusal(refused, "added")))
    return _next(chosen, "It has permissions now.")


def create_role(visitor: Visitor) -> Page | GoTo:
    """
    Create a machine-to-machine role with the permissions that were ticked.
    """
    chosen = _kept(visitor)
    try:
        name = _needed(visitor, "name", "Give the role a name.")
        ticked = visitor.ticked("scope")
        if not ticked:
            raise bad_value("Tick a permission: the role is to give it.")
        described = visitor.field("description").strip()[:_LONGEST_NAME] or name
        new = NewRole(name=name, description=described, type=RoleType.MACHINE_TO_MACHINE, scope_ids=ticked)
        role = roles.create(visitor.acting, new)
    except Problem as refused:
        return _page(visitor, chosen, _Shown(problem=refusal(refused, "role")))
    return _next(replace(chosen, role=role.id), f"The role {told(name, role.id)} is there.")


def create_application(visitor: Visitor) -> Page | GoTo:
    """
    Create a machine-to-machine application with the role, and show its secret once.
    """
    chosen, own_id = _kept(visitor), id_from(visitor, visitor.field("name"))
    try:
        name = _needed(visitor, "name", "Give the application a name.")
        new = NewApplication(name=name, type=ApplicationType.MACHINE_TO_MACHINE)
        application, secret = applications.create(visitor.acting, new, own_id)
    except DoneAlready:
        return _next(replace(chosen, application=own_id or ""), DONE_ALREADY)
    except Problem as refused:
        return _page(visitor, chosen, _Shown(problem=refusal(refused, "application")))
    problem: Refusal | None = None
    try:
        application_roles.assign(visitor.acting, application.id, [chosen.role])
    except (Problem, StorageUnavailable) as refused:  # the secret is shown all the same: it is shown once
        problem = Refusal(text=f"It has no role yet: {refused}", status=200)
    chosen = replace(chosen, application=application.id)
    return _page(visitor, chosen, _Shown(problem=problem, secret=secret or ""))


def assign(visitor: Visitor) -> Page | GoTo:
    """
    Give the role to an application that is there already.
    """
    chosen = _kept(visitor)
    try:
        application_roles.assign(visitor.acting, chosen.application, [chosen.role])
    except Problem as refused:
        return _page(visitor, chosen, _Shown(problem=refusal(refused)))
    return _next(chosen, "It has the role from the next token request on.")


def _page(visitor: Visitor, chosen: Chosen, shown: _Shown = _NOTHING) -> Page:
    steps = look(visitor, chosen)
    caller = steps.caller(visitor.ctx.settings.public_endpoint)
    named = {language.id for language in LANGUAGES}
    language = visitor.asked("language")
    shows = {
        "steps": steps,
        "most": MOST_CHOICES,
        "snippets": snippets_for(caller) if caller else (),
        "language": language if language in named else LANGUAGES[0].id,
        "api": caller.api if caller else "",
        "scope": " ".join(visitor.field("scope").split()) if shown.tried else " ".join(steps.given),
        "typed": visitor.field,
        "ticked": visitor.ticked("scope"),
        "can_try": visitor.ctx.own_url is not None,
        "secret": shown.secret,
        "tried": shown.tried,
        "json_text": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
        "problem": shown.problem,
    }
    return Page(template="start.html", shows=shows, status=shown.problem.status if shown.problem else 200)


def _kept(visitor: Visitor) -> Chosen:
    return Chosen(**{name: visitor.field(name) for name in ("resource", "role", "application")})


def _next(chosen: Chosen, says: str) -> GoTo:
    return GoTo(path=ROOM + chosen.query(), says=says)


def _needed(visitor: Visitor, name: str, message: str, most: int = _LONGEST_NAME) -> str:
    text = visitor.field(name).strip()
    if not text:
        raise bad_value(message, name)
    if len(text) > most:
        raise bad_value(f"That is too long: {most} characters at most.", name)
    return text


def _permissions(visitor: Visitor) -> Sequence[str]:
    wanted = list(dict.fromkeys(visitor.field("permissions").split()))
    if not wanted:
        raise bad_value("Name a permission, such as read:products.", "permissions")
    if len(wanted) > _MOST_PERMISSIONS:
        raise bad_value(f"At most {_MOST_PERMISSIONS} permissions can be named here.", "permissions")
    return wanted


def _creating(visitor: Visitor) -> str:
    return f"Create the application {quoted(visitor.field('name').strip())} with the role {chosen_role_quoted(visitor)}"


def _assigning(visitor: Visitor) -> str:
    application = applications.read(visitor.acting, visitor.field("application")).application
    return f"Give role {chosen_role_quoted(visitor)} to the application {quoted(application.name, application.id)}"
