"""
A node that missed a change, frozen or cut off, never grants from what it remembers.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.home import name_database
from tests.support.proxy import Proxy
from tests.support.server import RunningServer, start_beside, start_server
from tests.support.shop import Shop, create_shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.postgres_server import PostgresServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
FORM = "grant_type=client_credentials&resource=<resource>&scope=read:products"


@pytest.fixture
def nodes(postgres: PostgresServer, tmp_path: Path) -> Iterator[tuple[RunningServer, RunningServer, Proxy]]:
    """
    Start two nodes on one database, the second of which reaches it through a proxy.
    """
    home = tmp_path / "home"
    with postgres.new_database() as url, Proxy(postgres.port) as proxy:
        name_database(home, url)
        far = {"database_url": url.replace(f":{postgres.port}/", f":{proxy.port}/")}
        with start_server(home) as near, start_beside(near, settings=far) as cut:
            yield near, cut, proxy


def scope_at(server: RunningServer, shop: Shop, seconds: float = 20) -> tuple[int, str]:
    """
    Ask a node for a token; return its answer and what was granted.
    """
    answer = httpx.post(
        f"{server.endpoint}/oidc/token",
        data={"grant_type": "client_credentials", "resource": shop.indicator, "scope": "read:products"},
        auth=(shop.application.id, shop.application.secret),
        timeout=seconds,
    )
    return answer.status_code, answer.json().get("scope", "")


def take_role_away(near: RunningServer, shop: Shop) -> None:
    """
    Take the role away that gives everything.
    """
    answer = near.management.delete(f"/applications/{shop.application.id}/roles/{shop.role_id}")
    assert answer.is_success, answer.text


def test_frozen_node_grants_nothing_from_memory(nodes: tuple[RunningServer, RunningServer, Proxy]) -> None:
    """
    Stopped while a right is taken away, it knows at the first request after it goes on.
    """
    near, far, _ = nodes
    shop = create_shop(near)
    assert scope_at(far, shop) == (200, "read:products")
    far.process.send_signal(signal.SIGSTOP)
    try:
        take_role_away(near, shop)
    finally:
        far.process.send_signal(signal.SIGCONT)
    assert scope_at(far, shop) == (200, "")


def test_node_that_is_cut_off_refuses_and_recovers(nodes: tuple[RunningServer, RunningServer, Proxy]) -> None:
    """
    While it can't ask what has changed it answers 503, soon; afterwards it says what is true, without a restart.
    """
    near, far, proxy = nodes
    shop = create_shop(near)
    assert scope_at(far, shop) == (200, "read:products")
    proxy.cut()
    take_role_away(near, shop)
    assert scope_at(far, shop)[0] == 503
    assert far.http.get("/health/live").status_code == 200
    assert far.http.get("/health/ready").status_code == 503
    proxy.mend()
    deadline = time.monotonic() + 30
    while (found := scope_at(far, shop))[0] == 503:
        assert time.monotonic() < deadline
    assert found == (200, "")
