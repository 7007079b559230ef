"""
npm `jose`: an API's check of our tokens against our published keys.
"""

from typing import Any

import pytest

from tests.e2e.clients.scripts import run_script
from tests.e2e.signed_shop import create_signed_shop
from tests.support.server import RunningServer
from tests.support.shop import Shop

pytestmark = pytest.mark.e2e


def fetch_token(shop: Shop) -> str:
    """
    Return a token for the shop's API.
    """
    token: str = shop.request_token(scope="read:products").json()["access_token"]
    return token


def verify(shop: Shop, *tokens: str, at: str | None = None, **options: object) -> dict[str, Any]:
    """
    Verify tokens with the checks that an API of the shop makes; options replace them.

    Args:
        at: The moment to verify for, as an ISO date; None is now.
    """
    checks = {"issuer": shop.server.issuer, "audience": shop.indicator, "typ": "at+jwt"}
    moment = {} if at is None else {"at": at}
    jwks = f"{shop.server.issuer}/jwks"
    return run_script("jose_verify", "verify", jwks=jwks, tokens=tokens, options=checks | options, **moment)


def test_token_is_verified_against_the_published_keys(signed_shop: tuple[str, Shop]) -> None:
    """
    Issuer, audience, type and pinned algorithm hold, whichever algorithm the resource has.
    """
    algorithm, shop = signed_shop
    [found] = verify(shop, fetch_token(shop), algorithms=[algorithm])["verified"]
    assert list(found["header"]) == ["alg", "typ", "kid"]
    assert found["header"]["alg"] == algorithm
    assert found["payload"]["client_id"] == found["payload"]["sub"] == shop.application.id
    assert found["payload"]["scope"] == "read:products"


def test_one_key_set_serves_every_algorithm(server: RunningServer) -> None:
    """
    A program that takes tokens of several APIs needs the one address.
    """
    shops = [create_signed_shop(server, algorithm) for algorithm in ("ES256", "ES384", "RS256", None)]
    tokens = [fetch_token(shop) for shop in shops]
    told = verify(shops[0], *tokens, audience=[shop.indicator for shop in shops])
    assert [found["header"]["alg"] for found in told["verified"]] == ["ES256", "ES384", "RS256", "ES256"]


@pytest.mark.parametrize(
    ("options", "code", "claim"),
    [
        pytest.param({"audience": "https://other.api"}, "ERR_JWT_CLAIM_VALIDATION_FAILED", "aud", id="audience"),
        pytest.param({"issuer": "http://other/oidc"}, "ERR_JWT_CLAIM_VALIDATION_FAILED", "iss", id="issuer"),
        pytest.param({"typ": "JWT"}, "ERR_JWT_CLAIM_VALIDATION_FAILED", "typ", id="an ID token's type"),
        pytest.param({"algorithms": ["RS256"]}, "ERR_JOSE_ALG_NOT_ALLOWED", None, id="another algorithm pinned"),
        pytest.param({"at": "2100-01-01T00:00:00Z"}, "ERR_JWT_EXPIRED", "exp", id="expired"),
    ],
)
def test_check_that_does_not_hold_is_named(shop: Shop, options: dict[str, Any], code: str, claim: str | None) -> None:
    """
    Each claim is there to be checked, and the library says which one failed.
    """
    thrown = verify(shop, fetch_token(shop), **options)["thrown"]
    assert thrown["code"] == code
    assert thrown.get("claim") == claim


def test_tampered_token_is_refused(signed_shop: tuple[str, Shop]) -> None:
    """
    The claims of one token with the signature of another don't pass.
    """
    _, shop = signed_shop
    signed = fetch_token(shop).rpartition(".")[0]
    foreign = fetch_token(shop).rpartition(".")[2]
    assert verify(shop, f"{signed}.{foreign}")["thrown"]["code"] == "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"
