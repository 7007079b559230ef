"""
Trying it: a token request as an application sends it, and what came of it, to be looked at.
"""

import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote_plus, urlencode, urlsplit

import msgspec

from watchword.protocol.metadata import TOKEN_PATH
from watchword.server.context import Context
from watchword.server.domain.names import MANAGEMENT_RESOURCE_ID
from watchword.server.domain.records import Json
from watchword.server.operations.getting_started import Trial
from watchword.server.web.console.own_server import Answered, OwnServer

MANAGEMENT_CALL = "/api/applications?page_size=1"
_OK = 200
_HIDDEN = "…"
_FORM = "application/x-www-form-urlencoded"
_TIMES = {"iat": "issued", "nbf": "good from", "exp": "expires"}
_SHOWN_OF_TOKEN = 12


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """
    A request and its answer, as they are shown.

    Attributes:
        request: Without the credentials.
    """

    request: str
    answer: Answered

    @property
    def body(self) -> str:
        """
        The answer's body; JSON is indented.
        """
        try:
            return json.dumps(json.loads(self.answer.body), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return self.answer.body


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a token says.

    Attributes:
        times: What each moment means, and the moment.
    """

    header: Json
    claims: Json
    times: Sequence[tuple[str, datetime]]


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """
    What came of it.

    Attributes:
        access_token: Empty where it was refused.
        missing: Scopes that were asked for and not granted.
        call: A call of the Management API with the token; None where it is for another API.
    """

    token: Exchange
    access_token: str = ""
    decoded: Decoded | None
    missing: Sequence[str]
    call: Exchange | None

    @property
    def error(self) -> str:
        """
        Which error it was; empty where there was none.
        """
        return str(_object(self.token.answer.body).get("error", ""))

    @property
    def is_granted(self) -> bool:
        """
        Whether there is a token.
        """
        return self.decoded is not None

    @property
    def is_called(self) -> bool:
        """
        Whether the Management API took the token.
        """
        return self.call is not None and self.call.answer.status == _OK


def try_token(ctx: Context, own_server: OwnServer, trial: Trial, secret: str, scope: str) -> Tried:
    """
    Ask for a token, as an application does, and call the Management API with it where it is for that.

    Raises:
        Problem: The server could not ask itself.
    """
    form = {"grant_type": "client_credentials", "resource": trial.resource.indicator, "scope": scope}
    body = urlencode(form)
    credentials = f"{quote_plus(trial.application.id)}:{quote_plus(secret)}"
    headers = {"authorization": f"Basic {b64encode(credentials.encode()).decode()}", "content-type": _FORM}
    answer = own_server.ask(ctx, "POST", TOKEN_PATH, headers, body.encode())
    shown = _shown(ctx, f"POST {TOKEN_PATH}", f"Authorization: Basic {_HIDDEN}", f"Content-Type: {_FORM}", "", body)
    token = Exchange(request=shown, answer=answer)
    response = _object(answer.body)
    compact = response.get("access_token")
    if answer.status != _OK or not isinstance(compact, str):
        return Tried(token=token, decoded=None, missing=(), call=None)
    granted = str(response.get("scope", "")).split()
    return Tried(
        token=token,
        access_token=compact,
        decoded=decode(compact),
        missing=[one for one in scope.split() if one not in granted],
        call=_call(ctx, own_server, compact) if trial.resource.id == MANAGEMENT_RESOURCE_ID else None,
    )


def decode(compact: str) -> Decoded:
    """
    Read a token that our own server has just issued.
    """
    header, claims, _ = (compact + "..").split(".")[:3]
    said = _object(_plain(claims))
    times = [
        (meaning, datetime.fromtimestamp(moment, UTC))
        for name, meaning in _TIMES.items()
        if isinstance(moment := said.get(name), int)
    ]
    return Decoded(header=_object(_plain(header)), claims=said, times=times)


def _call(ctx: Context, own_server: OwnServer, compact: str) -> Exchange:
    answer = own_server.ask(ctx, "GET", MANAGEMENT_CALL, {"authorization": f"Bearer {compact}"})
    shown = _shown(ctx, f"GET {MANAGEMENT_CALL}", f"Authorization: Bearer {compact[:_SHOWN_OF_TOKEN]}{_HIDDEN}")
    return Exchange(request=shown, answer=answer)


def _shown(ctx: Context, line: str, *rest: str) -> str:
    return "\n".join((f"{line} HTTP/1.1", f"Host: {urlsplit(ctx.settings.public_endpoint).netloc}", *rest))


def _plain(segment: str) -> str:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4)).decode("utf-8", "replace")


def _object(text: str) -> Mapping[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}
