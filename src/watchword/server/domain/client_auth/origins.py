"""
Browsers: from which origins an application's id may be used.

Judged after authentication, so that nobody can probe for ids.
"""

from watchword.protocol.bearer import quotable
from watchword.protocol.errors import InvalidRequest
from watchword.server.domain.view import ApplicationEntry


class OriginRefused(InvalidRequest):
    """
    A browser page of another origin uses this application's credentials; its answer carries no CORS header.
    """


def check_origin(origin: str | None, application: ApplicationEntry, own_origin: str) -> None:
    """
    Demand that the request comes from no browser, from our own origin, or from one that the application lists.

    Raises:
        OriginRefused: It does not.
    """
    if origin is None or origin == own_origin or origin in application.origins:
        return
    raise OriginRefused(f"origin {quotable(origin)[:128]} not allowed for client: {application.id}")


def is_of_origin(description: str) -> bool:
    """
    Tell whether a refusal that was recorded is one of a browser's origin.
    """
    return description.startswith("origin ")
