"""
The steps of the guide to machine-to-machine, and how far each is: from what is really there.

The address of the page names what was chosen; where it names nothing, what comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

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
    roles,
    scopes,
)
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page as Part
from watchword.server.web.console.snippets import Caller
from watchword.server.web.console.trying import MANAGEMENT_CALL
from watchword.server.web.console.visitor import Visitor

_CHOICES = Part(limit=100, offset=0)
_MOST_SCOPES = Part(limit=100, offset=0)  # each is a field of a form
_NEWEST_RECORDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """
    How far somebody has come.

    Attributes:
        resource: The API that tokens are for; None where there is none.
        scopes: Its permissions.
        role: One that gives some of them; None where there is none.
        given: The permissions that it gives.
        application: One that holds the role; None where there is none.
        others: Applications that the role could be given to, where nobody holds it.
        has_token: Whether the application has had a token for the API lately.
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
    all_resources = resources.listing(acting, _CHOICES, with_scopes=False)[0].records
    resource = _resource(visitor, chosen.resource, all_resources)
    its_scopes = scopes.listing(acting, resource.id, NO_SEARCH, _MOST_SCOPES).records if resource else ()
    giving = getting_started.roles_giving(acting, resource.id, _CHOICES.limit) if resource else ()
    role, given = _role(visitor, chosen.role, resource, giving)
    holders = role_applications.listing(acting, role.id, NO_SEARCH, _CHOICES).records if role else ()
    application = _application(visitor, chosen.application, role, holders)
    return Steps(
        resources=all_resources,
        resource=resource,
        scopes=its_scopes,
        roles=giving,
        role=role,
        given=given,
        applications=holders,
        application=application,
        others=_others(visitor) if role and not application else (),
        has_token=_has_token(visitor, application, resource),
    )


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
    if role is not None and wanted:
        try:
            held = application_roles.listing(visitor.acting, wanted, NO_SEARCH, None).records
            if role.id in {one.id for one in held}:
                return applications.read(visitor.acting, wanted).application
        except Problem:
            pass
    return next(iter(choices), None)


def _others(visitor: Visitor) -> Sequence[Application]:
    machines = ApplicationFilter(types=(ApplicationType.MACHINE_TO_MACHINE,))
    return applications.listing(visitor.acting, machines, NO_SEARCH, _CHOICES).records


def _has_token(visitor: Visitor, application: Application | None, resource: Resource | None) -> bool:
    if application is None or resource is None:
        return False
    newest = logs.newest(visitor.acting, LogFilter(application_id=application.id), _NEWEST_RECORDS)
    return any(_is_token_for(entry.payload, resource.indicator) for entry in newest)


def _is_token_for(payload: object, indicator: str) -> bool:
    match payload:
        case {"result": "Success", "tokenTypes": _, "params": {"resource": str() as asked}}:
            return asked == indicator or (asked.endswith("…") and indicator.startswith(asked[:-1]))
    return False
