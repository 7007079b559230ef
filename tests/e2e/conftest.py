"""
What the end-to-end tests share: no proxy between clients and servers of the same machine.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.signed_shop import create_signed_shop
from tests.support.server import RunningServer, serve_all_tests
from tests.support.shop import Shop

ALGORITHMS = ("ES256", "ES384", "RS256")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let clients that heed a proxy of the environment reach the loopback address directly.
    """
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1,localhost")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Serve the tests of this folder apart: they give a tenant keys of every algorithm.
    """
    with serve_all_tests(tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module", params=ALGORITHMS)
def signed_shop(request: pytest.FixtureRequest, server: RunningServer) -> tuple[str, Shop]:
    """
    Give an API whose tokens are signed with each algorithm in turn, and that algorithm.
    """
    algorithm: str = request.param
    return algorithm, create_signed_shop(server, algorithm)
