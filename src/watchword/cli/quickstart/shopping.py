"""
The reader's own API: a token for it, what the token says, and which calls pass.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from watchword.cli.quickstart.checks import Expected
from watchword.cli.quickstart.exchanges import show_answer, show_call, show_request
from watchword.cli.quickstart.home import Account
from watchword.cli.quickstart.places import READ, SHOPPING, WRITE
from watchword.cli.quickstart.scene import Scene
from watchword.cli.quickstart.tokens import look_into

BOTH = f"{READ} {WRITE}"
_NEW_PRODUCT = {"name": "Teaspoon", "price": 300}
_MEANINGS = {
    "alg": "how it is signed",
    "typ": "an access token",
    "kid": "the key that has signed it",
    "jti": "this very token",
    "sub": "the application",
    "client_id": "the application",
    "iss": "who issued it",
    "aud": "the one API it is for",
    "scope": "what it may do there",
    "iat": "issued",
    "exp": "expires",
}
_INSTANTS = frozenset({"iat", "exp"})
_NAME, _VALUE = 10, 30


def fetch_token(scene: Scene, account: Account) -> str:
    """
    Get a token as the guide does, and show request and answer as they are.
    """
    scene.printer.step("Fetch an access token with HTTP Basic")
    response = scene.desk.request(account, resource=SHOPPING, scope=BOTH)
    show_request(scene.printer, response.request)
    scene.printer.text()
    show_answer(scene.printer, response)
    scene.checks.answer("the application gets a token", response, Expected(status=200))
    members = response.json() if response.is_success else {}
    granted = members.get("scope")
    scene.checks.that(
        "it may do all that it asked for, as `scope` says",
        *([] if granted == BOTH else [f"it should be {BOTH} and is {granted}"]),
    )
    return str(members.get("access_token", ""))


def show_token(scene: Scene, token: str) -> None:
    """
    Show what the token says.
    """
    scene.printer.step("Look into the token: everybody can read it, nobody can change it")
    jwt = look_into(token)
    scene.printer.block("header", *_explain(jwt.header))
    scene.printer.block("claims", *_explain(jwt.claims))
    wanted = {"iss": scene.places.issuer, "aud": SHOPPING, "scope": BOTH}
    wrong = [f"{name} should be {value}" for name, value in wanted.items() if jwt.claims.get(name) != value]
    scene.checks.that("issuer, API and permissions are in it", *wrong)


def call_api(scene: Scene, account: Account, token: str) -> None:
    """
    Call the API in all the ways that matter.
    """
    scene.printer.step("Call the products API, which checks tokens by itself")
    reader = scene.desk.fetch(account, resource=SHOPPING, scope=READ)
    forged = scene.printer.hide(look_into(reader).with_claims(scope=BOTH))
    for call in _calls(token, reader, forged):
        response = scene.http.request(
            call.method,
            scene.places.products,
            json=_NEW_PRODUCT if call.method == "POST" else None,
            headers={} if call.token is None else {"Authorization": f"Bearer {call.token}"},
        )
        show_call(scene.printer, response, call.told)
        scene.checks.answer(call.promise, response, call.expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    method: str
    token: str | None
    told: str
    promise: str
    expected: Expected


def _calls(token: str, reader: str, forged: str) -> list[_Call]:
    return [
        _Call(
            method="GET",
            token=token,
            told="with the token",
            promise="reading passes",
            expected=Expected(status=200),
        ),
        _Call(
            method="POST",
            token=token,
            told="with the token",
            promise="writing passes",
            expected=Expected(status=201),
        ),
        _Call(
            method="POST",
            token=reader,
            told=f"with a token that was asked for {READ} alone",
            promise="a read-only token may not write",
            expected=Expected(status=403, challenge={"error": "insufficient_scope", "scope": WRITE}),
        ),
        _Call(
            method="GET",
            token=None,
            told="without a token",
            promise="without a token nobody gets in",
            expected=Expected(status=401, challenge={"realm": SHOPPING, "error": None}),
        ),
        _Call(
            method="POST",
            token=forged,
            told=f"with the read-only token, {WRITE} written into it",
            promise="a tampered token is worth nothing",
            expected=Expected(status=401, challenge={"error": "invalid_token"}),
        ),
    ]


def _explain(members: Mapping[str, object]) -> Iterator[str]:
    """
    Lay out a JSON object's members with their meanings, which stand below where they don't fit beside.
    """
    for name, value in members.items():
        text = value if isinstance(value, str) else json.dumps(value)
        meaning = _MEANINGS.get(name, "")
        if name in _INSTANTS and isinstance(value, int):
            meaning += f" {datetime.fromtimestamp(value, UTC):%H:%M:%S} UTC"
        if len(text) < _VALUE:
            yield f"{name:{_NAME}}{text:{_VALUE}}{meaning}"
        else:
            yield f"{name:{_NAME}}{text}"
            yield f"{'':{_NAME}}{'':{_VALUE}}{meaning}"
