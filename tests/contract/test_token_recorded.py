"""
The token endpoint's recorded exchanges, one named row each, with the deliberate differences applied.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.server import MANAGEMENT_RESOURCE
from tests.support.shop import BASIC, create_application
from tests.support.wire import (
    JTI,
    TEXT_VALUE,
    assert_oauth_headers,
    assert_oidc_error,
    assert_plain_headers,
    assert_same,
    matching,
    read_token,
)

if TYPE_CHECKING:
    import httpx
    from _pytest.mark.structures import ParameterSet

    from tests.support.server import RunningServer
    from tests.support.shop import Shop

GRANT = "grant_type=client_credentials"
HERE = f"{GRANT}&resource=<resource>"
FAILED = "client authentication failed"
NOT_ALLOWED = "requested grant type is not allowed for this client"
NOT_ASSOCIATED = "app has not associated with the organization"
NEITHER = "both `resource` and `organization_id` are not provided"
KID = matching("RFC 7638 thumbprint", "[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """
    A request that gets a token, and the scope it gets.
    """

    form: str
    scope: str | None
    authorization: str | None
    audience: str


def granted(
    id_: str,
    form: str,
    *,
    scope: str | None = None,
    authorization: str | None = BASIC,
    audience: str = "<resource>",
) -> ParameterSet:
    """
    Return a row named after its recording.
    """
    row = Granted(form=form, scope=scope, authorization=authorization, audience=audience)
    return pytest.param(row, id=id_)


BOTH = "read:products write:products"
READ = "read:products"
POST_AUTH = f"{HERE}&client_id=<id>&client_secret=<secret>"
MANAGEMENT = f"{GRANT}&resource={MANAGEMENT_RESOURCE}"
GRANTED = [
    granted("basic auth, resource, both scopes", f"{HERE}&scope={BOTH}", scope=BOTH),
    granted("basic auth, no scope", HERE),
    granted(
        "one assigned, one unassigned, one unknown scope",
        f"{HERE}&scope=read:products delete:products nope",
        scope=READ,
    ),
    granted("only unassigned scope", f"{HERE}&scope=delete:products"),
    granted("empty scope", f"{HERE}&scope="),
    granted("post auth", f"{POST_AUTH}&scope={READ}", authorization=None, scope=READ),
    granted("basic header and client_id in body (same)", f"{HERE}&client_id=<id>"),
    granted("lower-case basic scheme", HERE, authorization="basic <id:secret>"),
    granted("two resources (same twice)", f"{HERE}&resource=<resource>"),
    granted("management api, not assigned", f"{MANAGEMENT}&scope=all", audience=MANAGEMENT_RESOURCE),
    granted("unknown parameter", f"{HERE}&foo=bar"),
    granted("openid scope", f"{HERE}&scope=openid {READ}", scope=READ),
    granted("percent-encoded credentials in Basic", HERE, authorization="Basic <%id:%secret>"),
    granted(
        "scopes in the order of the request",
        f"{HERE}&scope=write:products {READ}",
        scope=f"write:products {READ}",
    ),
    granted("a scope asked for twice", f"{HERE}&scope={READ} {READ}", scope=READ),
    granted("empty organization_id", f"{HERE}&organization_id="),
    granted("foreign parameter twice", f"{HERE}&audience=a&audience=b"),
]


@pytest.mark.parametrize("row", GRANTED)
def test_recorded_request_is_granted(shop: Shop, row: Granted) -> None:
    """
    A recorded request that got a token gets one: same members, headers and claims, in the same order.
    """
    before = int(time.time())
    answer = shop.ask(row.form, authorization=row.authorization)
    assert_granted(shop, answer, scope=row.scope, audience=shop.fill(row.audience))
    assert before <= read_token(answer.json()["access_token"])[1]["iat"] <= time.time()


def test_json_body_is_granted(shop: Shop) -> None:
    """
    JSON body: members become form fields.
    """
    body = f'{{"grant_type": "client_credentials", "resource": "{shop.indicator}"}}'
    answer = shop.ask(body.encode(), headers={"content-type": "application/json"})
    assert_granted(shop, answer, scope=None, audience=shop.indicator)


@pytest.mark.parametrize("method", [pytest.param("GET", id="GET"), pytest.param("PUT", id="PUT")])
def test_other_method_is_an_unknown_route(shop: Shop, method: str) -> None:
    """
    GET, PUT: no route, told as JSON without CORS or cache headers.
    """
    answer = shop.server.http.request(method, "/oidc/token", headers={"authorization": shop.authorization(BASIC)})
    description = f"unrecognized route or not allowed method ({method} on /token)"
    assert_oidc_error(answer, 404, "invalid_request", description)
    assert_plain_headers(answer)
    assert "cache-control" not in answer.headers


def test_expired_secret_is_told_to_who_has_it(shop: Shop) -> None:
    """
    Expired secret: 400 without CORS headers or challenge, when the whole secret matched.
    """
    expires_at = int(time.time() * 1000) + 1500
    created = shop.server.management.post(
        f"/applications/{shop.application.id}/secrets", json={"name": "short", "expiresAt": expires_at}
    )
    secret = created.json()["value"]
    form = {"resource": shop.indicator}
    assert shop.server.token(shop.application.id, secret, **form).status_code == 200
    while time.time() * 1000 <= expires_at:
        time.sleep(0.05)
    answer = shop.server.token(shop.application.id, secret, **form)
    assert_oidc_error(answer, 400, "invalid_request", "client secret has expired")
    assert_plain_headers(answer)
    assert "www-authenticate" not in answer.headers
    wrong = shop.server.token(shop.application.id, f"{secret[:-1]}!", **form)
    assert_oidc_error(wrong, 401, "invalid_client", FAILED)


@pytest.mark.parametrize(
    ("kind", "redirects", "public"),
    [
        pytest.param("SPA", [], True, id="client credentials by a SPA (public client)"),
        pytest.param("SPA", ["https://x.example/cb"], True, id="client credentials by a SPA with a redirect URI"),
        pytest.param("Native", [], True, id="client credentials by a Native application"),
        pytest.param("Traditional", ["https://x.example/cb"], False, id="by a Traditional application"),
        pytest.param("Traditional", [], False, id="by a Traditional application without redirect URI"),
    ],
)
def test_other_application_types_may_not_use_the_grant(
    shop: Shop, kind: str, redirects: list[str], *, public: bool
) -> None:
    """
    An application that is no machine is refused after its authentication.
    """
    metadata = {"redirectUris": redirects, "postLogoutRedirectUris": []}
    application = create_application(shop.server, kind, oidcClientMetadata=metadata)
    if public:
        answer = shop.ask(f"{HERE}&client_id={application.id}", authorization=None)
    else:
        answer = shop.server.token(application.id, application.secret, resource=shop.indicator)
    assert_oidc_error(answer, 400, "invalid_request", NOT_ALLOWED)
    assert_oauth_headers(answer)


def test_default_resource_stands_in_for_a_missing_one(shop: Shop) -> None:
    """
    Client credentials without resource while a default is set: as if it had been sent, scopes included.
    """
    path = f"/resources/{shop.resource_id}/is-default"
    shop.server.management.patch(path, json={"isDefault": True}).raise_for_status()
    try:
        answer = shop.ask(f"{GRANT}&scope=read:products")
        assert_granted(shop, answer, scope="read:products", audience=shop.indicator)
        denied = shop.ask(f"{GRANT}&organization_id=nope")
        assert_oidc_error(denied, 403, "access_denied", NOT_ASSOCIATED)
    finally:
        shop.server.management.patch(path, json={"isDefault": False}).raise_for_status()
    assert_oidc_error(shop.ask(GRANT), 400, "invalid_target", NEITHER)


def test_lifetime_of_the_resource_counts_from_the_next_token(shop: Shop) -> None:
    """
    After `accessTokenTtl` was changed to 120, the next token lives 120 s.
    """
    path = f"/resources/{shop.resource_id}"
    shop.server.management.patch(path, json={"accessTokenTtl": 120}).raise_for_status()
    try:
        answer = shop.ask(f"{HERE}&scope=read:products")
        assert_granted(shop, answer, scope="read:products", audience=shop.indicator, expires_in=120)
    finally:
        shop.server.management.patch(path, json={"accessTokenTtl": 3600}).raise_for_status()


def test_management_token_has_the_scope_all(server: RunningServer) -> None:
    """
    Token response for the Management API: 3600 s, `Bearer`, scope `all`.
    """
    answer = server.token(server.application_id, server.application_secret, resource=MANAGEMENT_RESOURCE, scope="all")
    assert_same(
        answer.json(),
        {"access_token": TEXT_VALUE, "expires_in": 3600, "token_type": "Bearer", "scope": "all"},
    )


def assert_granted(
    shop: Shop, answer: httpx.Response, *, scope: str | None, audience: str, expires_in: int = 3600
) -> None:
    """
    Check a token answer of the shop's application whole: status, headers, members, token header, claims.
    """
    assert answer.status_code == 200, answer.text
    assert_oauth_headers(answer)
    assert answer.headers.get("pragma") == "no-cache"
    granted: dict[str, object] = {} if scope is None else {"scope": scope}
    body = answer.json()
    assert_same(body, {"access_token": TEXT_VALUE, "expires_in": expires_in, "token_type": "Bearer", **granted})
    header, claims = read_token(body["access_token"])
    assert_same(header, {"alg": "ES256", "typ": "at+jwt", "kid": KID})
    issued_at = claims["iat"]
    expected: dict[str, object] = {
        "jti": JTI,
        "sub": shop.application.id,
        "iat": issued_at,
        "exp": issued_at + expires_in,
        **granted,
        "client_id": shop.application.id,
        "iss": shop.server.issuer,
        "aud": audience,
    }
    assert_same(claims, expected)
