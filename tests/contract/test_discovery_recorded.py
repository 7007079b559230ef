"""
Keys, discovery documents and unknown paths under `/oidc`: recorded exchanges, caching, and headers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.wire import JSON, assert_oidc_error, assert_plain_headers, assert_same, matching

if TYPE_CHECKING:
    from tests.support.server import RunningServer

JWKS = "/oidc/jwks"
OPENID = "/oidc/.well-known/openid-configuration"
OAUTH = "/.well-known/oauth-authorization-server/oidc"
OAUTH_BELOW_THE_ISSUER = "/oidc/.well-known/oauth-authorization-server"
DOCUMENTS = [OPENID, OAUTH, OAUTH_BELOW_THE_ISSUER]
COORDINATE = matching("coordinate of P-256", "[A-Za-z0-9_-]{43}")
# The order in which the reference's document lists its members.
REFERENCE_ORDER = [
    "claims_parameter_supported",
    "claims_supported",
    "grant_types_supported",
    "issuer",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint",
    "id_token_signing_alg_values_supported",
    "request_uri_parameter_supported",
]
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "strict-origin-when-cross-origin",
    "cross-origin-resource-policy": "same-origin",
}


def test_jwks(server: RunningServer) -> None:
    """
    JWKS: EC keys with `alg`, in the recorded order of members, cacheable and open to every origin.
    """
    answer = server.http.get(JWKS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/jwk-set+json; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert re.fullmatch(r"public, max-age=[1-9][0-9]*(, .*)?", answer.headers["cache-control"])
    key = {
        "kty": "EC",
        "use": "sig",
        "kid": matching("thumbprint", "[A-Za-z0-9_-]{43}"),
        "alg": "ES256",
        "crv": "P-256",
        "x": COORDINATE,
        "y": COORDINATE,
    }
    document = answer.json()
    assert_same(document, {"keys": [key] * len(document["keys"])})


@pytest.mark.parametrize("path", DOCUMENTS)
def test_discovery_document(server: RunningServer, path: str) -> None:
    """
    Discovery: true of this server, built from the configured endpoint, in the reference's order.
    """
    answer = server.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == JSON
    assert answer.headers["access-control-allow-origin"] == "*"
    document = answer.json()
    assert document["issuer"] == server.issuer
    assert document["token_endpoint"] == f"{server.issuer}/token"
    assert document["jwks_uri"] == f"{server.issuer}/jwks"
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["response_types_supported"] == []
    assert document["subject_types_supported"] == ["public"]
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
    assert document["request_uri_parameter_supported"] is False
    assert document.get("claims_parameter_supported", False) is False
    known = [name for name in REFERENCE_ORDER if name in document]
    assert [name for name in document if name in REFERENCE_ORDER] == known


@pytest.mark.parametrize(
    "name",
    [
        "authorization_endpoint",
        "device_authorization_endpoint",
        "code_challenge_methods_supported",
        "end_session_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "userinfo_endpoint",
        "registration_endpoint",
        "pushed_authorization_request_endpoint",
        "scopes_supported",
        "response_modes_supported",
        "token_endpoint_auth_signing_alg_values_supported",
    ],
)
def test_discovery_claims_nothing_that_is_not_there(server: RunningServer, name: str) -> None:
    """
    What only sign-in uses, or what is not built, is not in the document.
    """
    assert name not in server.http.get(OPENID).json()


def test_both_documents_are_the_same(server: RunningServer) -> None:
    """
    OpenID's document and RFC 8414's are one.
    """
    documents = [server.http.get(path).json() for path in DOCUMENTS]
    assert documents[0] == documents[1] == documents[2]


def test_documents_are_cacheable(server: RunningServer) -> None:
    """
    Clients may keep the documents for a while.
    """
    for path in (OPENID, OAUTH):
        assert "max-age=" in server.http.get(path).headers["cache-control"]


@pytest.mark.parametrize("path", [JWKS, OPENID, OAUTH])
def test_unchanged_document_is_304(server: RunningServer, path: str) -> None:
    """
    `If-None-Match` with the `ETag`, its weak form, a list or `*` gets 304 without a body.
    """
    etag = server.http.get(path).headers["etag"]
    weak = etag if etag.startswith("W/") else f"W/{etag}"
    for condition in (etag, weak, f'"other", {etag}', "*"):
        answer = server.http.get(path, headers={"if-none-match": condition})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert server.http.get(path, headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", [JWKS, OPENID, OAUTH])
def test_head_is_get_without_a_body(server: RunningServer, path: str) -> None:
    """
    HEAD answers with the headers of GET.
    """
    got, head = server.http.get(path), server.http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "cache-control", "etag", "access-control-allow-origin"):
        assert head.headers.get(name) == got.headers.get(name)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/nothing", id="unknown oidc path"),
        pytest.param("POST", "/nothing", id="POST to an unknown path"),
        pytest.param("GET", "/token", id="GET"),
        pytest.param("PUT", "/token", id="PUT"),
        pytest.param("PATCH", "/token", id="PATCH"),
        pytest.param("DELETE", "/token", id="DELETE"),
        pytest.param("POST", "/jwks", id="POST to the keys"),
        pytest.param("PUT", "/jwks", id="PUT to the keys"),
        pytest.param("POST", "/.well-known/openid-configuration", id="POST to the discovery document"),
        pytest.param("POST", "/token/introspection", id="introspection comes later"),
        pytest.param("POST", "/token/revocation", id="revocation comes later"),
        pytest.param("GET", "/me", id="userinfo comes later"),
        pytest.param("POST", "/me", id="userinfo by POST comes later"),
        pytest.param("GET", "/auth", id="authorization endpoint of sign-in"),
        pytest.param("POST", "/request", id="pushed authorization requests of sign-in"),
        pytest.param("POST", "/device/auth", id="device authorization of sign-in"),
        pytest.param("GET", "/session/end", id="end of a session"),
        pytest.param("POST", "/register", id="dynamic registration"),
        pytest.param("GET", "/token/x", id="below the token endpoint"),
        pytest.param("GET", "/", id="the issuer with a slash"),
    ],
)
def test_unknown_route_is_404(server: RunningServer, method: str, path: str) -> None:
    """
    An unknown path, or a method without a route: 404 JSON, no CORS, no cache header, no `Allow`.
    """
    answer = server.http.request(method, f"/oidc{path}")
    told = f"unrecognized route or not allowed method ({method} on {path})"
    assert_oidc_error(answer, 404, "invalid_request", told)
    assert_plain_headers(answer)
    assert "cache-control" not in answer.headers


def test_head_on_the_token_endpoint_is_404(server: RunningServer) -> None:
    """
    HEAD has no route where only POST has one.
    """
    answer = server.http.head("/oidc/token")
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_hostile_path_is_told_without_harm(server: RunningServer, method: str) -> None:
    """
    The path comes back in the error only as RFC 6749 §5.2 allows: no quotes, backslashes or controls.
    """
    answer = server.http.request(method, '/oidc/a"b\\c%0d%0aX: y/<script>%00')
    assert answer.status_code == 404
    told = answer.json()["error_description"]
    assert not set(told) & set('"\\\r\n\x00')
    assert "x" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", JWKS),
        ("GET", OPENID),
        ("GET", OAUTH),
        ("POST", "/oidc/token"),
        ("GET", "/oidc/nothing"),
        ("OPTIONS", "/oidc/token"),
        ("GET", "/api/status"),
        ("GET", "/api/applications"),
        ("GET", "/api/nothing"),
        ("DELETE", "/api/applications"),
        ("GET", "/api/swagger.json"),
        ("GET", "/nothing"),
        ("GET", "/health/ready"),
        ("GET", "/health/live"),
    ],
)
def test_every_answer_has_the_security_headers(server: RunningServer, method: str, path: str) -> None:
    """
    Sniffing, framing, referrers, cross-origin reads and plain HTTP are ruled out everywhere.
    """
    answer = server.http.request(method, path, headers={"origin": "https://x.example"})
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "strict-transport-security" not in answer.headers  # RFC 6797 §7.2: not over plain http


def test_health_is_told(server: RunningServer) -> None:
    """
    Ready and live answer 200 while tokens can be had.
    """
    assert server.http.get("/health/ready").status_code == 200
    assert server.http.get("/health/live").status_code == 200
