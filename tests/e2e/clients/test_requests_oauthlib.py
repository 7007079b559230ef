"""
requests-oauthlib: `BackendApplicationClient`, the usual way of older Python programs.
"""

from typing import Any

import pytest
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.support.server import MANAGEMENT_RESOURCE, RunningServer
from tests.support.shop import Shop

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _insecure_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let the library talk to a server without TLS, here alone.
    """
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def credentials(method: str, id_: str, secret: str) -> dict[str, object]:
    """
    Return what `fetch_token` is told to authenticate by this method.
    """
    if method == "basic":
        return {"auth": HTTPBasicAuth(id_, secret)}
    return {"include_client_id": True, "client_secret": secret}


def fetch(shop: Shop, *, method: str = "basic", scope: list[str] | None = None, **changed: str) -> dict[str, Any]:
    """
    Fetch a token for the shop's API.
    """
    secret = changed.get("secret", shop.application.secret)
    with OAuth2Session(client=BackendApplicationClient(shop.application.id, scope=scope)) as client:
        token: dict[str, Any] = client.fetch_token(
            f"{shop.server.issuer}/token",
            resource=changed.get("resource", shop.indicator),
            timeout=20,
            **credentials(method, shop.application.id, secret),
        )
    return token


@pytest.mark.parametrize("method", ["basic", "post"])
def test_session_fetches_a_token(shop: Shop, method: str) -> None:
    """
    By either method, with a resource that the library knows nothing of.
    """
    token = fetch(shop, method=method, scope=["read:products", "write:products"])
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 3600
    assert token["scope"] == ["read:products", "write:products"]


def test_scope_that_no_role_gives_is_noticed(shop: Shop) -> None:
    """
    The library raises when the granted scope differs from the asked one: it could only know from `scope`.
    """
    with pytest.raises(Warning, match="Scope has changed") as noticed:
        fetch(shop, scope=["read:products", "delete:products"])
    assert noticed.value.new_scope == ["read:products"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["basic", "post"])
def test_wrong_secret_is_seen_as_invalid_client(shop: Shop, method: str) -> None:
    """
    The library has a class for the error.
    """
    with pytest.raises(InvalidClientError) as refused:
        fetch(shop, method=method, secret="wrong")
    assert refused.value.status_code == 401
    assert refused.value.description == "client authentication failed"


def test_wrong_resource_is_seen_as_invalid_target(shop: Shop) -> None:
    """
    The library has no class for RFC 8707's error, and passes it on by name.
    """
    with pytest.raises(OAuth2Error) as refused:
        fetch(shop, resource="https://nowhere.example")
    assert refused.value.error == "invalid_target"


def test_session_calls_the_management_api(server: RunningServer) -> None:
    """
    What the session sends of its token is accepted at `/api`.
    """
    with OAuth2Session(client=BackendApplicationClient(server.application_id, scope="all")) as client:
        client.fetch_token(
            f"{server.issuer}/token",
            resource=MANAGEMENT_RESOURCE,
            timeout=20,
            **credentials("basic", server.application_id, server.application_secret),
        )
        answer = client.get(f"{server.endpoint}/api/roles", timeout=20)
    assert answer.status_code == 200
