"""
Tokens for commands: where they come from, and what it means when there is none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from watchword.cli.failures import FAILED, MISUSED, REFUSED, UNREACHABLE, Failure
from watchword.cli.output import printable

if TYPE_CHECKING:
    from watchword.cli.target import Remote
    from watchword.client import ClientError, TokenSource

_WHAT_TO_DO = {
    "invalid_client": (REFUSED, "check --client-id and --client-secret; `watchword apps secrets` manages secrets"),
    "invalid_target": (FAILED, "`watchword resources list` shows the APIs that there are"),
    "access_denied": (REFUSED, "see that the application may have this"),
    "invalid_scope": (FAILED, "`watchword resources scopes list` shows the scopes that there are"),
}

_ENDPOINT = "see that --endpoint names the server and nothing else"


def open_source(remote: "Remote", *, resource: str | None, scope: str) -> "TokenSource":
    """
    Make a source of tokens of a server.

    Raises:
        Failure: The endpoint is malformed or insecure.
    """
    from watchword.client import InsecureEndpoint, TokenSource

    try:
        return TokenSource(
            endpoint=remote.endpoint,
            client_id=remote.client_id,
            client_secret=remote.client_secret,
            resource=resource,
            scope=scope,
            allow_http_endpoint=remote.allow_http_endpoint,
        )
    except InsecureEndpoint as error:
        text = str(error).replace("allow_http_endpoint", "--allow-http-endpoint")
        raise Failure(f"{remote.endpoint}: {text}", code=MISUSED) from None
    except ValueError as error:
        raise Failure(f"{error}: see that credentials and scopes hold no odd characters", code=MISUSED) from None


@contextmanager
def translated() -> Iterator[None]:
    """
    Turn what a token source raises into a failure.
    """
    from watchword.client import ClientError

    try:
        yield
    except ClientError as error:
        raise _failure_of(error) from None


def _failure_of(error: "ClientError") -> Failure:
    from watchword.client import ServerUnavailable, TokenRequestRefused

    match error:
        case ServerUnavailable(status=None):
            text = f"{error}: see that the server runs and that --endpoint is right"
            return Failure(printable(text), code=UNREACHABLE)
        case ServerUnavailable():
            return Failure(f"{error}: try again in a moment", code=UNREACHABLE)
        case TokenRequestRefused(status=HTTPStatus.NOT_FOUND):
            return Failure(printable(f"no token: {error}: {_ENDPOINT}, no /oidc behind it"))
        case TokenRequestRefused():
            code, what = _WHAT_TO_DO.get(error.error, (FAILED, "see that what is asked for is right"))
            return Failure(printable(f"no token: {error}: {what}"), code=code)
    return Failure(f"{error}: {_ENDPOINT}")
