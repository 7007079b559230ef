"""
`client_secret_basic` and `client_secret_post`: the application shows a secret (RFC 6749 §2.3.1).
"""

from datetime import datetime

from watchword.protocol.errors import InvalidClient, InvalidRequest
from watchword.server.domain.client_auth.caller import Caller, Seen
from watchword.server.domain.secrets import SecretDigest, find_match
from watchword.server.domain.view import ApplicationEntry


class SecretExpired(InvalidRequest):
    """
    The secret matches as a whole and is no longer good; only its holder is told.
    """

    def __init__(self) -> None:
        super().__init__("client secret has expired")


def check_secret(
    digest: SecretDigest, application: ApplicationEntry | None, now: datetime, *, by_header: bool, seen: Seen
) -> Caller:
    """
    Demand that one of the application's secrets has this digest.

    Raises:
        InvalidClient: There is no such application, or none of its secrets has this digest.
        SecretExpired: The secret matches and is no longer good.
    """
    match = find_match(digest, () if application is None else application.secrets)
    if application is None or match is None:
        detail = "unknown application" if application is None else "wrong secret"
        raise InvalidClient(detail=detail, by_header=by_header)
    seen.matched = match
    if match.expired(now):
        raise SecretExpired
    return Caller(application=application, secret=match)
