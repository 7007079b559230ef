"""
The claims of an access token: written when it is issued, checked when it is presented.

Implements: RFC 9068 §2.2 (claims), §4 (checks); RFC 8725 §3.8 to §3.12.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from watchword.protocol.errors import InsufficientScope, InvalidToken
from watchword.protocol.names import ACCESS_TOKEN_TYPE
from watchword.protocol.scopes import parse_scope

# How far apart two nodes' clocks may be, the time that a commit and an answer take included.
CLOCKS_APART = timedelta(seconds=10)
RESERVED_CLAIMS = frozenset(
    {"jti", "sub", "iat", "exp", "nbf", "scope", "client_id", "iss", "aud"} | {"azp", "act", "cnf", "organization_id"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """
    What a verified access token says.

    Attributes:
        scopes: Permissions that it carries; empty when it has no `scope`.
        claims: All claims, for those that this class does not name.
    """

    issuer: str
    subject: str
    audience: tuple[str, ...]
    client_id: str
    token_id: str
    issued_at: datetime
    expires_at: datetime
    scopes: frozenset[str]
    organization_id: str | None
    claims: Mapping[str, object] = field(repr=False)

    @property
    def is_machine(self) -> bool:
        """
        Whether an application acts for itself, not for a user.
        """
        return self.subject == self.client_id

    def require_scopes(self, required: frozenset[str]) -> None:
        """
        Demand that the token carries all of these scopes.

        Raises:
            InsufficientScope: It does not.

        Implements: RFC 6750 §3.1.
        """
        if not required <= self.scopes:
            raise InsufficientScope(required)


def write_claims(
    *,
    issuer: str,
    subject: str,
    client_id: str,
    audience: str,
    token_id: str,
    issued_at: int,
    lifetime: int,
    scope: str,
    custom: Mapping[str, object],
) -> dict[str, object]:
    """
    Lay out the claims in the order of the wire; registered ones overwrite custom ones.

    Args:
        issued_at: Seconds since 1970.
        lifetime: Seconds, at least 1.
        scope: Space-separated; empty leaves the claim out.

    Implements: RFC 9068 §2.2.
    """
    claims = dict(custom)
    claims["jti"] = token_id
    claims["sub"] = subject
    claims["iat"] = issued_at
    claims["exp"] = issued_at + lifetime
    if scope:
        claims["scope"] = scope
    claims["client_id"] = client_id
    claims["iss"] = issuer
    claims["aud"] = audience
    return claims


def check_type(typ: str | None) -> None:
    """
    Demand the header `typ` of an access token, so that no other kind of JWT passes for one.

    Raises:
        InvalidToken: It is another or none.

    Implements: RFC 9068 §4, RFC 8725 §3.11.
    """
    if typ is None or typ.lower().removeprefix("application/") != ACCESS_TOKEN_TYPE:
        raise InvalidToken("the token is not an access token", reason="claim", claim="typ")


def check_claims(
    claims: Mapping[str, object], *, issuer: str, audience: str, now: datetime, leeway: timedelta
) -> AccessToken:
    """
    Check the claims of a token whose signature holds, in this order: presence, issuer, time, audience.

    Args:
        now: Aware UTC datetime.
        leeway: How far clocks may be apart.

    Raises:
        InvalidToken: A claim is missing, of another type, or wrong.

    Implements: RFC 9068 §4, RFC 7519 §4.1.
    """
    token = AccessToken(
        issuer=_text(claims, "iss"),
        subject=_text(claims, "sub"),
        audience=_audience(claims),
        client_id=_text(claims, "client_id"),
        token_id=_text(claims, "jti"),
        issued_at=_instant(claims, "iat"),
        expires_at=_instant(claims, "exp"),
        scopes=frozenset(parse_scope(_text(claims, "scope"))) if "scope" in claims else frozenset(),
        organization_id=_text(claims, "organization_id") if "organization_id" in claims else None,
        claims=claims,
    )
    if token.issuer != issuer:
        raise InvalidToken("the access token is from another issuer", reason="claim", claim="iss")
    # The leeway is added to `now`, never to a claim: a claim may lie at the edge of what a datetime holds.
    if now - leeway >= token.expires_at:
        raise InvalidToken("the access token has expired", reason="expired", claim="exp")
    if token.issued_at > now + max(leeway, CLOCKS_APART):
        raise InvalidToken("the access token is not valid yet", reason="claim", claim="iat")
    if "nbf" in claims and _instant(claims, "nbf") > now + leeway:
        raise InvalidToken("the access token is not valid yet", reason="claim", claim="nbf")
    if audience not in token.audience:
        raise InvalidToken("the access token is for another API", reason="claim", claim="aud")
    return token


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or (not value and name != "scope"):
        raise InvalidToken(f"the access token has no valid `{name}`", reason="claim", claim=name)
    return value


def _audience(claims: Mapping[str, object]) -> tuple[str, ...]:
    value = claims.get("aud")
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(item, str) and item for item in values):
        raise InvalidToken("the access token has no valid `aud`", reason="claim", claim="aud")
    return tuple(values)


def _instant(claims: Mapping[str, object], name: str) -> datetime:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"the access token has no valid `{name}`", reason="claim", claim=name)
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        raise InvalidToken(f"the access token has no valid `{name}`", reason="claim", claim=name) from None
