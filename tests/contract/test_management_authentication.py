"""
Who may call the Management API, and what everybody else is told (core §1.1; RFC 6750 where it is not overridden).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.server import MANAGEMENT_RESOURCE
from tests.support.shop import Application, create_application
from tests.support.wire import assert_answer

if TYPE_CHECKING:
    import httpx

    from tests.support.server import RunningServer
    from tests.support.shop import Shop

MISSING = {"code": "auth.authorization_header_missing", "message": "Authorization header is missing."}
WRONG_SCHEME = {
    "code": "auth.authorization_token_type_not_supported",
    "data": {"supportedTypes": ["Bearer"]},
    "message": "Authorization type is not supported.",
}
FORBIDDEN = {
    "code": "auth.forbidden",
    "message": "Forbidden. Please check your user roles and permissions.",
}
UNAUTHORIZED = "Unauthorized. Please check credentials and its scope."


def unauthorized(**data: str) -> dict[str, object]:
    """
    Return the error of a token that does not verify.
    """
    return {"code": "auth.unauthorized", "data": data, "message": UNAUTHORIZED}


def ask(server: RunningServer, authorization: str | None, path: str = "/applications") -> httpx.Response:
    """
    Call the Management API with this header.
    """
    headers = {} if authorization is None else {"authorization": authorization}
    return server.http.get(f"/api{path}", headers=headers)


def management_token(server: RunningServer, application: Application, scope: str = "all") -> str:
    """
    Fetch a token for the Management API.
    """
    answer = server.token(application.id, application.secret, resource=MANAGEMENT_RESOURCE, scope=scope)
    token: str = answer.json()["access_token"]
    return token


@pytest.fixture
def administrator(server: RunningServer) -> Application:
    """
    Create an application that has the pre-configured role.
    """
    application = create_application(server)
    server.management.patch(f"/applications/{application.id}", json={"isAdmin": True}).raise_for_status()
    return application


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        pytest.param(None, MISSING, id="no token"),
        pytest.param("Basic abc", WRONG_SCHEME, id="wrong scheme"),
        pytest.param("bearer abc", WRONG_SCHEME, id="scheme in lower case"),
        pytest.param("DPoP abc", WRONG_SCHEME, id="scheme that comes later"),
        pytest.param("Bearer abc", unauthorized(code="ERR_JWS_INVALID", name="JWSInvalid"), id="garbage token"),
    ],
)
def test_without_a_token_nobody_comes_in(
    server: RunningServer, authorization: str | None, expected: dict[str, object]
) -> None:
    """
    No token, a wrong scheme, or garbage: 401 as recorded, without a challenge.
    """
    answer = ask(server, authorization)
    assert_answer(answer, 401, expected)
    assert "www-authenticate" not in answer.headers


def test_token_for_another_resource(shop: Shop) -> None:
    """
    Token for another resource: 401 that names the claim, and echoes no claims.
    """
    token = shop.request_token(scope="read:products").json()["access_token"]
    expected = unauthorized(
        code="ERR_JWT_CLAIM_VALIDATION_FAILED",
        name="JWTClaimValidationFailed",
        claim="aud",
        reason="check_failed",
    )
    assert_answer(ask(shop.server, f"Bearer {token}"), 401, expected)


def test_management_token_without_scope_all(shop: Shop) -> None:
    """
    Management token without scope all: 403, for any application whose roles do not give it.
    """
    token = management_token(shop.server, shop.application)
    assert_answer(ask(shop.server, f"Bearer {token}"), 403, FORBIDDEN)


def test_scope_that_was_not_asked_for_is_missing(server: RunningServer, administrator: Application) -> None:
    """
    The role alone is not enough: a token that was fetched without `all` is 403.
    """
    token = management_token(server, administrator, scope="")
    assert_answer(ask(server, f"Bearer {token}"), 403, FORBIDDEN)


def test_management_token_with_scope_all(server: RunningServer, administrator: Application) -> None:
    """
    Management token with scope all: the list.
    """
    answer = ask(server, f"Bearer {management_token(server, administrator)}", "/applications?page=1&page_size=2")
    assert answer.status_code == 200
    assert int(answer.headers["total-number"]) >= 2
    assert len(answer.json()) == 2


@pytest.mark.parametrize(
    ("method", "query", "body"),
    [
        pytest.param("GET", {"access_token": "TOKEN"}, None, id="RFC 6750 2.3 the URI query is not read"),
        pytest.param("POST", {}, {"access_token": "TOKEN"}, id="RFC 6750 2.2 the form body is not read"),
    ],
)
def test_token_counts_only_in_the_header(
    server: RunningServer, method: str, query: dict[str, str], body: dict[str, str] | None
) -> None:
    """
    RFC 6750 §2.1: the Authorization header is the one way in.
    """
    token = management_token(server, Application(id=server.application_id, secret=server.application_secret))
    answer = server.http.request(
        method,
        "/api/applications",
        params=dict.fromkeys(query, token),
        data=None if body is None else dict.fromkeys(body, token),
    )
    assert_answer(answer, 401, MISSING)


def test_two_authorization_headers_are_refused(server: RunningServer) -> None:
    """
    RFC 9110 §5.3: two headers are no list, even when both are right.
    """
    header = ("authorization", server.management.headers["authorization"])
    answer = server.http.get("/api/applications", headers=[header, header])
    assert answer.status_code in {400, 401}
    assert answer.json()["code"]


@pytest.mark.parametrize("path", ["/status", "/swagger.json"])
def test_open_paths_need_no_token(server: RunningServer, path: str) -> None:
    """
    Status and the OpenAPI document are for everybody.
    """
    assert ask(server, None, path).is_success


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/applications"),
        ("POST", "/applications"),
        ("GET", "/applications/x"),
        ("PATCH", "/applications/x"),
        ("DELETE", "/applications/x"),
        ("DELETE", "/applications/x/legacy-secret"),
        ("PATCH", "/applications/x/custom-data"),
        ("GET", "/applications/x/secrets"),
        ("POST", "/applications/x/secrets"),
        ("PATCH", "/applications/x/secrets/y"),
        ("DELETE", "/applications/x/secrets/y"),
        ("GET", "/applications/x/roles"),
        ("POST", "/applications/x/roles"),
        ("PUT", "/applications/x/roles"),
        ("DELETE", "/applications/x/roles/y"),
        ("GET", "/resources"),
        ("POST", "/resources"),
        ("GET", "/resources/x"),
        ("PATCH", "/resources/x"),
        ("DELETE", "/resources/x"),
        ("PATCH", "/resources/x/is-default"),
        ("GET", "/resources/x/scopes"),
        ("POST", "/resources/x/scopes"),
        ("PATCH", "/resources/x/scopes/y"),
        ("DELETE", "/resources/x/scopes/y"),
        ("GET", "/roles"),
        ("POST", "/roles"),
        ("GET", "/roles/x"),
        ("PATCH", "/roles/x"),
        ("DELETE", "/roles/x"),
        ("GET", "/roles/x/scopes"),
        ("POST", "/roles/x/scopes"),
        ("DELETE", "/roles/x/scopes/y"),
        ("GET", "/roles/x/applications"),
        ("POST", "/roles/x/applications"),
        ("DELETE", "/roles/x/applications/y"),
        ("GET", "/users"),
        ("POST", "/users"),
        ("GET", "/users/x"),
        ("PATCH", "/users/x"),
        ("DELETE", "/users/x"),
        ("GET", "/users/x/custom-data"),
        ("PATCH", "/users/x/custom-data"),
        ("GET", "/logs"),
        ("GET", "/logs/x"),
    ],
)
def test_every_route_asks_for_the_token(shop: Shop, method: str, path: str) -> None:
    """
    No route works without a token (401), nor with one that lacks `all` (403), before anything else is looked at.
    """
    weak = management_token(shop.server, shop.application)
    bare = shop.server.http.request(method, f"/api{path}?page=0", content=b"{bad")
    assert_answer(bare, 401, MISSING)
    powerless = shop.server.http.request(
        method, f"/api{path}?page=0", content=b"{bad", headers={"authorization": f"Bearer {weak}"}
    )
    assert_answer(powerless, 403, FORBIDDEN)
