"""
npm `oauth4webapi`: the same as `openid-client` step by step, and an API's check of the tokens.
"""

from typing import Any

import pytest

from tests.e2e.clients.scripts import run_script
from tests.support.shop import Shop
from tests.support.wire import read_token

pytestmark = pytest.mark.e2e


def ask(shop: Shop, task: str, **given: object) -> dict[str, Any]:
    """
    Run a task against the shop's server as the shop's application.
    """
    known = {
        "issuer": shop.server.issuer,
        "algorithm": "oauth2",
        "id": shop.application.id,
        "secret": shop.application.secret,
        "method": "basic",
        "parameters": {"resource": shop.indicator, "scope": "read:products"},
    }
    return run_script("oauth4webapi", task, **known | given)


def fetch_token(shop: Shop) -> str:
    """
    Return a token for the shop's API.
    """
    answer = shop.request_token(scope="read:products write:products")
    token: str = answer.json()["access_token"]
    return token


@pytest.mark.parametrize(
    ("algorithm", "path"),
    [
        pytest.param("oidc", "/oidc/.well-known/openid-configuration", id="OpenID Connect"),
        pytest.param("oauth2", "/.well-known/oauth-authorization-server/oidc", id="RFC 8414"),
    ],
)
def test_discovery_accepts_the_document(shop: Shop, algorithm: str, path: str) -> None:
    """
    Each algorithm asks at its own place and finds a document for the very issuer it asked for.
    """
    told = ask(shop, "discover", algorithm=algorithm)
    assert told["asked"] == shop.server.endpoint + path
    assert told["server"]["issuer"] == shop.server.issuer
    assert told["server"]["token_endpoint"] == f"{shop.server.issuer}/token"


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
@pytest.mark.parametrize("method", ["basic", "post"])
def test_client_credentials_give_a_token(shop: Shop, method: str, algorithm: str) -> None:
    """
    Whatever document and method is used, the answer passes all checks of the library.
    """
    told = ask(shop, "token", method=method, algorithm=algorithm)
    assert told["scope"] == "read:products"
    assert told["token_type"] == "bearer"
    assert read_token(told["access_token"])[1]["aud"] == shop.indicator


def test_resource_may_be_repeated_with_one_value(shop: Shop) -> None:
    """
    The same indicator twice counts once.
    """
    told = ask(shop, "token", parameters=[["resource", shop.indicator], ["resource", shop.indicator]])
    assert read_token(told["access_token"])[1]["aud"] == shop.indicator


def test_wrong_secret_in_the_body_is_seen_as_invalid_client(shop: Shop) -> None:
    """
    The error body reaches the program.
    """
    thrown = ask(shop, "token", method="post", secret="wrong")["thrown"]
    assert (thrown["status"], thrown["error"]) == (401, "invalid_client")


def test_wrong_secret_in_the_header_is_seen_as_a_challenge(shop: Shop) -> None:
    """
    The challenge names the scheme that was used and the error.
    """
    [challenge] = ask(shop, "token", method="basic", secret="wrong")["thrown"]["challenges"]
    assert challenge["scheme"] == "basic"
    assert challenge["parameters"]["error"] == "invalid_client"


def test_wrong_resource_is_seen_as_invalid_target(shop: Shop) -> None:
    """
    RFC 8707's error reaches the program.
    """
    thrown = ask(shop, "token", parameters={"resource": "https://nowhere.example"})["thrown"]
    assert (thrown["status"], thrown["error"]) == (400, "invalid_target")


def test_issued_token_passes_the_access_token_profile(signed_shop: tuple[str, Shop]) -> None:
    """
    RFC 9068: type, all required claims, issuer, audience and signature, for every algorithm.
    """
    algorithm, shop = signed_shop
    claims = ask(shop, "validate", token=fetch_token(shop), audience=shop.indicator, algorithms=[algorithm])
    assert claims["sub"] == claims["client_id"] == shop.application.id
    assert claims["scope"] == "read:products write:products"


def test_token_of_another_api_is_refused(shop: Shop) -> None:
    """
    An API sees from the audience that the token is not for it.
    """
    told = ask(shop, "validate", token=fetch_token(shop), audience="https://other.api")
    assert told["thrown"]["code"] == "OAUTH_JWT_CLAIM_COMPARISON_FAILED"


def test_token_with_another_algorithm_than_pinned_is_refused(shop: Shop) -> None:
    """
    An API that pins ES384 refuses a token of a resource that has the default.
    """
    told = ask(shop, "validate", token=fetch_token(shop), audience=shop.indicator, algorithms=["ES384"])
    assert "alg" in told["thrown"]["message"]


def test_tampered_token_is_refused(shop: Shop) -> None:
    """
    The claims of one token with the signature of another don't pass.
    """
    header, claims, _ = fetch_token(shop).split(".")
    signature = fetch_token(shop).rpartition(".")[2]
    told = ask(shop, "validate", token=f"{header}.{claims}.{signature}", audience=shop.indicator)
    assert told["thrown"]["message"] == "JWT signature verification failed"
