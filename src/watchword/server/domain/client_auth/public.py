"""
`none`: applications that can keep no secret show only their id (RFC 6749 §2.1).
"""

from watchword.protocol.errors import InvalidClient
from watchword.server.domain.client_auth.caller import Caller
from watchword.server.domain.view import ApplicationEntry


def check_public(application: ApplicationEntry | None) -> Caller:
    """
    Accept a bare id where the application is of a type that has no secrets.

    Raises:
        InvalidClient: There is no such application, or it must authenticate.
    """
    if application is None or application.type.has_secrets:
        raise InvalidClient(detail="no credentials presented", by_header=False)
    return Caller(application=application, secret=None)
