"""
Bearer tokens in HTTP headers: reading them, and answering in RFC 6750's words.
"""

import re
from collections.abc import Sequence

from watchword.protocol.errors import InsufficientScope, InvalidRequest, OAuthError
from watchword.protocol.names import BEARER

_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*\Z")
_UNQUOTABLE = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


def bearer_token(authorization: Sequence[str]) -> str | None:
    """
    Take the token out of the Authorization headers of a request.

    Returns:
        None where there is no Authorization header of scheme Bearer.

    Raises:
        InvalidRequest: More than one header, or a token with characters that RFC 6750 §2.1 does not allow.

    Implements: RFC 6750 §2.1.
    """
    if len(authorization) > 1:
        raise InvalidRequest("the Authorization header must not be sent twice")
    if not authorization:
        return None
    scheme, _, token = authorization[0].partition(" ")
    if scheme.lower() != BEARER.lower():
        return None
    token = token.strip(" ")
    if _B64TOKEN.match(token) is None:
        raise InvalidRequest("the Bearer token is malformed")
    return token


def challenge(error: OAuthError | None, *, realm: str | None = None) -> str:
    """
    Write the WWW-Authenticate header of a refusal; without an error, that of a request that brought no token.

    Implements: RFC 6750 §3, §3.1.
    """
    fields = [] if realm is None else [("realm", realm)]
    if error is not None:
        fields += [("error", error.error), ("error_description", error.description)]
    if isinstance(error, InsufficientScope):
        fields.append(("scope", " ".join(sorted(error.required))))
    parameters = ", ".join(f'{name}="{quotable(value)}"' for name, value in fields)
    return f"{BEARER} {parameters}".rstrip()


def quotable(text: str) -> str:
    """
    Drop the characters that RFC 6749 §5.2 and RFC 6750 §3 do not allow in an error description.
    """
    return _UNQUOTABLE.sub("", text)
