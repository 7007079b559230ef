"""
What a token is for: one API, one organization, or one API on behalf of an organization.
"""

import msgspec

from watchword.server.domain.view import ResourceEntry


class Api(msgspec.Struct, frozen=True):
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


class Organization(msgspec.Struct, frozen=True):
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


class ApiInOrganization(msgspec.Struct, frozen=True):
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
