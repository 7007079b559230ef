"""
Why a request may not be served.

    AccessDenied
     ├─ CredentialsMissing     401  no error code: nothing was presented (RFC 6750 §3.1)
     ├─ CredentialsMalformed   400  invalid_request
     ├─ InvalidToken           401  invalid_token
     ├─ InsufficientScope      403  insufficient_scope
     └─ KeysUnavailable        503  temporarily_unavailable: the caller is not to blame

Each knows its status, its headers and a JSON body that may be shown to the caller. None of them ever holds a
token.
"""

from collections.abc import Mapping
from typing import ClassVar

from watchword.protocol import errors as protocol
from watchword.protocol.bearer import challenge


class AccessDenied(Exception):
    """
    A request that must not be served.

    Attributes:
        description: Public text.
        headers: What the answer carries besides its body: `WWW-Authenticate`, or `Retry-After`.
        detail: For the log of the API's owner only.
    """

    error: ClassVar[str | None] = None
    status: ClassVar[int] = 401

    def __init__(self, description: str, *, headers: Mapping[str, str], detail: str | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.headers = dict(headers)
        self.detail = detail

    @property
    def body(self) -> dict[str, str]:
        """
        A JSON object for the answer: `error`, where there is a code, and `error_description`.
        """
        code = {} if self.error is None else {"error": self.error}
        return code | {"error_description": self.description}


class CredentialsMissing(AccessDenied):
    """
    The request brings no Bearer token.
    """

    def __init__(self, *, realm: str) -> None:
        headers = {"WWW-Authenticate": challenge(None, realm=realm)}
        super().__init__("the request carries no access token", headers=headers)


class CredentialsMalformed(AccessDenied):
    """
    The Authorization header is sent twice, or holds what no token can look like.
    """

    error = "invalid_request"
    status = 400


class InvalidToken(AccessDenied):
    """
    The access token is malformed, expired, of another issuer, or meant for another API.

    Attributes:
        reason: A short stable word: `malformed`, `signature`, `unknown_key`, `expired`, `claim`.
        claim: The claim that failed, where one did.
    """

    error = "invalid_token"
    reason: str = "malformed"
    claim: str | None = None


class InsufficientScope(AccessDenied):
    """
    The token is good and does not carry all the scopes that this request needs.

    Attributes:
        required: The scopes that the request needs.
    """

    error = "insufficient_scope"
    status = 403
    required: frozenset[str] = frozenset()


class KeysUnavailable(AccessDenied):
    """
    The issuer's keys can't be had, so nothing can be said about the token.
    """

    error = "temporarily_unavailable"
    status = 503

    def __init__(self, *, detail: str, retry_after: int) -> None:
        headers = {"Retry-After": str(retry_after)}
        super().__init__("access tokens can't be checked at the moment", headers=headers, detail=detail)


def refusal_of(error: protocol.OAuthError, *, realm: str) -> AccessDenied:
    """
    Turn what a protocol check raised into the refusal of a request.

    Implements: RFC 6750 §3, §3.1.
    """
    headers = {"WWW-Authenticate": challenge(error, realm=realm)}
    match error:
        case protocol.InvalidToken():
            refused = InvalidToken(error.description, headers=headers, detail=error.detail)
            refused.reason, refused.claim = error.reason, error.claim
            return refused
        case protocol.InsufficientScope():
            lacking = InsufficientScope(error.description, headers=headers, detail=error.detail)
            lacking.required = error.required
            return lacking
        case _:
            return CredentialsMalformed(error.description, headers=headers, detail=error.detail)
