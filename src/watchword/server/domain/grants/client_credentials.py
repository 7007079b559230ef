"""
An application asks for itself (RFC 6749 §4.4).
"""

from datetime import datetime

from watchword.protocol.errors import AccessDenied, InvalidTarget
from watchword.protocol.forms import TokenForm
from watchword.protocol.names import GrantType
from watchword.protocol.resource_indicators import check_resource_indicator
from watchword.server.domain.authority import authority, narrow
from watchword.server.domain.client_auth import Caller
from watchword.server.domain.grants.authorization import Authorization
from watchword.server.domain.names import ApplicationType
from watchword.server.domain.targets import Api
from watchword.server.domain.view import ApplicationEntry, ResourceEntry, View


class ClientCredentials:
    """
    The grant of machine-to-machine applications.
    """

    grant_type = GrantType.CLIENT_CREDENTIALS
    parameters: tuple[str, ...] = ("scope", "resource", "organization_id")

    def is_allowed(self, application: ApplicationEntry) -> bool:
        """
        Machine-to-machine applications may use it, and no others.
        """
        return application.type is ApplicationType.MACHINE_TO_MACHINE

    def authorize(self, form: TokenForm, caller: Caller, view: View, now: datetime) -> Authorization:
        """
        Decide what the application may have for itself.

        Args:
            form: Parsed request; `form.scopes` may be empty (then: a token without scope).
            view: What is true at this moment; only read.
            now: Aware UTC datetime.

        Raises:
            AccessDenied: The application is not a member of `form.organization_id`.
            InvalidTarget: `form.resources` names no API resource of this tenant, or more than one.

        Implements: RFC 6749 §4.4, RFC 8707 §2.2.
        """
        del now  # nothing about this grant depends on the hour
        application = caller.application
        if form.organization_id is not None:
            _check_membership(form.organization_id, application, view)
        resource = _one_resource(form, view)
        asked = form.scopes
        given = authority(view.roles(application), resource, asked)
        scopes, dropped = narrow(asked, given, resource)
        return Authorization(
            grant_type=self.grant_type,
            subject=application.id,
            client_id=application.id,
            target=Api(resource),
            scopes=scopes,
            dropped=dropped,
            lifetime=resource.access_token_ttl,
            algorithm=resource.signing_algorithm,
            lasts=True,
        )


def _check_membership(organization_id: str, application: ApplicationEntry, view: View) -> None:
    if not view.is_member(application, organization_id):
        raise AccessDenied("app has not associated with the organization")


def _one_resource(form: TokenForm, view: View) -> ResourceEntry:
    first, *others = form.resources or (_default_resource(view),)
    resource = _known_resource(first, view)
    for indicator in others:  # the first bad one is told before there being several
        _known_resource(indicator, view)
    if others:
        raise InvalidTarget("only a single resource indicator value is supported for this grant type")
    return resource


def _default_resource(view: View) -> str:
    default = view.tenant().default_resource
    if default is None:
        raise InvalidTarget("both `resource` and `organization_id` are not provided")
    return default


def _known_resource(indicator: str, view: View) -> ResourceEntry:
    resource = view.resource(indicator)
    if resource is None or not resource.is_requestable:
        check_resource_indicator(indicator)
        raise InvalidTarget("resource indicator is missing, or unknown")
    return resource
