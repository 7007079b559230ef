"""
Who asks: client authentication, a file per method.

An unknown application and a wrong secret take the same path, give the same answer and cost the same.
"""

from collections.abc import Callable
from datetime import datetime

from watchword.protocol.credentials import ClientSecret, PresentedCredentials
from watchword.protocol.errors import InvalidClient
from watchword.protocol.names import ClientAuthMethod
from watchword.server.domain.client_auth.caller import Caller, Seen
from watchword.server.domain.client_auth.client_secret import check_secret
from watchword.server.domain.client_auth.public import check_public
from watchword.server.domain.secrets import SecretDigest
from watchword.server.domain.view import ApplicationEntry, View

Digest = Callable[[ClientSecret], SecretDigest]

__all__ = ["Caller", "Digest", "Seen", "authenticate"]


def authenticate(presented: PresentedCredentials, view: View, digest: Digest, now: datetime, seen: Seen) -> Caller:
    """
    Find out who asks.

    Args:
        seen: Told what becomes known on the way, for the record of a refusal.

    Raises:
        InvalidClient: Unknown application, wrong secret, or a method that it is not registered for.
        InvalidRequest: The secret matches and has expired.

    Implements: RFC 6749 §2.3, §5.2.
    """
    seen.client_id, seen.secret, seen.matched = presented.client_id, False, None
    seen.application = application = view.application(presented.client_id)
    try:
        return _check(presented, application, digest, now, seen)
    except InvalidClient:
        # Who is in use is in memory, nobody is looked for in the database: one request would tell the two apart.
        if application is not None:
            view.miss_application(presented.client_id)
        raise


def _check(
    presented: PresentedCredentials, application: ApplicationEntry | None, digest: Digest, now: datetime, seen: Seen
) -> Caller:
    match presented.method:
        case ClientAuthMethod.BASIC | ClientAuthMethod.POST if presented.secret is not None:
            seen.secret = True
            return check_secret(digest(presented.secret), application, now, by_header=presented.by_header, seen=seen)
        case ClientAuthMethod.NONE:
            return check_public(application)
        case method:
            raise InvalidClient(detail=f"no application uses {method}", by_header=False)
