"""
Authlib: `OAuth2Session`, its asynchronous twin, and the check of a token by the JOSE libraries that go with it.
"""

import warnings
from typing import Any

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidClaimError
from joserfc.jwk import KeySet

from tests.support.server import MANAGEMENT_RESOURCE, RunningServer
from tests.support.shop import Shop

pytestmark = pytest.mark.e2e

METHODS = ["client_secret_basic", "client_secret_post"]


def session(shop: Shop, method: str = METHODS[0], secret: str | None = None) -> Any:  # noqa: ANN401 - it has no types
    """
    Return a session with the shop's application's credentials.
    """
    return OAuth2Session(
        shop.application.id,
        shop.application.secret if secret is None else secret,
        token_endpoint_auth_method=method,
        scope="read:products write:products",
    )


def fetch(client: Any, shop: Shop, **form: str) -> dict[str, Any]:  # noqa: ANN401 - it has no types
    """
    Fetch a token the way Authlib's documentation does.
    """
    token: dict[str, Any] = client.fetch_token(
        f"{shop.server.issuer}/token", grant_type="client_credentials", **{"resource": shop.indicator} | form
    )
    return token


def published_keys(shop: Shop) -> Any:  # noqa: ANN401 - a JSON value
    """
    Return the document at `jwks_uri`.
    """
    return requests.get(f"{shop.server.issuer}/jwks", timeout=20).json()


@pytest.mark.parametrize("method", METHODS)
def test_session_fetches_a_token(shop: Shop, method: str) -> None:
    """
    By either method; the session knows when the token ends.
    """
    with session(shop, method) as client:
        token = fetch(client, shop)
        assert token["scope"] == "read:products write:products"
        assert token["token_type"] == "Bearer"
        assert not client.token.is_expired()


@pytest.mark.parametrize("method", METHODS)
async def test_asynchronous_client_fetches_a_token(shop: Shop, method: str) -> None:
    """
    The client on httpx does the same.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from authlib.integrations.httpx_client import AsyncOAuth2Client  # noqa: PLC0415 - importing it warns

    async with AsyncOAuth2Client(
        shop.application.id, shop.application.secret, token_endpoint_auth_method=method, trust_env=False
    ) as client:
        token = await client.fetch_token(
            f"{shop.server.issuer}/token",
            grant_type="client_credentials",
            resource=shop.indicator,
            scope="read:products",
        )
    assert token["scope"] == "read:products"


@pytest.mark.parametrize("method", METHODS)
def test_wrong_secret_is_seen_as_invalid_client(shop: Shop, method: str) -> None:
    """
    Error and description reach the exception.
    """
    with session(shop, method, secret="wrong") as client, pytest.raises(OAuthError) as refused:
        fetch(client, shop)
    assert refused.value.error == "invalid_client"
    assert refused.value.description == "client authentication failed"


def test_wrong_resource_is_seen_as_invalid_target(shop: Shop) -> None:
    """
    RFC 8707's error reaches the exception.
    """
    with session(shop) as client, pytest.raises(OAuthError) as refused:
        fetch(client, shop, resource="https://nowhere.example")
    assert refused.value.error == "invalid_target"


def test_session_calls_the_management_api(server: RunningServer) -> None:
    """
    What the session sends of its token is accepted at `/api`.
    """
    with OAuth2Session(server.application_id, server.application_secret, scope="all") as client:
        client.fetch_token(f"{server.issuer}/token", grant_type="client_credentials", resource=MANAGEMENT_RESOURCE)
        answer = client.get(f"{server.endpoint}/api/applications", timeout=20)
    assert answer.status_code == 200
    assert server.application_id in [application["id"] for application in answer.json()]


def test_joserfc_verifies_the_token(signed_shop: tuple[str, Shop]) -> None:
    """
    The published key set is imported whole, and finds the key of each algorithm by its id.
    """
    algorithm, shop = signed_shop
    with session(shop) as client:
        compact = fetch(client, shop)["access_token"]
    token = jwt.decode(compact, KeySet.import_key_set(published_keys(shop)), algorithms=[algorithm])
    assert token.header["typ"] == "at+jwt"
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": shop.server.issuer},
        aud={"essential": True, "value": shop.indicator},
        client_id={"essential": True, "value": shop.application.id},
        exp={"essential": True},
    ).validate(token.claims)
    with pytest.raises(InvalidClaimError):
        jwt.JWTClaimsRegistry(aud={"essential": True, "value": "https://other.api"}).validate(token.claims)


def test_joserfc_refuses_a_tampered_token(shop: Shop) -> None:
    """
    The claims of one token with the signature of another don't pass.
    """
    with session(shop) as client:
        signed = fetch(client, shop)["access_token"].rpartition(".")[0]
        foreign = fetch(client, shop)["access_token"].rpartition(".")[2]
    with pytest.raises(BadSignatureError):
        jwt.decode(f"{signed}.{foreign}", KeySet.import_key_set(published_keys(shop)), algorithms=["ES256"])


def test_older_jose_of_authlib_verifies_the_token(signed_shop: tuple[str, Shop]) -> None:
    """
    `authlib.jose` is on its way out, but programs that use it are still there.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from authlib.jose import JsonWebKey, JsonWebToken  # noqa: PLC0415 - importing it warns

    algorithm, shop = signed_shop
    with session(shop) as client:
        compact = fetch(client, shop)["access_token"]
    claims = JsonWebToken([algorithm]).decode(
        compact,
        JsonWebKey.import_key_set(published_keys(shop)),
        claims_options={
            "iss": {"essential": True, "value": shop.server.issuer},
            "aud": {"essential": True, "value": shop.indicator},
        },
    )
    claims.validate()
    assert claims["scope"] == "read:products write:products"
