"""
The products API, tested as you would test your own: no server, a key of the test's, tokens that it signs.
"""
# ruff: noqa: S101 - pytest's assert

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import httpx
import pytest
from joserfc import jwk, jwt

from watchword.cli.quickstart.products_api import create_app
from watchword.protect import Verifier

ISSUER, AUDIENCE = "https://id.example.com/oidc", "https://shopping.api"
KEY = jwk.ECKey.generate_key("P-256", {"kid": "test", "alg": "ES256", "use": "sig"})
FOREIGN_KEY = jwk.ECKey.generate_key("P-256", {"kid": "test", "alg": "ES256", "use": "sig"})
NEW_PRODUCT = {"name": "Teaspoon", "price": 300}


@pytest.fixture
async def api() -> AsyncIterator[httpx.AsyncClient]:
    """
    Serve the API in this process; the issuer's keys are answered from memory.
    """
    keys = httpx.MockTransport(lambda _: httpx.Response(200, json={"keys": [KEY.as_dict(private=False)]}))
    verifier = Verifier(issuer=ISSUER, audience=AUDIENCE, async_http=lambda: httpx.AsyncClient(transport=keys))
    transport = httpx.ASGITransport(app=create_app(verifier))
    async with httpx.AsyncClient(transport=transport, base_url="https://api.example.com") as client:
        yield client


def bearer(scope: str, changed: Mapping[str, object] | None = None, *, key: jwk.ECKey = KEY) -> dict[str, str]:
    """
    Sign a token as the issuer does and return the header that carries it.
    """
    now = int(datetime.now(UTC).timestamp())
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "an-application",
        "client_id": "an-application",
        "jti": "a-token",
        "iat": now,
        "exp": now + 60,
        "scope": scope,
    }
    token = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "test"}, claims | dict(changed or {}), key)
    return {"Authorization": f"Bearer {token}"}


async def test_read_permission_reads(api: httpx.AsyncClient) -> None:
    """
    A token with `read:products` gets the list.
    """
    answer = await api.get("/products", headers=bearer("read:products"))
    assert answer.status_code == 200
    assert [product["name"] for product in answer.json()] == ["Tea", "Teapot"]


async def test_write_permission_writes(api: httpx.AsyncClient) -> None:
    """
    What a token with `write:products` adds is in the list, with the application that added it.
    """
    answer = await api.post("/products", json=NEW_PRODUCT, headers=bearer("write:products"))
    assert answer.status_code == 201
    listed = await api.get("/products", headers=bearer("read:products"))
    assert listed.json()[-1] == {**NEW_PRODUCT, "id": 3, "added_by": "an-application"}


async def test_read_permission_does_not_write(api: httpx.AsyncClient) -> None:
    """
    The answer says which permission is missing, and nothing is added.
    """
    answer = await api.post("/products", json=NEW_PRODUCT, headers=bearer("read:products"))
    assert answer.status_code == 403
    challenge = answer.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="write:products"' in challenge
    assert len((await api.get("/products", headers=bearer("read:products"))).json()) == 2


async def test_no_token_is_asked_for_one(api: httpx.AsyncClient) -> None:
    """
    Without a token the header names the API, and no error: nothing was wrong yet.
    """
    answer = await api.get("/products")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == f'Bearer realm="{AUDIENCE}"'


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"exp": 1_000_000_000}, id="expired"),
        pytest.param({"iss": "https://other.example.com/oidc"}, id="another issuer"),
        pytest.param({"aud": "https://other.api"}, id="for another API"),
    ],
)
async def test_token_that_is_not_for_here_is_refused(api: httpx.AsyncClient, changed: dict[str, object]) -> None:
    """
    Well signed is not enough.
    """
    answer = await api.get("/products", headers=bearer("read:products", changed))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_foreign_signature_is_refused(api: httpx.AsyncClient) -> None:
    """
    A token that somebody else signed passes nowhere, whatever it says.
    """
    answer = await api.get("/products", headers=bearer("read:products", key=FOREIGN_KEY))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
