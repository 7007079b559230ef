"""
Why there is no token.

    ClientError
     ├─ InsecureEndpoint        the endpoint is no https URL: raised by the constructor; a ValueError too
     ├─ TokenRequestRefused     the server said no, and says why
     ├─ ServerUnavailable       no answer, or one that says: later
     └─ UnexpectedAnswer        an answer that no token endpoint gives

None of them ever holds a secret or a token.
"""


class ClientError(Exception):
    """
    No token can be had.
    """


class InsecureEndpoint(ClientError, ValueError):
    """
    The endpoint is malformed, or would send the secret over plain `http:` to another machine.
    """


class TokenRequestRefused(ClientError):
    """
    The authorization server refuses to issue a token.

    Attributes:
        error: The code of RFC 6749 §5.2, for programs: `invalid_client`, `invalid_target`, …
        description: The server's sentence for people; may be empty.
        status: HTTP status.
        request_id: How the server's log calls the request, where it says so.
    """

    def __init__(self, error: str, description: str, *, status: int, request_id: str | None) -> None:
        named = "" if request_id is None else f", request {request_id}"
        super().__init__(f"{error}: {description or 'no reason given'} (HTTP {status}{named})")
        self.error = error
        self.description = description
        self.status = status
        self.request_id = request_id


class ServerUnavailable(ClientError):
    """
    The authorization server can't be reached, is overloaded, or asks to come back later.

    Attributes:
        status: HTTP status; None where there was no answer.
        retry_after: Seconds after which it makes sense to try again, where the server says so.
    """

    def __init__(self, reason: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_after = retry_after


class UnexpectedAnswer(ClientError):
    """
    The answer is no token response: the endpoint may be another server's, or behind a proxy's error page.

    Attributes:
        status: HTTP status.
    """

    def __init__(self, reason: str, *, status: int) -> None:
        super().__init__(f"{reason} (HTTP {status})")
        self.status = status
