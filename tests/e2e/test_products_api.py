"""
The quick start's products API on its own: a process of its own that checks a real server's tokens.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.quickstart import wait_for
from tests.support.server import free_port
from watchword.cli.quickstart import products_api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import RunningServer
    from tests.support.shop import Shop

pytestmark = pytest.mark.e2e


@pytest.fixture
def api(server: RunningServer, shop: Shop, tmp_path: Path) -> Iterator[httpx.Client]:
    """
    Run the products API on its own, for tokens of the shared server.
    """
    port = free_port()
    with (tmp_path / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", products_api.__file__],
            env={**os.environ, "ISSUER": server.issuer, "AUDIENCE": shop.indicator, "PORT": str(port)},
            stdout=log,
            stderr=log,
        )
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
        try:
            assert wait_for(lambda: is_listening(port))
            yield client
        finally:
            process.terminate()
            process.wait(20)


def is_listening(port: int) -> bool:
    """
    Tell whether somebody accepts connections on a port.
    """
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


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
