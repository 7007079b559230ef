"""
The steps of the guide to machine-to-machine, and how far each is: from what is really there.

The address of the page names what was chosen; where it names nothing, what comes first. An application or a role that
it names alone leads to what it can get.
"""

from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from watchword.server.domain.names import MANAGEMENT_RESOURCE_ID, ApplicationType, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Application, Resource, Role, Scope
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import (
    application_roles,
    applications,
    getting_started,
    logs,
    resources,
    role_applications,
    role_scopes,
    roles,
    scopes,
    secrets,
)
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.snippets import Caller
from watchword.server.web.console.trying import MANAGEMENT_CALL
from watchword.server.web.console.visitor import Visitor

R = TypeVar("R", bound=Application | Resource | Role)
MOST_CHOICES = 100

_CHOICES = Part(limit=MOST_CHOICES + 1, offset=0)  # one more tells that there are more
_MOST_SCOPES = Part(limit=100, offset=0)  # each is a field of a form
_FIRST = Part(limit=1, offset=0)
_NEWEST_RECORDS = 20


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """
    Ids of what was chosen; empty ones choose nothing.
    """

    resource: str = ""
    role: str = ""
    application: str = ""

    def query(self) -> str:
        """
        Write them as the query of an address.
        """
        named = {"resource": self.resource, "role": self.role, "application": self.application}
        return "?" + urlencode({name: value for name, value in named.items() if value})


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """
    How far somebody has come.

    Attributes:
        resource: The API that tokens are for; None where there is none.
        scopes: Its permissions.
        role: One that gives some of them; None where there is none.
        given: The permissions that it gives.
        application: One that holds the role; None where there is none.
        others: Applications that the role could be given to, where the one that was named, or nobody, holds it.
        has_token: Whether the application has had a token for the API; among many records, any token stands for it.
    """

    resources: Sequence[Resource]
    resource: Resource | None
    scopes: Sequence[Scope]
    roles: Sequence[Role]
    role: Role | None
    given: Sequence[str]
    applications: Sequence[Application]
    application: Application | None
    others: Sequence[Application]
    has_token: bool

    @property
    def chosen(self) -> Chosen:
        """
        What the address of the page names.
        """
        return Chosen(
            resource=self.resource.id if self.resource else "",
            role=self.role.id if self.role else "",
            application=self.application.id if self.application else "",
        )

    @property
    def done(self) -> Sequence[bool]:
        """
        Which steps are done: API resource, role, application, token.
        """
        return (bool(self.resource and self.scopes), bool(self.role), bool(self.application), self.has_token)

    @property
    def is_management(self) -> bool:
        """
        Whether the API is the server's own.
        """
        return self.resource is not None and self.resource.id == MANAGEMENT_RESOURCE_ID

    def caller(self, endpoint: str) -> Caller | None:
        """
        Return what snippets are filled in with, where it is all there.
        """
        if self.resource is None or self.application is None:
            return None
        own = self.resource.indicator if self.resource.indicator.startswith(("https://", "http://")) else ""
        return Caller(
            endpoint=endpoint,
            application=self.application.id,
            resource=self.resource.indicator,
            scope=" ".join(self.given),
            api=endpoint + MANAGEMENT_CALL if self.is_management else own or "https://your.api.example/",
        )


def look(visitor: Visitor, chosen: Chosen) -> Steps:
    """
    See what is there.
    """
    acting = visitor.acting
    chosen = _led(visitor, chosen)
    all_resources = resources.listing(acting, _CHOICES, with_scopes=False)[0].records
    resource = _resource(visitor, chosen.resource, all_resources)
    its_scopes = scopes.listing(acting, resource.id, NO_SEARCH, _MOST_SCOPES).records if resource else ()
    giving = getting_started.roles_giving(acting, resource.id, _CHOICES.limit) if resource else ()
    role, given = _role(visitor, chosen.role, resource, giving)
    holders = role_applications.listing(acting, role.id, NO_SEARCH, _CHOICES).records if role else ()
    application = _application(visitor, chosen.application, role, holders)
    return Steps(
        resources=_with(all_resources, resource),
        resource=resource,
        scopes=its_scopes,
        roles=_with(giving, role),
        role=role,
        given=given,
        applications=_with(holders, application),
        application=application,
        others=_others(visitor, chosen.application) if role and not application else (),
        has_token=_has_token(visitor, application, resource),
    )


def _with(choices: Sequence[R], chosen: R | None) -> Sequence[R]:
    """
    Return what there is to choose from, the chosen one among it: a form that is sent as it is changes nothing.
    """
    if chosen is None or any(one.id == chosen.id for one in choices[:MOST_CHOICES]):
        return choices
    return [chosen, *choices]


def _led(visitor: Visitor, chosen: Chosen) -> Chosen:
    if chosen.resource:
        return chosen
    for role_id in [chosen.role] if chosen.role else _held(visitor, chosen.application):
        try:
            given = role_scopes.listing(visitor.acting, role_id, NO_SEARCH, _FIRST)[0].records
        except Problem:  # it is gone
            continue
        if given:
            return replace(chosen, role=role_id, resource=given[0].resource_id)
    return chosen


def _held(visitor: Visitor, application_id: str) -> Sequence[str]:
    if not application_id:
        return ()
    try:
        held = application_roles.listing(visitor.acting, application_id, NO_SEARCH, None)
    except Problem:  # it is gone, or has no roles
        return ()
    return [role.id for role in held.records]


def _resource(visitor: Visitor, wanted: str, choices: Sequence[Resource]) -> Resource | None:
    own = (one for one in choices if one.id != MANAGEMENT_RESOURCE_ID)
    if wanted:
        try:
            return resources.read(visitor.acting, wanted)
        except Problem:  # it is gone
            pass
    return next(own, None)


def _role(
    visitor: Visitor, wanted: str, resource: Resource | None, choices: Sequence[Role]
) -> tuple[Role | None, Sequence[str]]:
    if resource is None:
        return None, ()
    for role_id in filter(None, (wanted, choices[0].id if choices else "")):
        try:
            role = roles.read(visitor.acting, role_id)
        except Problem:
            continue
        given = getting_started.scopes_given(visitor.acting, role_id, resource.id, _MOST_SCOPES.limit)
        if given and role.type is RoleType.MACHINE_TO_MACHINE:
            return role, given
    return None, ()


def _application(
    visitor: Visitor, wanted: str, role: Role | None, choices: Sequence[Application]
) -> Application | None:
    named = _machine(visitor, wanted)
    if named is None:
        return next(iter(choices), None)
    return named if role is not None and role.id in _held(visitor, named.id) else None


def _others(visitor: Visitor, wanted: str) -> Sequence[Application]:
    machines = ApplicationFilter(types=(ApplicationType.MACHINE_TO_MACHINE,))
    first = applications.listing(visitor.acting, machines, NO_SEARCH, _CHOICES).records
    named = _machine(visitor, wanted)
    return first if named is None else [named, *(one for one in first if one.id != named.id)]


def _machine(visitor: Visitor, application_id: str) -> Application | None:
    if not application_id:
        return None
    try:
        found = applications.read(visitor.acting, application_id).application
    except Problem:  # it is gone
        return None
    return found if found.type is ApplicationType.MACHINE_TO_MACHINE else None


def _has_token(visitor: Visitor, application: Application | None, resource: Resource | None) -> bool:
    if application is None or resource is None:
        return False
    newest = logs.newest(visitor.acting, LogFilter(application_id=application.id), _NEWEST_RECORDS)
    if any(_is_token_for(entry.payload, resource.indicator) for entry in newest):
        return True
    # Older records are not read for it: once done, the step stays so.
    return len(newest) == _NEWEST_RECORDS and bool(secrets.last_uses(visitor.acting, application.id))


def _is_token_for(payload: object, indicator: str) -> bool:
    match payload:
        case {"result": "Success", "tokenTypes": _, "params": {"resource": str() as asked}}:
            return asked == indicator or (asked.endswith("…") and indicator.startswith(asked[:-1]))
    return False
