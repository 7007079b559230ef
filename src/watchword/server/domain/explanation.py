"""
Why a scope is granted and why not: what a token request would come to, by the very rules that it would be judged by.

It is assumed that the application has proved who it is (its secret is never tested), that no browser asks, and that the
server has time, and a clock to believe. All else is what the token path does: the same grant, over a view like its own.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from watchword.protocol.errors import InvalidClient, OAuthError
from watchword.protocol.forms import TokenForm
from watchword.protocol.names import Algorithm, GrantType
from watchword.protocol.scopes import format_scope
from watchword.server.domain import problems
from watchword.server.domain.authority import Dropped, authority
from watchword.server.domain.client_auth import Caller
from watchword.server.domain.client_auth.client_secret import SecretExpired
from watchword.server.domain.grants import Authorization, grant_for
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.view import ApplicationEntry, ResourceEntry, RoleEntry, View, signing_key_of


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """
    A token request as somebody thinks of it.

    Attributes:
        resource: None leaves the parameter out, and so do no scopes.
        scopes: Each once.
    """

    application_id: str
    resource: str | None = None
    scopes: tuple[str, ...] = ()
    organization_id: str | None = None

    def as_form(self) -> TokenForm:
        """
        Write it as the parameters that the token endpoint gets.
        """
        given = {
            "grant_type": GrantType.CLIENT_CREDENTIALS.value,
            "resource": self.resource,
            "scope": format_scope(self.scopes),
            "organization_id": self.organization_id,
        }
        return TokenForm({name: (value,) for name, value in given.items() if value})


class ExplainedApplication(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who would ask.

    Attributes:
        usable_secrets: How many of its secrets work now.
    """

    id: str
    name: str
    type: ApplicationType
    usable_secrets: int


class ExplainedResource(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the token would be for.
    """

    id: str
    name: str
    indicator: str


class ExplainedRole(msgspec.Struct, frozen=True, kw_only=True):
    """
    A role of the application, and what it gives on that API.
    """

    id: str
    name: str
    type: RoleType
    scopes: Sequence[str]


class ExplainedScope(msgspec.Struct, frozen=True, kw_only=True):
    """
    A scope that was asked for.

    Attributes:
        role_ids: The roles that give it.
        reason: Why it is not granted; None where it is.
    """

    name: str
    is_granted: bool
    role_ids: Sequence[str]
    reason: Dropped | None


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """
    The token that would leave.

    Attributes:
        expires_in: Seconds.
    """

    audience: str
    scope: str
    expires_in: int
    algorithm: Algorithm


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """
    The error that would be answered.

    Attributes:
        detail: What the caller is not told.
    """

    error: str
    description: str
    status: int
    detail: str | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a request would come to, and why. Exactly one of `granted` and `refused` is there.

    Attributes:
        resource: None where the request names none that exists.
        scopes: Each that was asked for, in the order asked; none where the request is refused.
        roles: All that the application holds.
        available: Every scope that its roles give on that API, whether asked for or not.
    """

    application: ExplainedApplication
    resource: ExplainedResource | None
    granted: Granted | None
    refused: Refused | None
    scopes: Sequence[ExplainedScope]
    roles: Sequence[ExplainedRole]
    available: Sequence[str]


def explain(question: Question, view: View, now: datetime) -> Explanation:
    """
    Say what a token request would come to.

    Args:
        view: What is true at this moment; only read.
        now: Aware UTC datetime.

    Raises:
        Problem: There is no such application.
    """
    application = view.application(question.application_id)
    if application is None:
        raise problems.unknown("applications", question.application_id, "application")
    roles = view.roles(application)
    resource = _resource(question, view)
    authorization, granted, refused = _outcome(question.as_form(), application, view, now)
    return Explanation(
        application=_application(application, now),
        resource=None if resource is None else _told(resource),
        granted=granted,
        refused=refused,
        scopes=() if authorization is None or resource is None else _scopes(authorization, roles, resource, question),
        roles=[_role(role, resource) for role in roles],
        available=() if resource is None else _available(roles, resource),
    )


def given_without(role: RoleEntry, roles: Sequence[RoleEntry], resource: ResourceEntry) -> Mapping[str, Sequence[str]]:
    """
    Say by which other roles an application would still be given what one of its roles gives on an API.

    Args:
        roles: All that it holds.

    Returns:
        Scope name → ids of the other roles that give it; none, where it would be lost.
    """
    given = [name for name, scope_id in resource.scopes.items() if scope_id in role.scope_ids]
    left = authority([other for other in roles if other.id != role.id], resource, given)
    return {name: left.get(name, ()) for name in authority([role], resource, given)}


def lost_without(role: RoleEntry, roles: Sequence[RoleEntry], resource: ResourceEntry) -> list[str]:
    """
    Say which scopes of an API an application would no longer be given, were one of its roles taken away.

    Args:
        roles: All that it holds.
    """
    return [name for name, others in given_without(role, roles, resource).items() if not others]


def _outcome(
    form: TokenForm, application: ApplicationEntry, view: View, now: datetime
) -> tuple[Authorization | None, Granted | None, Refused | None]:
    try:
        caller = _assumed(application, now)
        authorization = grant_for(form, caller).authorize(form, caller, view, now)
        key = signing_key_of(view.tenant(), authorization.algorithm, now)
    except OAuthError as refusal:
        told = Refused(
            error=refusal.error, description=refusal.description, status=refusal.status, detail=refusal.detail
        )
        return None, None, told
    granted = Granted(
        audience=authorization.target.audience,
        scope=format_scope(authorization.scopes),
        expires_in=authorization.lifetime,
        algorithm=key.algorithm,
    )
    return authorization, granted, None


def _assumed(application: ApplicationEntry, now: datetime) -> Caller:
    """
    Take the application for who it says it is, as far as it can prove it at all.
    """
    if not application.type.has_secrets:
        return Caller(application=application, secret=None)
    usable = next((secret for secret in application.secrets if not secret.expired(now)), None)
    if usable is not None:
        return Caller(application=application, secret=usable)
    if application.secrets:
        raise SecretExpired
    raise InvalidClient(detail="the application has no secret", by_header=True)


def _resource(question: Question, view: View) -> ResourceEntry | None:
    indicator = question.resource or view.tenant().default_resource
    return None if indicator is None else view.resource(indicator)


def _application(application: ApplicationEntry, now: datetime) -> ExplainedApplication:
    return ExplainedApplication(
        id=application.id,
        name=application.name,
        type=application.type,
        usable_secrets=sum(not secret.expired(now) for secret in application.secrets),
    )


def _told(resource: ResourceEntry) -> ExplainedResource:
    return ExplainedResource(id=resource.id, name=resource.name, indicator=resource.indicator)


def _available(roles: Sequence[RoleEntry], resource: ResourceEntry) -> list[str]:
    given = authority(roles, resource)
    return [name for name in resource.scopes if name in given]


def _role(role: RoleEntry, resource: ResourceEntry | None) -> ExplainedRole:
    given = () if resource is None else tuple(authority([role], resource))
    return ExplainedRole(id=role.id, name=role.name, type=role.type, scopes=given)


def _scopes(
    authorization: Authorization, roles: Sequence[RoleEntry], resource: ResourceEntry, question: Question
) -> list[ExplainedScope]:
    given = authority(roles, resource, question.scopes)
    return [
        ExplainedScope(
            name=name,
            is_granted=name in authorization.scopes,
            role_ids=given.get(name, ()),
            reason=authorization.dropped.get(name),
        )
        for name in question.scopes
    ]
