"""
CORS below `/oidc`. The token endpoint's is judged after authentication, by the domain; here are the headers.
"""

from watchword.server.web.answers import Answer, Headers
from watchword.server.web.requests import RequestHeaders

_MAX_AGE = b"3600"
_VARY = (b"vary", b"Origin")


def cors_headers(origin: str | None) -> Headers:
    """
    Return the headers that let a page of an origin read the answer; without one, everybody.
    """
    allowed = b"*" if origin is None else origin.encode("latin-1")
    return (
        (b"access-control-allow-origin", allowed),
        (b"access-control-expose-headers", b"WWW-Authenticate"),
        _VARY,
    )


def preflight(headers: RequestHeaders, method: str) -> Answer:
    """
    Answer OPTIONS.
    """
    origin = headers.first(b"origin")
    asked = headers.first(b"access-control-request-headers")
    answer = [
        (b"access-control-allow-origin", b"*" if origin is None else origin.encode("latin-1")),
        (b"access-control-allow-methods", method.encode()),
        (b"access-control-max-age", _MAX_AGE),
        _VARY,
    ]
    if asked is not None:
        answer.append((b"access-control-allow-headers", asked.encode("latin-1")))
    return Answer(204, b"", answer)
