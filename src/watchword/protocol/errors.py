"""
One class per registered OAuth error code.

    OAuthError
     ├─ InvalidRequest           400  RFC 6749 §5.2
     ├─ InvalidClient            401  RFC 6749 §5.2
     ├─ InvalidTarget            400  RFC 8707 §2
     ├─ UnsupportedGrantType     400  RFC 6749 §5.2
     ├─ AccessDenied             403  RFC 6749 §4.1.2.1
     ├─ TemporarilyUnavailable   503  RFC 6749 §4.1.2.1 (429 when a caller is throttled)
     ├─ InvalidToken             401  RFC 6750 §3.1
     └─ InsufficientScope        403  RFC 6750 §3.1

Rules raise these; turning one into a response is the business of the web room alone.
"""

from typing import ClassVar


class OAuthError(Exception):
    """
    A refusal that the protocol has a name for.

    Args:
        description: Public text. It names parameters and never repeats what the request carried.
        detail: For the log only; what an operator needs to know beyond the public text.
    """

    error: ClassVar[str]
    status: int = 400

    def __init__(self, description: str, *, detail: str | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.detail = detail


class InvalidRequest(OAuthError):
    """
    A parameter is missing, repeated or malformed, or two authentication mechanisms were used.
    """

    error = "invalid_request"

    def __init__(self, description: str, *, detail: str | None = None, status: int = 400) -> None:
        super().__init__(description, detail=detail)
        self.status = status


class InvalidClient(OAuthError):
    """
    Client authentication failed, for whatever reason: the public text is always the same.

    Args:
        detail: Why, for the log.
        by_header: Whether the client used the Authorization header; then the answer carries a challenge.
    """

    error = "invalid_client"
    status = 401

    def __init__(self, *, detail: str, by_header: bool) -> None:
        super().__init__("client authentication failed", detail=detail)
        self.by_header = by_header


class InvalidTarget(OAuthError):
    """
    The resource is missing, malformed, or none that this server issues tokens for.
    """

    error = "invalid_target"


class UnsupportedGrantType(OAuthError):
    """
    There is no such grant here.
    """

    error = "unsupported_grant_type"

    def __init__(self) -> None:
        super().__init__("unsupported grant_type requested")


class AccessDenied(OAuthError):
    """
    The application may not have what it asks for.
    """

    error = "access_denied"
    status = 403


class TemporarilyUnavailable(OAuthError):
    """
    The server can't answer now: its log or database is away, or the caller is throttled.

    Args:
        retry_after: Whole seconds after which it makes sense to try again.
    """

    error = "temporarily_unavailable"
    status = 503

    def __init__(
        self, description: str, *, retry_after: int = 1, throttled: bool = False, detail: str | None = None
    ) -> None:
        super().__init__(description, detail=detail)
        self.retry_after = retry_after
        if throttled:
            self.status = 429


class InvalidToken(OAuthError):
    """
    The access token is malformed, expired, revoked, or meant for somebody else.

    Args:
        reason: A short stable word for programs: `malformed`, `signature`, `unknown_key`, `expired`, `claim`.
        claim: The claim that failed, where one did.
    """

    error = "invalid_token"
    status = 401

    def __init__(self, description: str, *, reason: str, claim: str | None = None, detail: str | None = None) -> None:
        super().__init__(description, detail=detail)
        self.reason = reason
        self.claim = claim


class InsufficientScope(OAuthError):
    """
    The token is good and does not carry the scope that this request needs.
    """

    error = "insufficient_scope"
    status = 403

    def __init__(self, required: frozenset[str]) -> None:
        super().__init__("the access token does not have the required scope")
        self.required = required
