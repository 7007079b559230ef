"""
npm `openid-client`: discovery, tokens by both methods, what it makes of refusals.
"""

from typing import Any

import pytest

from tests.e2e.clients.scripts import run_script
from tests.support.server import MANAGEMENT_RESOURCE, RunningServer
from tests.support.shop import Shop
from tests.support.wire import read_token

pytestmark = pytest.mark.e2e


def ask(shop: Shop, task: str = "token", **given: object) -> dict[str, Any]:
    """
    Run a task as the shop's application, for the shop's API unless told otherwise.
    """
    known = {
        "issuer": shop.server.issuer,
        "id": shop.application.id,
        "secret": shop.application.secret,
        "parameters": {"resource": shop.indicator, "scope": "read:products write:products"},
    }
    return run_script("openid_client", task, **known | given)


@pytest.mark.parametrize("algorithm", ["oidc", "oauth2"])
def test_discovery_finds_the_server(shop: Shop, algorithm: str) -> None:
    """
    Both documents are found from the issuer alone and are accepted as they are.
    """
    found = ask(shop, "discover", algorithm=algorithm)
    issuer = shop.server.issuer
    assert found["issuer"] == issuer
    assert found["token_endpoint"] == f"{issuer}/token"
    assert found["jwks_uri"] == f"{issuer}/jwks"
    assert "client_credentials" in found["grant_types_supported"]


def test_discovery_under_another_name_is_refused(shop: Shop) -> None:
    """
    The issuer is what is configured, not what the Host header says, so that the client notices.
    """
    other = shop.server.issuer.replace("127.0.0.1", "localhost")
    thrown = ask(shop, "discover", issuer=other)["thrown"]
    assert thrown["code"] == "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED"


@pytest.mark.parametrize("method", ["default", "basic", "post"])
def test_client_credentials_give_a_token(shop: Shop, method: str) -> None:
    """
    By either method, and by the library's own choice, the token is for the resource and has the scopes.
    """
    told = ask(shop, method=method)
    _, claims = read_token(told["access_token"])
    assert claims["aud"] == shop.indicator
    assert claims["scope"] == told["scope"] == "read:products write:products"
    assert told["token_type"] == "bearer"
    assert told["expires_in"] == 3600
    assert 3595 <= told["expiresIn"] <= 3600


def test_scope_that_no_role_gives_is_missing_from_the_answer(shop: Shop) -> None:
    """
    The client learns from `scope` what it got of what it asked.
    """
    told = ask(shop, parameters={"resource": shop.indicator, "scope": "delete:products read:products"})
    assert told["scope"] == "read:products"


def test_without_a_scope_the_token_has_none(shop: Shop) -> None:
    """
    Nothing is granted that was not asked for.
    """
    told = ask(shop, parameters={"resource": shop.indicator})
    assert "scope" not in told
    assert "scope" not in read_token(told["access_token"])[1]


@pytest.mark.parametrize("changed", [{"secret": "wrong"}, {"id": "nobody"}], ids=["wrong secret", "unknown id"])
def test_refused_client_in_the_body_is_seen_as_invalid_client(shop: Shop, changed: dict[str, str]) -> None:
    """
    The error is in the body, and is the same whether id or secret is wrong.
    """
    thrown = ask(shop, method="post", **changed)["thrown"]
    assert thrown["name"] == "ResponseBodyError"
    assert (thrown["status"], thrown["error"]) == (401, "invalid_client")
    assert thrown["error_description"] == "client authentication failed"


@pytest.mark.parametrize("changed", [{"secret": "wrong"}, {"id": "nobody"}], ids=["wrong secret", "unknown id"])
def test_refused_client_in_the_header_is_seen_as_a_challenge(shop: Shop, changed: dict[str, str]) -> None:
    """
    With HTTP Basic the library parses `WWW-Authenticate`, where the error stands too.
    """
    thrown = ask(shop, method="basic", **changed)["thrown"]
    assert thrown["code"] == "OAUTH_WWW_AUTHENTICATE_CHALLENGE"
    [challenge] = thrown["challenges"]
    assert challenge["scheme"] == "basic"
    assert challenge["parameters"]["error"] == "invalid_client"
    assert challenge["parameters"]["realm"] == shop.server.issuer


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"resource": "https://nowhere.example"}, id="unknown resource"),
        pytest.param({"resource": "shop"}, id="no URI"),
        pytest.param({}, id="no resource"),
    ],
)
def test_wrong_resource_is_seen_as_invalid_target(shop: Shop, parameters: dict[str, str]) -> None:
    """
    RFC 8707's error reaches the program.
    """
    thrown = ask(shop, parameters=parameters)["thrown"]
    assert (thrown["status"], thrown["error"]) == (400, "invalid_target")


def test_token_calls_the_management_api(server: RunningServer, shop: Shop) -> None:
    """
    The library's own call of a protected resource is accepted at `/api`.
    """
    told = ask(
        shop,
        "call",
        id=server.application_id,
        secret=server.application_secret,
        parameters={"resource": MANAGEMENT_RESOURCE, "scope": "all"},
        url=f"{server.endpoint}/api/applications/{shop.application.id}",
    )
    assert told["status"] == 200
    assert told["body"]["id"] == shop.application.id
