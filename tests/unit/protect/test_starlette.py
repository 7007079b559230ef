"""
The Starlette adapter on a real app.
"""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.unit.protect.issuer import AUDIENCE, FakeIssuer
from watchword.protect.starlette import authenticate


def call(issuer: FakeIssuer, *headers: tuple[str, str]) -> httpx.Response:
    """
    Send one request to an app with one protected route.
    """
    verifier = issuer.verifier()

    async def products(request: Request) -> JSONResponse:
        token = await authenticate(request, verifier, "read:products")
        return JSONResponse({"caller": token.client_id})

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=Starlette(routes=[Route("/products", products)]))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.get("/products", headers=list(headers))

    return asyncio.run(send())


def test_good_token_is_let_in(issuer: FakeIssuer) -> None:
    """
    A request with the right scope reaches the route.
    """
    assert call(issuer, ("Authorization", f"Bearer {issuer.token()}")).json() == {"caller": "app"}


@pytest.mark.parametrize(
    ("claims", "status", "error"),
    [
        pytest.param(None, 401, None, id="no token"),
        pytest.param({"exp": 0}, 401, "invalid_token", id="expired"),
        pytest.param({"scope": ...}, 403, "insufficient_scope", id="no scope"),
    ],
)
def test_refusal_is_json(issuer: FakeIssuer, claims: dict[str, object] | None, status: int, error: str | None) -> None:
    """
    Every refusal has its status, its challenge and a JSON body.
    """
    headers = [] if claims is None else [("Authorization", f"Bearer {issuer.token(claims=claims)}")]
    answer = call(issuer, *headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.headers["www-authenticate"].startswith(f'Bearer realm="{AUDIENCE}"')
    assert ("error=" in answer.headers["www-authenticate"]) is (error is not None)
    assert answer.json().get("error") == error
