"""
The quick start's products API on its own: a process of its own that checks a real server's tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.products import run_products_api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.support.server import RunningServer
    from tests.support.shop import Shop

pytestmark = pytest.mark.e2e


@pytest.fixture
def api(server: RunningServer, shop: Shop, tmp_path: Path) -> Iterator[httpx.Client]:
    """
    Run the products API on its own, for tokens of the shared server.
    """
    with run_products_api(server.issuer, shop.indicator, tmp_path / "api.log") as client:
        yield client


def test_products_api_answers_200_401_and_403_as_it_should(api: httpx.Client, shop: Shop) -> None:
    """
    Tokens of a real server, checked by the API in a process of its own, with RFC 6750's headers.
    """
    realm = f'Bearer realm="{shop.indicator}"'

    def bearer(scope: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {shop.request_token(scope=scope).json()['access_token']}"}

    reader = bearer("read:products")
    assert api.get("/products", headers=reader).status_code == 200
    lacking = api.post("/products", headers=reader, json={"name": "Cup", "price": 1})
    assert lacking.status_code == 403
    assert lacking.headers["www-authenticate"].startswith(f'{realm}, error="insufficient_scope"')
    assert lacking.headers["www-authenticate"].endswith('scope="write:products"')
    nobody = api.get("/products")
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, realm)
    tampered = {"Authorization": reader["Authorization"][:-6] + "AAAAAA"}
    refused = api.get("/products", headers=tampered)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
