"""
What a decision about a token may read: entries that mirror the database at one moment, and the view of them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Protocol

import msgspec

from watchword.protocol.errors import TemporarilyUnavailable
from watchword.protocol.names import Algorithm
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.secrets import SecretEntry
from watchword.server.domain.signing_keys import OwnAlgorithm, SigningKey, current_key


class TenantEntry(msgspec.Struct, frozen=True, kw_only=True):
    """
    A tenant: what signs its tokens, and where a request without `resource` goes.
    """

    id: str
    own_algorithm: OwnAlgorithm
    default_resource: str | None
    keys: tuple[SigningKey, ...]


class ApplicationEntry(msgspec.Struct, frozen=True, kw_only=True):
    """
    An application with its secrets and the ids of its roles.

    Attributes:
        origins: Origins from which browsers may call with this application's id.
    """

    id: str
    name: str
    type: ApplicationType
    role_ids: tuple[str, ...]
    secrets: tuple[SecretEntry, ...]
    origins: frozenset[str]


class RoleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """
    A role with the ids of the scopes that it gives.
    """

    id: str
    name: str
    type: RoleType
    scope_ids: frozenset[str]


class ResourceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """
    An API resource with its scopes, id by name.

    Attributes:
        is_requestable: Whether a token request may name it. An import may have left an indicator that is no URI.
    """

    id: str
    name: str
    indicator: str
    access_token_ttl: int
    signing_algorithm: Algorithm | None
    scopes: Mapping[str, str]
    is_requestable: bool


class Moment(msgspec.Struct, frozen=True):
    """
    When a view was taken, and where: what is decided by it counts for a few seconds, and on that server.

    Attributes:
        taken_at: Seconds of a clock that never goes back.
        server: Which run of the database server showed it; empty where there is no server.
    """

    taken_at: float
    server: str = ""

    LONGEST: ClassVar[float] = 10.0

    def is_past(self, now: float) -> bool:
        """
        Whether it is too long ago to grant anything by: a process that was frozen must look again.
        """
        return now - self.taken_at > self.LONGEST


def signing_key_of(tenant: TenantEntry, algorithm: Algorithm | None, now: datetime) -> SigningKey:
    """
    Return the key of a tenant that signs now.

    Args:
        algorithm: None stands for the tenant's own.

    Raises:
        TemporarilyUnavailable: There is none.
    """
    wanted = algorithm or tenant.own_algorithm.at(now)
    key = current_key(tenant.keys, wanted, now)
    if key is None:
        raise TemporarilyUnavailable("the server can't sign now", detail=f"no key signs with {wanted}")
    return key


class View(Protocol):
    """
    What is true at one moment.

    Reading it waits for nothing: what is not in memory ends the decision, which is made again once it is. So a decision
    only reads, and lets what a view raises pass.
    """

    @property
    def moment(self) -> Moment:
        """
        The moment.
        """

    def tenant(self) -> TenantEntry:
        """
        Return the tenant that the request is for.
        """

    def application(self, application_id: str) -> ApplicationEntry | None:
        """
        Return an application, or None where there is none.
        """

    def miss_application(self, application_id: str) -> None:
        """
        Take the time that looking for an application takes when there is none of this id.
        """

    def roles(self, application: ApplicationEntry) -> tuple[RoleEntry, ...]:
        """
        Return the roles of an application.
        """

    def resource(self, indicator: str) -> ResourceEntry | None:
        """
        Return the API resource with exactly this indicator, or None.
        """

    def is_member(self, application: ApplicationEntry, organization_id: str) -> bool:
        """
        Tell whether an application belongs to an organization.
        """
