"""
What the RFCs demand of the token endpoint and of the tokens it gives, a row for each rule.

Every row's id names document, section and keyword. Where the contract differs on purpose, its answer stands.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from tests.support.server import MANAGEMENT_RESOURCE
from tests.support.shop import BASIC, create_application
from tests.support.wire import decode_base64url, read_token

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from _pytest.mark.structures import ParameterSet

    from tests.support.shop import Shop

GRANT = "grant_type=client_credentials"
HERE = f"{GRANT}&resource=<resource>"
READ = "read:products"
NQCHAR = {chr(code) for code in (*range(0x20, 0x22), *range(0x23, 0x5C), *range(0x5D, 0x7F))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    A request that a rule speaks of, and what must come back.
    """

    form: str
    authorization: str | None
    path: str
    error: str | None
    status: int
    scope: str | None


def rule(
    id_: str,
    form: str,
    *,
    error: str | None = None,
    status: int | None = None,
    scope: str | None = None,
    authorization: str | None = BASIC,
    path: str = "/oidc/token",
) -> ParameterSet:
    """
    Return a row; without an `error` a token must come back, with exactly `scope`.
    """
    expected = status or (400 if error else 200)
    row = Rule(form=form, authorization=authorization, path=path, error=error, status=expected, scope=scope)
    return pytest.param(row, id=id_)


IN_THE_URL = "/oidc/token?client_id=<id>&client_secret=<secret>"
RULES = [
    rule(
        "RFC 6749 2.3 MUST NOT use more than one authentication method",
        f"{HERE}&client_id=<id>&client_secret=<secret>",
        error="invalid_request",
    ),
    rule("RFC 6749 2.3.1 MUST support HTTP Basic", HERE),
    rule(
        "RFC 6749 2.3.1 MAY support credentials in the body",
        f"{HERE}&client_id=<id>&client_secret=<secret>",
        authorization=None,
    ),
    rule(
        "RFC 6749 2.3.1 credentials MUST NOT be in the request URI",
        HERE,
        authorization=None,
        path=IN_THE_URL,
        error="invalid_request",
    ),
    rule(
        "RFC 6749 2.3.1 and B credentials are form-encoded inside Basic",
        HERE,
        authorization="Basic <%id:%secret>",
    ),
    rule(
        "RFC 6749 B a plus sign inside Basic is a space",
        HERE,
        authorization="Basic <id:a+b>",
        error="invalid_client",
        status=401,
    ),
    rule("RFC 6749 3.2 parameters without a value MUST be treated as omitted: scope", f"{HERE}&scope="),
    rule("RFC 6749 3.2 parameters without a value MUST be treated as omitted: client_id", f"{HERE}&client_id="),
    rule(
        "RFC 6749 3.2 parameters without a value MUST be treated as omitted: client_secret",
        f"{HERE}&client_secret=",
    ),
    rule(
        "RFC 6749 3.2 parameters without a value MUST be treated as omitted: grant_type",
        "grant_type=&resource=<resource>",
        error="invalid_request",
    ),
    rule("RFC 6749 3.2 MUST ignore unrecognized parameters", f"{HERE}&x=1&y=2"),
    rule("RFC 6749 3.2 MUST NOT repeat: grant_type", f"{GRANT}&{HERE}", error="invalid_request"),
    rule("RFC 6749 3.2 MUST NOT repeat: scope", f"{HERE}&scope=a&scope=a", error="invalid_request"),
    rule(
        "RFC 6749 3.2 MUST NOT repeat: client_id",
        f"{HERE}&client_id=<id>&client_id=<id>",
        error="invalid_request",
    ),
    rule(
        "RFC 6749 3.2.1 confidential clients MUST authenticate",
        f"{HERE}&client_id=<id>",
        authorization=None,
        error="invalid_client",
        status=401,
    ),
    rule("RFC 6749 3.3 scopes are case-sensitive", f"{HERE}&scope=READ:PRODUCTS {READ}", scope=READ),
    rule(
        "RFC 6749 3.3 a scope that differs from what was asked MUST be told",
        f"{HERE}&scope={READ} delete:products",
        scope=READ,
    ),
    rule("RFC 6749 3.3 a missing scope is processed with a default", HERE),
    rule(
        "RFC 6749 4.4.2 grant_type MUST be client_credentials",
        "grant_type=Client_Credentials&resource=<resource>",
        error="unsupported_grant_type",
    ),
    rule(
        "RFC 6749 5.2 unsupported_grant_type is 400",
        "grant_type=urn:example:grant&resource=<resource>",
        error="unsupported_grant_type",
    ),
    rule(
        "RFC 6749 5.2 MUST answer 401 where the header authenticated",
        HERE,
        authorization="Basic <id:wrong>",
        error="invalid_client",
        status=401,
    ),
    rule("RFC 8707 2 MUST be an absolute URI", f"{GRANT}&resource=products", error="invalid_target"),
    rule("RFC 8707 2 MUST be an absolute URI: a path", f"{GRANT}&resource=/api", error="invalid_target"),
    rule("RFC 8707 2 MUST be an absolute URI: a network path", f"{GRANT}&resource=//x", error="invalid_target"),
    rule("RFC 8707 2 MUST NOT include a fragment", f"{HERE}#x", error="invalid_target"),
    rule("RFC 8707 2 an unknown resource is invalid_target", f"{HERE}.nope", error="invalid_target"),
    rule(
        "RFC 8707 2 several resources may be refused",
        f"{HERE}&resource={MANAGEMENT_RESOURCE}",
        error="invalid_target",
    ),
]


@pytest.mark.parametrize("row", RULES)
def test_rule_holds(shop: Shop, row: Rule) -> None:
    """
    The request gets what the rule demands: a token with this scope, or this error with its status.
    """
    answer = shop.ask(row.form, authorization=row.authorization, path=shop.fill(row.path))
    assert answer.status_code == row.status, answer.text
    body = answer.json()
    assert body.get("error") == row.error
    assert body.get("scope") == row.scope
    assert ("access_token" in body) == (row.error is None)


def is_json(answer: httpx.Response) -> bool:
    """
    Tell whether the media type is application/json.
    """
    return answer.headers["content-type"].partition(";")[0] == "application/json"


ANSWER_RULES: list[tuple[str, Callable[[httpx.Response], bool]]] = [
    ("RFC 6749 5.1 access_token is REQUIRED", lambda answer: bool(answer.json()["access_token"])),
    ("RFC 6749 5.1 token_type is REQUIRED", lambda answer: answer.json()["token_type"] == "Bearer"),
    (
        "RFC 6749 5.1 expires_in is a number of seconds",
        lambda answer: type(answer.json()["expires_in"]) is int,
    ),
    ("RFC 6749 5.1 the media type is application/json", is_json),
    (
        "RFC 6749 5.1 MUST send Cache-Control no-store",
        lambda answer: answer.headers["cache-control"] == "no-store",
    ),
    ("RFC 6749 5.1 MUST send Pragma no-cache", lambda answer: answer.headers["pragma"] == "no-cache"),
    ("RFC 6749 4.4.3 SHOULD NOT give a refresh token", lambda answer: "refresh_token" not in answer.json()),
    ("OpenID Core: no id_token for a machine", lambda answer: "id_token" not in answer.json()),
]


@pytest.mark.parametrize("holds", [pytest.param(check, id=id_) for id_, check in ANSWER_RULES])
def test_rule_of_the_answer_holds(shop: Shop, holds: Callable[[httpx.Response], bool]) -> None:
    """
    A successful answer is as the RFC wants it.
    """
    answer = shop.request_token(scope=READ)
    assert answer.status_code == 200
    assert holds(answer)


Claims = dict[str, Any]
TOKEN_RULES: list[tuple[str, Callable[[Claims, Claims, Shop], bool]]] = [
    ("RFC 9068 2.1 typ SHOULD be at+jwt", lambda header, _, __: header["typ"] == "at+jwt"),
    ("RFC 9068 2.1 MUST NOT use none", lambda header, _, __: header["alg"] == "ES256"),
    ("RFC 9068 2.2 iss is REQUIRED", lambda _, claims, shop: claims["iss"] == shop.server.issuer),
    ("RFC 9068 2.2 exp is REQUIRED", lambda _, claims, __: claims["exp"] - claims["iat"] == 3600),
    ("RFC 9068 2.2 aud is REQUIRED", lambda _, claims, shop: claims["aud"] == shop.indicator),
    (
        "RFC 9068 2.2 sub is the client_id without a user",
        lambda _, claims, shop: claims["sub"] == shop.application.id,
    ),
    (
        "RFC 9068 2.2 client_id is REQUIRED",
        lambda _, claims, shop: claims["client_id"] == shop.application.id,
    ),
    ("RFC 9068 2.2 iat is REQUIRED", lambda _, claims, __: abs(claims["iat"] - time.time()) < 10),
    ("RFC 9068 2.2 jti is REQUIRED", lambda _, claims, __: isinstance(claims["jti"], str)),
    ("RFC 9068 2.2.3 scope tells what was granted", lambda _, claims, __: claims["scope"] == READ),
    (
        "RFC 7519 2 NumericDate is a number",
        lambda _, claims, __: type(claims["exp"]) is type(claims["iat"]) is int,
    ),
    ("RFC 7515 4.1.11 no critical extensions", lambda header, _, __: "crit" not in header),
    (
        "RFC 7515 4.1 no key or URL travels in the header",
        lambda header, _, __: set(header) == {"alg", "typ", "kid"},
    ),
]


@pytest.mark.parametrize("holds", [pytest.param(check, id=id_) for id_, check in TOKEN_RULES])
def test_rule_of_the_token_holds(shop: Shop, holds: Callable[[Claims, Claims, Shop], bool]) -> None:
    """
    Header and claims of an access token are as the RFC wants them.
    """
    header, claims = read_token(shop.request_token(scope=READ).json()["access_token"])
    assert holds(header, claims, shop)


def test_signature_verifies_with_the_published_key(shop: Shop) -> None:
    """
    RFC 7515 §5.2, RFC 7518 §3.4: an independent library verifies the token with the JWKS alone.
    """
    token = shop.request_token(scope=READ).json()["access_token"]
    keys = {key["kid"]: key for key in shop.server.http.get("/oidc/jwks").json()["keys"]}
    key = jwt.PyJWK(keys[jwt.get_unverified_header(token)["kid"]])
    claims = jwt.decode(token, key, algorithms=["ES256"], audience=shop.indicator, issuer=shop.server.issuer)
    assert claims["scope"] == READ
    assert len(decode_base64url(token.rpartition(".")[2])) == 64


def test_changed_token_does_not_verify(shop: Shop) -> None:
    """
    RFC 7515 §5.2: a token whose claims were touched is worth nothing.
    """
    token = shop.request_token(scope=READ).json()["access_token"]
    other = shop.request_token(scope="write:products").json()["access_token"]
    header, _, signature = token.split(".")
    forged = f"{header}.{other.split('.')[1]}.{signature}"
    key = jwt.PyJWK(shop.server.http.get("/oidc/jwks").json()["keys"][0])
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(forged, key, algorithms=["ES256"], audience=shop.indicator)


def test_every_token_has_its_own_jti(shop: Shop) -> None:
    """
    RFC 7519 §4.1.7: identical requests give different token ids.
    """
    tokens = [shop.request_token(scope=READ).json()["access_token"] for _ in range(20)]
    assert len({read_token(token)[1]["jti"] for token in tokens}) == 20


def test_public_client_never_gets_a_token(shop: Shop) -> None:
    """
    RFC 6749 §4.4: the grant MUST only be used by confidential clients.
    """
    spa = create_application(shop.server, "SPA")
    answer = shop.ask(f"{HERE}&client_id={spa.id}", authorization=None)
    assert answer.status_code == 400
    assert "access_token" not in answer.json()


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(f'{HERE}&client_id=a"b\\c', id="quote and backslash in a foreign client_id"),
        pytest.param(f'{GRANT}&resource=https://x.example/"\\é', id="quote and backslash in a resource"),
        pytest.param('grant_type=x"\\é', id="quote and backslash in a grant type"),
        pytest.param(f'{HERE}&organization_id="\\é', id="quote and backslash in an organization"),
    ],
)
def test_error_description_keeps_to_its_characters(shop: Shop, form: str) -> None:
    """
    RFC 6749 §5.2: `error_description` MUST NOT hold characters outside %x20-21, %x23-5B, %x5D-7E.
    """
    answer = shop.ask(form)
    assert 400 <= answer.status_code < 500
    assert set(answer.json()["error_description"]) <= NQCHAR
    assert set(answer.json()["error"]) <= NQCHAR


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
def test_token_requests_must_be_posts(shop: Shop, method: str) -> None:
    """
    RFC 6749 §3.2: the client MUST use POST; another method never gives a token.
    """
    answer = shop.server.http.request(
        method,
        "/oidc/token",
        params={"grant_type": "client_credentials", "resource": shop.indicator},
        headers={"authorization": shop.authorization(BASIC)},
    )
    assert answer.status_code == 404
    assert b"access_token" not in answer.content
