"""
The one place where an exception becomes an answer.

Two shapes: OAuth's below `/oidc`, with the contract's `code` and `message` around it, and the Management API's below
`/api`. What is not ours becomes one plain 500 that says nothing.
"""

import logging
from collections.abc import Mapping

from watchword.protocol.bearer import quotable
from watchword.protocol.errors import InvalidClient, InvalidRequest, OAuthError, TemporarilyUnavailable
from watchword.server.domain.client_auth.client_secret import SecretExpired
from watchword.server.domain.client_auth.origins import OriginRefused
from watchword.server.domain.problems import Malformed, Problem
from watchword.server.domain.redaction import hide_secrets
from watchword.server.storage.database import StorageUnavailable
from watchword.server.web.answers import CLOSE, NO_STORE, Answer, Headers, json_answer
from watchword.server.web.requests import BodyEncoded, BodyTooLarge, BodyTooSlow, Incoming

_log = logging.getLogger(__name__)

_MESSAGES = {
    "invalid_request": "Request is invalid.",
    "invalid_target": "Invalid resource indicator.",
    "invalid_grant": "Grant request is invalid.",
    "access_denied": "Access denied.",
    "unsupported_grant_type": "Unsupported `grant_type` requested.",
    "invalid_token": "Invalid token provided.",
    "server_error": "An unknown OIDC error occurred. Please try again later.",
}


# Where people read what a code means, each on a page of its own.
PAGES = "/docs/errors"
# Refusals that no browser page gets to read: they carry no CORS header.
_HIDDEN_FROM_PAGES = (OriginRefused, SecretExpired)
# What a status brings along: the rest of the body is not read; what a request may send instead (RFC 9110 §15.5.16).
_OF_STATUS: Mapping[int, Headers] = {408: (CLOSE,), 413: (CLOSE,), 415: ((b"accept-encoding", b"identity"),)}


def help_link(code: str) -> tuple[bytes, bytes]:
    """
    Return the header that leads from an answer to the page of its code.

    Implements: RFC 8288 §3.
    """
    return b"link", f'<{PAGES}/{code}>; rel="help"'.encode("ascii")


def oauth_members(error: str, description: str, *, bare: bool = False) -> dict[str, object]:
    """
    Write the body of an OAuth error.

    Args:
        bare: Leave out what RFC 6749 does not know.

    Implements: RFC 6749 §5.2.
    """
    members: dict[str, object] = {"error": error, "error_description": quotable(hide_secrets(description))}
    if bare:
        return members
    message = _MESSAGES.get(error, f"An OIDC error occurred: oidc.{error}.")
    return {"code": f"oidc.{error}", "message": message, **members}


def oauth_answer(error: OAuthError, *, issuer: str, cors: Headers, bare: bool) -> Answer:
    """
    Answer an OAuth request with a refusal.

    Implements: RFC 6749 §5.2.
    """
    headers: list[tuple[bytes, bytes]] = [*(() if isinstance(error, _HIDDEN_FROM_PAGES) else cors), *NO_STORE]
    headers.append(help_link(error.error))
    if isinstance(error, InvalidClient) and error.by_header:
        challenge = f'Basic realm="{issuer}", error="{error.error}", error_description="{quotable(error.description)}"'
        headers.append((b"www-authenticate", challenge.encode("latin-1")))
    if isinstance(error, TemporarilyUnavailable):
        headers.append((b"retry-after", b"%d" % error.retry_after))
    headers.extend(_OF_STATUS.get(error.status, ()))
    return json_answer(oauth_members(error.error, error.description, bare=bare), status=error.status, headers=headers)


def oauth_error_of(exception: Exception) -> OAuthError | None:
    """
    Name the OAuth error that an exception stands for; None where it is a fault of ours.
    """
    match exception:
        case OAuthError():
            return exception
        case BodyEncoded():
            return InvalidRequest("the request body has a content coding", status=415)
        case BodyTooLarge():
            return InvalidRequest("the request body is too large", status=413)
        case BodyTooSlow():
            return InvalidRequest("the request body did not arrive in time", status=408)
        case StorageUnavailable():
            return TemporarilyUnavailable("the database can't be read", detail=str(exception))
        case _:
            return None


def oauth_fault(*, bare: bool) -> Answer:
    """
    Answer a fault of ours below `/oidc`.
    """
    return json_answer(
        oauth_members("server_error", "oops! something went wrong", bare=bare),
        status=500,
        headers=(*NO_STORE, help_link("server_error")),
    )


def cannot_answer_now() -> Problem:
    """
    Return what is said below `/api` where the database is away, or there is too much to do.
    """
    message = "The server can't answer now. Please try again."
    return Problem("temporarily_unavailable", status=503, message=message)


def problem_of(exception: Exception) -> Problem | None:
    """
    Name the problem that an exception stands for below `/api`; None where it is a fault of ours.
    """
    match exception:
        case Problem():
            return exception
        case BodyEncoded():
            message = "The request body has a content coding: send it as it is."
            return Problem("request.body_encoded", status=415, message=message)
        case BodyTooLarge():
            return Problem("request.body_too_large", status=413, message="The request body is too large.")
        case BodyTooSlow():
            return Problem("request.timeout", status=408, message="The request body did not arrive in time.")
        case StorageUnavailable() | TemporarilyUnavailable():
            return cannot_answer_now()
        case _:
            return None


def problem_answer(problem: Problem, *, request_id: str) -> Answer:
    """
    Answer a Management API request with a problem; members are in the order of the wire, ours last.
    """
    members: dict[str, object] = {}
    if isinstance(problem, Malformed):
        members["message"] = problem.message
    members["code"] = problem.code
    if problem.data is not None:
        members["data"] = problem.data
    if problem.details is not None:
        members["details"] = problem.details
    members.setdefault("message", problem.message)
    members["request_id"] = request_id
    headers = [help_link(problem.code)]
    if problem.status == 503:  # noqa: PLR2004
        headers.append((b"retry-after", b"1"))
    headers.extend(_OF_STATUS.get(problem.status, ()))
    answer = json_answer(members, status=problem.status, headers=headers)
    # A validator's words quote the value that was wrong.
    return Answer(answer.status, hide_secrets(answer.body.decode()).encode(), answer.headers)


def note_fault(incoming: Incoming, fault: Exception) -> None:
    """
    Write what went wrong within the server into its log, which is the only place that says so.
    """
    where = {"request_id": incoming.request_id, "trace_id": incoming.trace_id, "path": incoming.shown_path}
    _log.error("a request failed", extra=where, exc_info=fault)


def fault_in_words(request_id: str) -> str:
    """
    Say to people that there is a fault of ours.
    """
    return f"Something went wrong within the server. Its log has more, by the id {request_id}."


def fault_answer(request_id: str) -> Answer:
    """
    Answer a fault of ours.
    """
    return json_answer({"message": "Internal server error.", "request_id": request_id}, status=500)
