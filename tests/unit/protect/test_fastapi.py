"""
The FastAPI adapter on a real app.
"""

import asyncio
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI

from tests.unit.protect.issuer import AUDIENCE, FakeIssuer, unreachable
from watchword.protect import AccessToken
from watchword.protect.fastapi import Protect

REALM = f'Bearer realm="{AUDIENCE}"'


def make_app(issuer: FakeIssuer) -> FastAPI:
    """
    Make the shop of the guide.
    """
    protect = Protect(issuer.verifier())
    app = FastAPI()

    @app.get("/products")
    async def products(token: Annotated[AccessToken, Depends(protect("read:products"))]) -> dict[str, str]:
        return {"caller": token.client_id}

    @app.post("/products", dependencies=[Depends(protect("write:products"))])
    async def add_product() -> None:
        return None

    @app.get("/whoami")
    def whoami(token: Annotated[AccessToken, Depends(protect())]) -> str:
        return token.subject

    @app.get("/open")
    def open_to_all() -> str:
        return "open"

    return app


def call(app: FastAPI, method: str, path: str, *headers: tuple[str, str]) -> httpx.Response:
    """
    Send one request to an app.
    """

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.request(method, path, headers=list(headers))

    return asyncio.run(send())


def test_good_token_is_let_in(issuer: FakeIssuer) -> None:
    """
    A request with the right scope reaches the route, which sees who calls.
    """
    app, bearer = make_app(issuer), ("Authorization", f"Bearer {issuer.token()}")
    assert call(app, "GET", "/products", bearer).json() == {"caller": "app"}
    assert call(app, "GET", "/whoami", bearer).json() == "app"
    assert call(app, "GET", "/open").json() == "open"
    assert len(issuer.requests) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "challenge", "error"),
    [
        pytest.param("GET", "/products", [], 401, REALM, None, id="no token"),
        pytest.param("GET", "/products", ["Basic aWQ6cw=="], 401, REALM, None, id="another scheme"),
        pytest.param(
            "GET",
            "/products",
            ["Bearer abc"],
            401,
            f'{REALM}, error="invalid_token", error_description="the access token is malformed"',
            "invalid_token",
            id="garbage",
        ),
        pytest.param(
            "GET",
            "/products",
            ["Bearer a", "Bearer b"],
            400,
            f'{REALM}, error="invalid_request", error_description="the Authorization header must not be sent twice"',
            "invalid_request",
            id="two headers",
        ),
        pytest.param(
            "POST",
            "/products",
            ["Bearer {good}"],
            403,
            f'{REALM}, error="insufficient_scope", '
            'error_description="the access token does not have the required scope", '
            'scope="write:products"',
            "insufficient_scope",
            id="read-only token",
        ),
        pytest.param(
            "GET",
            "/whoami",
            ["Bearer {tampered}"],
            401,
            f'{REALM}, error="invalid_token", error_description="the signature of the access token is wrong"',
            "invalid_token",
            id="tampered",
        ),
    ],
)
def test_refusal_speaks_rfc_6750(
    *,
    issuer: FakeIssuer,
    method: str,
    path: str,
    headers: list[str],
    status: int,
    challenge: str,
    error: str | None,
) -> None:
    """
    Every refusal has its status, its challenge and a JSON body with the same code.
    """
    good = issuer.token()
    tampered = good[:-10] + ("A" if good[-10] != "A" else "B") + good[-9:]
    sent = [("Authorization", header.format(good=good, tampered=tampered)) for header in headers]
    answer = call(make_app(issuer), method, path, *sent)
    assert answer.status_code == status
    assert answer.headers.get_list("www-authenticate") == [challenge]
    assert answer.json()["detail"].get("error") == error
    assert answer.json()["detail"]["error_description"]


def test_unreachable_issuer_is_503(issuer: FakeIssuer) -> None:
    """
    Where the issuer can't be reached, the answer is 503 with a time to come back and no challenge.
    """
    issuer.failing = unreachable
    answer = call(make_app(issuer), "GET", "/products", ("Authorization", f"Bearer {issuer.token()}"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "www-authenticate" not in answer.headers
    assert answer.json()["detail"]["error"] == "temporarily_unavailable"


def test_openapi_tells_how_to_authenticate(issuer: FakeIssuer) -> None:
    """
    The OpenAPI document names the Bearer scheme, on the protected operations only.
    """
    document = make_app(issuer).openapi()
    scheme = document["components"]["securitySchemes"]["AccessToken"]
    assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
    assert AUDIENCE in scheme["description"]
    for method in ("get", "post"):
        assert document["paths"]["/products"][method]["security"] == [{"AccessToken": []}]
    assert "security" not in document["paths"]["/open"]["get"]


def test_same_scopes_are_the_same_dependency(issuer: FakeIssuer) -> None:
    """
    FastAPI runs a dependency once a request: equal ones are one object, whatever the order or spelling.
    """
    protect = Protect(issuer.verifier())
    assert protect("a", "b") is protect("b a")
    assert protect("a") is not protect("b")
