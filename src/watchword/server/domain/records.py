"""
The records that the server keeps, each one frozen struct. Column and member names follow from the field names.

Times are aware UTC datetimes. A record never holds a secret or a key in clear text, `ApplicationSecret.value` apart,
which storage fills in only where an operation reads one back.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from watchword.protocol.names import Algorithm
from watchword.server.domain.confidential import Confidential
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.secrets import has_expired

Json = Mapping[str, object]


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """
    A realm with its own issuer, keys and Management API.
    """

    id: str
    signing_algorithm: Algorithm
    created_at: datetime


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """
    Software that asks for tokens: the client of RFC 6749.
    """

    tenant_id: str
    id: str
    name: str
    description: str | None
    type: ApplicationType
    oidc_client_metadata: Json
    custom_client_metadata: Json
    protected_app_metadata: Json | None
    custom_data: Json
    is_third_party: bool
    app_level_access_control_enabled: bool
    created_at: datetime


class ApplicationSecret(Confidential, frozen=True, kw_only=True):
    """
    One of an application's secrets.

    Attributes:
        value: Clear text while it may be read back, else None.
    """

    tenant_id: str
    application_id: str
    name: str
    value: str | None
    created_at: datetime
    expires_at: datetime | None
    id: str
    masked_value: str

    def expired(self, now: datetime) -> bool:
        """
        Whether it is no longer good: as authentication judges its entry.
        """
        return has_expired(self.expires_at, now)


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """
    An API that accepts tokens of this server, under its indicator.

    Attributes:
        access_token_ttl: Lifetime of its tokens in seconds.
        signing_algorithm: What its tokens are signed with; None follows the tenant.
    """

    tenant_id: str
    id: str
    name: str
    indicator: str
    is_default: bool
    access_token_ttl: int
    signing_algorithm: Algorithm | None


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """
    One permission that an API resource offers.
    """

    tenant_id: str
    id: str
    resource_id: str
    name: str
    description: str | None
    created_at: datetime


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """
    A named set of permissions, for users or for machines.
    """

    tenant_id: str
    id: str
    name: str
    description: str
    type: RoleType
    is_default: bool


class User(Confidential, frozen=True, kw_only=True):
    """
    A person, as a record: nobody signs in here.

    Attributes:
        password_digest: In the form that `password_algorithm` names; None without a password.
    """

    tenant_id: str
    id: str
    username: str | None
    primary_email: str | None
    primary_phone: str | None
    name: str | None
    avatar: str | None
    custom_data: Json
    identities: Json
    last_sign_in_at: datetime | None
    created_at: datetime
    updated_at: datetime
    profile: Json
    application_id: str | None
    cimd_client_id: str | None
    is_suspended: bool
    password_digest: str | None
    password_algorithm: str | None


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """
    One line of the audit log.
    """

    tenant_id: str
    id: str
    key: str
    payload: Json
    created_at: datetime


class SigningKeyRecord(Confidential, frozen=True, kw_only=True):
    """
    A signing key as it is kept: instants, not states, and the private half sealed.

    Attributes:
        id: The `kid`, RFC 7638 thumbprint of the public half.
        signs_from: When it begins to sign; the end of time for a standby.
        signs_until: None while no successor is fixed.
        dropped_at: When it leaves the JWKS; None while that is open.
        longest_lifetime: The most seconds that a token which it signed may live.
    """

    tenant_id: str
    id: str
    algorithm: Algorithm
    public_jwk: Json
    sealed_private_key: bytes
    created_at: datetime
    published_at: datetime
    signs_from: datetime
    signs_until: datetime | None
    dropped_at: datetime | None
    longest_lifetime: int


class CookieKey(msgspec.Struct, frozen=True, kw_only=True):
    """
    A key of cookies, by id alone: nobody signs in, so that nothing is signed with it.
    """

    tenant_id: str
    id: str
    created_at: datetime
