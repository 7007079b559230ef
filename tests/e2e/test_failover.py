"""
A primary that dies and a standby that takes over: tokens flow again, and no token is without its record.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from benchmarks.postgres_server import PostgresServer, new_folder, start_postgres, start_standby
from tests.support.home import name_database
from tests.support.postgres import QUICK
from tests.support.server import RunningServer, start_server
from tests.support.shop import Shop, create_shop
from watchword.client import TokenSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SECONDS = 60.0
CLIENTS = 4


@pytest.fixture
def pair() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """
    Run a primary and a standby.
    """
    with (
        new_folder() as folder,
        start_postgres(folder / "primary", **QUICK) as primary,
        start_standby(primary, folder / "standby") as standby,
    ):
        primary.execute("CREATE DATABASE shop")
        yield primary, standby


@pytest.fixture
def server(pair: tuple[PostgresServer, PostgresServer], tmp_path: Path) -> Iterator[RunningServer]:
    """
    Serve a home whose URL names both.
    """
    primary, standby = pair
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
    name_database(tmp_path / "home", f"postgresql://postgres@{hosts}/shop")
    with start_server(tmp_path / "home") as running:
        yield running


class NaiveClients:
    """
    Clients that ask for a token for each call, and for the next one as soon as they are answered.
    """

    def __init__(self, server: RunningServer, shop: Shop) -> None:
        self._server = server
        self._shop = shop
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]
        self.received: list[tuple[float, str]] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """
        Run them during the block.
        """
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _ask(self, number: int) -> None:
        credentials = (self._shop.application.id, self._shop.application.secret)
        with httpx.Client(base_url=self._server.endpoint, auth=credentials, timeout=20, trust_env=False) as http:
            count = 0
            while not self._stop.is_set():
                count += 1
                name = f"naive-{number}-{count}"
                with suppress(httpx.TransportError):
                    form = {"grant_type": "client_credentials", "resource": self._shop.indicator}
                    answer = http.post("/oidc/token", data=form, headers={"user-agent": name})
                    if answer.status_code == 200:
                        self.received.append((time.monotonic(), name))
                    else:
                        assert answer.status_code == 503, answer.text
                        time.sleep(0.05)


def test_no_acknowledged_record_is_missing_after_a_failover(
    pair: tuple[PostgresServer, PostgresServer], server: RunningServer, record_property: Callable[[str, object], None]
) -> None:
    """
    Under synchronous replication. A naive client loses seconds; one that keeps its token loses nothing.
    """
    primary, standby = pair
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.execute("SELECT pg_reload_conf()")
    shop = create_shop(server)
    source = TokenSource(
        endpoint=server.endpoint,
        client_id=shop.application.id,
        client_secret=shop.application.secret,
        resource=shop.indicator,
    )
    source.token()
    clients = NaiveClients(server, shop)
    with clients.running():
        wait_for(lambda: len(clients.received) > 50)
        killed_at = time.monotonic()
        primary.stop()
        standby.promote()
        while not any(at > killed_at + 0.5 for at, _ in list(clients.received)):
            source.token()
            assert time.monotonic() < killed_at + SECONDS
            time.sleep(0.02)
        recovered_at = min(at for at, _ in list(clients.received) if at > killed_at + 0.5)
        wait_for(lambda: len(clients.received) > 100)
    lost = max(later - earlier for earlier, later in _neighbours(clients.received))
    record_property("seconds a naive client lost", round(lost, 2))
    sys.stdout.write(f"a naive client lost {lost:.1f} s, one with TokenSource none\n")
    assert recovered_at - killed_at < 30
    with psycopg.connect(standby.url("shop")) as connection:
        found = connection.execute("SELECT payload::json->>'userAgent' FROM tokens.token_events").fetchall()
    missing = {name for _, name in clients.received} - {name for (name,) in found}
    assert not missing


def test_standby_that_never_heard_of_a_right_grants_none(
    pair: tuple[PostgresServer, PostgresServer], server: RunningServer
) -> None:
    """
    Asynchronous replication loses what was not sent. The node has seen it all the same, and forgets it.
    """
    primary, standby = pair
    shop = create_shop(server)
    form = "grant_type=client_credentials&resource=<resource>&scope=read:products"
    taken = server.management.delete(f"/applications/{shop.application.id}/roles/{shop.role_id}")
    assert taken.is_success
    wait_for(lambda: _position(standby, "pg_last_wal_replay_lsn()") >= _position(primary, "pg_current_wal_lsn()"))
    standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
    standby.execute("SELECT pg_reload_conf()")
    wait_for(lambda: _one(primary, "SELECT count(*) FROM pg_stat_replication") == 0)
    given = server.management.post(f"/applications/{shop.application.id}/roles", json={"roleIds": [shop.role_id]})
    assert given.is_success
    assert shop.ask(form).json()["scope"] == "read:products"
    primary.stop()
    standby.promote()
    wait_for(lambda: shop.ask(form).status_code == 200)
    assert "scope" not in shop.ask(form).json()


def _neighbours(received: list[tuple[float, str]]) -> list[tuple[float, float]]:
    return list(itertools.pairwise(sorted(at for at, _ in received)))


def _one(server: PostgresServer, query: str) -> object:
    with psycopg.connect(server.url("shop")) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _position(server: PostgresServer, function: str) -> int:
    return int(str(_one(server, f"SELECT ({function} - '0/0'::pg_lsn)::bigint")))


def wait_for(condition: Callable[[], bool]) -> None:
    """
    Wait until a condition holds.
    """
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
