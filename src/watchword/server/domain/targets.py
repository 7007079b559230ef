"""
What a token is for: one API, one organization, or one API on behalf of an organization.
"""

from dataclasses import dataclass

from watchword.server.domain.view import ResourceEntry


@dataclass(frozen=True, slots=True)
class Api:
    """
    An API resource.
    """

    resource: ResourceEntry

    @property
    def audience(self) -> str:
        """
        The `aud` of the token.
        """
        return self.resource.indicator


@dataclass(frozen=True, slots=True)
class Organization:
    """
    An organization's own permissions.
    """

    organization_id: str

    @property
    def audience(self) -> str:
        """
        The `aud` of the token.
        """
        return f"urn:logto:organization:{self.organization_id}"


@dataclass(frozen=True, slots=True)
class ApiInOrganization:
    """
    An API resource, with the permissions that the organization's roles give there.
    """

    resource: ResourceEntry
    organization_id: str

    @property
    def audience(self) -> str:
        """
        The `aud` of the token.
        """
        return self.resource.indicator


Target = Api | Organization | ApiInOrganization
