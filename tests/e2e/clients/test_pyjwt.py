"""
PyJWT: `PyJWKClient` finds the key, `jwt.decode` makes the checks.
"""

import jwt
import pytest

from tests.support.shop import Shop

pytestmark = pytest.mark.e2e

REQUIRED = ["iss", "aud", "exp", "iat", "sub", "jti", "client_id"]


def fetch_token(shop: Shop) -> str:
    """
    Return a token for the shop's API.
    """
    token: str = shop.request_token(scope="read:products").json()["access_token"]
    return token


def decode(shop: Shop, token: str, *algorithms: str, audience: str | None = None) -> dict[str, object]:
    """
    Verify a token as an API does that pins these algorithms.
    """
    key = jwt.PyJWKClient(f"{shop.server.issuer}/jwks").get_signing_key_from_jwt(token)
    claims: dict[str, object] = jwt.decode(
        token,
        key,
        algorithms=list(algorithms),
        audience=audience or shop.indicator,
        issuer=shop.server.issuer,
        options={"require": REQUIRED},
    )
    return claims


def test_token_is_verified_against_the_published_keys(signed_shop: tuple[str, Shop]) -> None:
    """
    All claims of RFC 9068 are there and hold, whichever algorithm the resource has.
    """
    algorithm, shop = signed_shop
    claims = decode(shop, fetch_token(shop), algorithm)
    assert claims["sub"] == claims["client_id"] == shop.application.id
    assert claims["scope"] == "read:products"


def test_published_keys_name_their_algorithm_and_use(shop: Shop) -> None:
    """
    PyJWT picks keys by `use`, and takes the algorithm from the key.
    """
    keys = jwt.PyJWKClient(f"{shop.server.issuer}/jwks").get_signing_keys()
    assert {key.algorithm_name for key in keys} >= {"ES256"}
    assert {key.public_key_use for key in keys} == {"sig"}
    assert len({key.key_id for key in keys}) == len(keys)


def test_token_of_another_api_is_refused(shop: Shop) -> None:
    """
    The audience is checked by exact comparison.
    """
    with pytest.raises(jwt.InvalidAudienceError):
        decode(shop, fetch_token(shop), "ES256", audience=f"{shop.indicator}/")


def test_token_with_another_algorithm_than_pinned_is_refused(shop: Shop) -> None:
    """
    An API that pins RS256 refuses a token of a resource that has the default.
    """
    with pytest.raises(jwt.InvalidAlgorithmError):
        decode(shop, fetch_token(shop), "RS256")


def test_tampered_token_is_refused(signed_shop: tuple[str, Shop]) -> None:
    """
    The claims of one token with the signature of another don't pass.
    """
    algorithm, shop = signed_shop
    signed = fetch_token(shop).rpartition(".")[0]
    foreign = fetch_token(shop).rpartition(".")[2]
    with pytest.raises(jwt.InvalidSignatureError):
        decode(shop, f"{signed}.{foreign}", algorithm)


def test_token_of_a_key_that_is_not_ours_finds_none(shop: Shop) -> None:
    """
    A token that somebody else signed names a key that we don't publish.
    """
    foreign = jwt.encode({"aud": shop.indicator}, "k" * 32, algorithm="HS256", headers={"kid": "foreign"})
    with pytest.raises(jwt.PyJWKClientError, match="Unable to find a signing key"):
        decode(shop, foreign, "ES256")
