"""
`watchword token`: fetch an access token, look into one, check one.
"""

import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watchword.cli.build import new_group
from watchword.cli.failures import MISUSED, REFUSED, UNREACHABLE, Failure
from watchword.cli.options import AllowHttp, AsJson, ClientId, ClientSecret, Endpoint
from watchword.cli.output import emit, emit_json, printable, say, show_members
from watchword.cli.values import read_input

if TYPE_CHECKING:
    from watchword.client import Token
    from watchword.protect import AccessDenied
    from watchword.protocol.access_token import AccessToken

_SEGMENTS = 3
Given = Annotated[str, typer.Argument(metavar="TOKEN", help="The token; - reads it from standard input.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", help="A permission; may be repeated, or hold several.")]
token = new_group("Access tokens: fetch one, look into one, check one.")


@token.command()
def fetch(
    *,
    resource: Annotated[
        str | None, typer.Option(help="The API that it is for, by indicator. Default: the server's default.")
    ] = None,
    scope: Scopes = None,
    as_json: AsJson = False,
    endpoint: Endpoint = None,
    client_id: ClientId = None,
    client_secret: ClientSecret = None,
    allow_http_endpoint: AllowHttp = False,
) -> None:
    """
    Fetch an access token and print it.

    What was asked for and not granted is named on standard error.
    """
    from watchword.cli.target import Connection, find_remote
    from watchword.cli.tokens import open_source, translated
    from watchword.server.settings import check_names

    check_names(os.environ)
    connection = Connection(
        endpoint=endpoint,
        client_id=client_id,
        client_secret=client_secret,
        allow_http_endpoint=allow_http_endpoint,
    )
    source = open_source(find_remote(connection, os.environ), resource=resource, scope=" ".join(scope or ()))
    with translated():
        fetched = source.token()
    if fetched.missing_scopes:
        say(f"not granted: {' '.join(sorted(fetched.missing_scopes))}")
    if as_json:
        emit_json(_members(fetched))
    else:
        emit(fetched.access_token)


@token.command()
def decode(*, text: Given = "-", as_json: AsJson = False) -> None:
    """
    Show what a token says, without checking anything: whoever made it may have written what they liked.
    """
    header, claims = _parts(read_input(text, "token"))
    say("Not verified: `watchword token verify` checks signature, issuer, API and time.")
    if as_json:
        emit_json({"verified": False, "header": header, "claims": claims})
        return
    emit_json(header)
    emit_json(claims)
    for name in ("iat", "nbf", "exp"):
        if name in claims:
            say(f"{name}: {_moment(claims[name])}")


@token.command()
def verify(
    *,
    text: Given = "-",
    resource: Annotated[str, typer.Option(help="The API that it must be for, by indicator.")],
    issuer: Annotated[
        str | None,
        typer.Option(help="Who must have issued it. Default: /oidc of WATCHWORD_CLI_ENDPOINT."),
    ] = None,
    scope: Scopes = None,
    as_json: AsJson = False,
    allow_http_endpoint: AllowHttp = False,
) -> None:
    """
    Check a token as an API does: signature, issuer, API, time and permissions.
    """
    from watchword.protect import AccessDenied, Verifier

    compact = read_input(text, "token")
    try:
        verifier = Verifier(issuer=_issuer(issuer), audience=resource, allow_http_endpoint=allow_http_endpoint)
    except ValueError as error:
        what = str(error).replace("allow_http_endpoint", "--allow-http-endpoint")
        raise Failure(f"--issuer or --resource can't be right: {what}", code=MISUSED) from None
    try:
        checked = verifier.verify(compact, scopes=" ".join(scope or ()))
    except AccessDenied as refusal:
        raise _refused(refusal, compact, verifier) from None
    say("Good: it may pass.")
    if as_json:
        emit_json({"verified": True, "claims": dict(checked.claims)})
    else:
        show_members(_described(checked))


def _members(fetched: "Token") -> dict[str, object]:
    return {
        "access_token": fetched.access_token,
        "token_type": "Bearer",
        "expires_in": int((fetched.expires_at - fetched.received_at).total_seconds()),
        "expires_at": fetched.expires_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "scope": " ".join(sorted(fetched.scope)),
        "not_granted": sorted(fetched.missing_scopes),
    }


def _described(checked: "AccessToken") -> dict[str, str]:
    return {
        "issuer": checked.issuer,
        "audience": " ".join(checked.audience),
        "client id": checked.client_id,
        "subject": checked.subject,
        "scopes": " ".join(sorted(checked.scopes)),
        "issued at": f"{checked.issued_at:%Y-%m-%d %H:%M:%S}Z",
        "expires at": f"{checked.expires_at:%Y-%m-%d %H:%M:%S}Z",
        "token id": checked.token_id,
    }


def _issuer(given: str | None) -> str:
    from watchword.cli.target import from_environment

    endpoint = from_environment("endpoint", os.environ)
    if given is None and endpoint is None:
        raise Failure("give --issuer, like https://id.example.com/oidc, or set WATCHWORD_CLI_ENDPOINT", code=MISUSED)
    return given or f"{str(endpoint).rstrip('/')}/oidc"


def _refused(refusal: "AccessDenied", compact: str, verifier: Any) -> Failure:  # noqa: ANN401 - loaded by the command
    from watchword.protect import InsufficientScope, InvalidToken, KeysUnavailable

    text = refusal.description
    match refusal:
        case KeysUnavailable():
            what = f"{refusal.detail}: see that {verifier.issuer} is the issuer and can be reached"
            return Failure(printable(f"{text}: {what}"), code=UNREACHABLE)
        case InsufficientScope():
            lacking = " ".join(sorted(refusal.required - _scopes_of(compact)))
            return Failure(printable(f"{text}: it lacks {lacking}: give the application a role with it"), code=REFUSED)
        case InvalidToken(claim=str() as claim):
            header, claims = _parts(compact)
            what = f"its {claim} is {json.dumps({**header, **claims}.get(claim))}"
            return Failure(printable(f"{text}: {what}: fetch one that fits"), code=REFUSED)
    return Failure(printable(f"{text}: `watchword token decode` shows what it says"), code=REFUSED)


def _scopes_of(compact: str) -> frozenset[str]:
    return frozenset(str(_claims_of(compact).get("scope", "")).split())


def _claims_of(compact: str) -> dict[str, Any]:
    return _parts(compact)[1]


def _parts(compact: str) -> tuple[dict[str, Any], dict[str, Any]]:
    segments = compact.split(".")
    if len(segments) != _SEGMENTS:
        raise Failure("this is no JWT, which has three parts: pass the access token alone", code=MISUSED)
    return _object(segments[0]), _object(segments[1])


def _object(segment: str) -> dict[str, Any]:
    from base64 import urlsafe_b64decode

    try:
        value = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Failure("this is no JWT, whose parts are JSON in base64url: pass the access token alone", code=MISUSED)
    return value


def _moment(value: object) -> str:
    from datetime import UTC, datetime

    if isinstance(value, bool) or not isinstance(value, int | float):
        return "no time"
    try:
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S}Z"
    except (OverflowError, ValueError, OSError):
        return "no calendar has it"
