"""
One exchange with the token endpoint: what is sent, and what an answer means.

Sans-I/O: values in, values out.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

from watchword.client.client_auth import basic
from watchword.client.errors import ClientError, ServerUnavailable, TokenRequestRefused, UnexpectedAnswer
from watchword.outbound import Answer
from watchword.protocol.bearer import quotable
from watchword.protocol.credentials import ClientSecret
from watchword.protocol.forms import FORM
from watchword.protocol.names import BEARER, GrantType
from watchword.protocol.scopes import format_scope, parse_scope

LARGEST_ANSWER = 131_072
LONGEST_LIFETIME = timedelta(days=366)
BUSY = frozenset({429, 503})
_SENDABLE = re.compile(r"[\x21-\x7e]+\Z")
_LONGEST_TEXT = 300
_HTTP_OK, _CLIENT_ERRORS, _SERVER_ERRORS = 200, range(400, 500), range(500, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """
    An access token as the server issued it.

    Attributes:
        expires_at: Aware UTC datetime from which on it is no good.
        received_at: When it was asked for.
        scope: What was granted.
        requested: What was asked for.
    """

    access_token: str = field(repr=False)
    expires_at: datetime
    received_at: datetime
    scope: frozenset[str]
    requested: frozenset[str]

    @property
    def missing_scopes(self) -> frozenset[str]:
        """
        What was asked for and not granted: no role gives it, or the API has no such permission.
        """
        return self.requested - self.scope


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """
    A token request, ready to be posted. Its `repr` shows no credentials.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    requested: frozenset[str]


def client_credentials_request(
    url: str, *, client_id: str, secret: ClientSecret, resource: str | None, scope: tuple[str, ...]
) -> TokenRequest:
    """
    Write the request of a client that acts for itself.

    Implements: RFC 6749 §4.4.2, RFC 8707 §2.2.
    """
    parameters = {"grant_type": GrantType.CLIENT_CREDENTIALS.value}
    if resource is not None:
        parameters["resource"] = resource
    if scope:
        parameters["scope"] = format_scope(scope)
    headers = {
        "Authorization": basic(client_id, secret),
        "Content-Type": FORM,
        "Accept": "application/json",
    }
    return TokenRequest(
        url=url, headers=headers, body=urlencode(parameters).encode("ascii"), requested=frozenset(scope)
    )


def read_token(answer: Answer, *, requested: frozenset[str], sent_at: datetime) -> Token:
    """
    Read a token response. Where it has no `scope`, none was granted.

    Args:
        sent_at: Aware UTC datetime at which the request left: the token's life is counted from there.

    Raises:
        TokenRequestRefused, ServerUnavailable, UnexpectedAnswer: It brings no token.

    Implements: RFC 6749 §5.1, §5.2.
    """
    if answer.status != _HTTP_OK:
        raise _refusal(answer, sent_at)
    members = _json_object(answer.body)
    access_token, token_type = members.get("access_token"), members.get("token_type")
    seconds, scope = members.get("expires_in"), members.get("scope", "")
    if not isinstance(access_token, str) or _SENDABLE.match(access_token) is None:
        raise UnexpectedAnswer("the answer holds no access token", status=answer.status)
    if not isinstance(token_type, str) or token_type.lower() != BEARER.lower():
        raise UnexpectedAnswer("the access token is no Bearer token", status=answer.status)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise UnexpectedAnswer("the answer does not say how long the token lives", status=answer.status)
    if not isinstance(scope, str):
        raise UnexpectedAnswer("the answer's scope is no text", status=answer.status)
    lifetime = timedelta(seconds=min(seconds, LONGEST_LIFETIME.total_seconds()))
    return Token(
        access_token=access_token,
        expires_at=sent_at + lifetime,
        received_at=sent_at,
        scope=frozenset(parse_scope(scope)),
        requested=requested,
    )


def retry_after_of(answer: Answer, now: datetime) -> float | None:
    """
    Return the seconds after which the server wants to be asked again; None where it does not say.

    Implements: RFC 9110 §10.2.3 (seconds, or a date).
    """
    value = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((aware - now).total_seconds(), 0.0)


def _refusal(answer: Answer, now: datetime) -> ClientError:
    if answer.status in BUSY or answer.status in _SERVER_ERRORS:
        return ServerUnavailable(
            f"the authorization server can't answer now (HTTP {answer.status})",
            status=answer.status,
            retry_after=retry_after_of(answer, now),
        )
    members = _json_object(answer.body)
    error, description = members.get("error"), members.get("error_description")
    if answer.status not in _CLIENT_ERRORS or not isinstance(error, str):
        return UnexpectedAnswer("the endpoint does not answer as a token endpoint does", status=answer.status)
    request_id = answer.headers.get("x-request-id") or answer.headers.get("logto-core-request-id")
    return TokenRequestRefused(
        _shown(error),
        _shown(description) if isinstance(description, str) else "",
        status=answer.status,
        request_id=None if request_id is None else _shown(request_id),
    )


def _shown(text: str) -> str:
    return quotable(text)[:_LONGEST_TEXT]


def _json_object(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
