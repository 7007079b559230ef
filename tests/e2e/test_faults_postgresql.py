"""
A database server that crashes, and connections that are all taken: what is refused, what goes on, what is recovered.
"""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from benchmarks.postgres_server import PostgresServer, new_folder, start_postgres
from tests.support.load import Load, wait_until
from tests.support.postgres import recorded
from tests.support.server import MANAGEMENT_RESOURCE, start_server
from tests.support.shop import unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import RunningServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
POOL = 2


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """
    Run a database server of this module's own, which may crash, and which syncs what it commits.
    """
    with new_folder() as folder, start_postgres(folder / "postgres") as server:
        yield server


@pytest.fixture(scope="module")
def server(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Serve through all of it without a restart.
    """
    postgres.execute("CREATE DATABASE watchword")
    settings = {
        "database_url": postgres.url("watchword"),
        "database_pool_size": str(POOL),
        "request_log": "false",
    }
    with start_server(tmp_path_factory.mktemp("postgres") / "home", settings=settings) as running:
        assert not running.management.is_closed  # it has its token while there is a database
        yield running
        assert "Traceback" not in running.output


def recovers(server: RunningServer, postgres: PostgresServer, received: list[str]) -> None:
    """
    Demand that tokens flow again without a restart, and that each one that was received has its record.
    """
    wait_until(lambda: server.http.get("/health/ready").status_code == 200, "it is ready again")
    with Load(server, clients=2) as load:
        load.wait_for_tokens(10)
    assert set(load.answered.statuses) <= {200, 503}
    assert set(received) | set(load.answered.tokens) <= recorded(postgres)
    wait_until(lambda: changes(server) == 200, "changes are taken again")


def changes(server: RunningServer) -> int:
    """
    Change something; return the status.
    """
    return server.management.post("/roles", json={"name": unique("role"), "description": "x"}).status_code


@contextmanager
def crashed(postgres: PostgresServer) -> Iterator[None]:
    """
    Let the database server end at once, and start again, whatever comes of it: the other tests need it.
    """
    postgres.stop("immediate")
    try:
        yield
    finally:
        postgres.start()


@contextmanager
def locked(url: str) -> Iterator[None]:
    """
    Hold the row that every writer of the tenant wants.
    """
    with closing(psycopg.connect(url)) as connection:
        connection.execute("SELECT id FROM tenants FOR UPDATE")
        yield
        connection.rollback()


def test_database_server_that_crashes_and_comes_back(server: RunningServer, postgres: PostgresServer) -> None:
    """
    Nothing is granted from memory meanwhile; afterwards every token that was received has its record.
    """
    before = server.output.count("\n")
    with Load(server, clients=8) as load:
        load.wait_for_tokens(30)
        with crashed(postgres):
            wait_until(lambda: load.answered.statuses[503] >= 8, "tokens are refused")
            form = {"resource": MANAGEMENT_RESOURCE, "scope": "all"}
            answer = server.token(server.application_id, server.application_secret, **form)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            ready = server.http.get("/health/ready")
            assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
            assert ready.json()["checks"]["database"] == {"ok": False, "reason": "it can't be reached"}
            assert str(postgres.port) not in ready.text
            assert server.http.get("/health/live").status_code == 200
            assert changes(server) == 503
        load.wait_for_tokens(30)
    assert load.answered.odd == []
    assert load.answered.dropped == 0
    recovers(server, postgres, load.answered.tokens)
    assert server.output.count("\n") - before < 20, server.output


def test_writers_that_take_all_connections_stop_no_token(server: RunningServer, postgres: PostgresServer) -> None:
    """
    More changes than there are connections, and none of them can go on: they are refused, and tokens flow.
    """
    statuses: list[int] = []
    writers = [threading.Thread(target=lambda: statuses.append(changes(server))) for _ in range(3 * POOL)]
    with Load(server, clients=4) as load, locked(postgres.url("watchword")):
        for writer in writers:
            writer.start()
        wait_until(lambda: 503 in statuses, "a change is refused")
        load.wait_for_tokens(30)
        assert server.http.get("/health/live").status_code == 200
    for writer in writers:
        writer.join()
    assert load.answered.odd == []
    assert set(load.answered.statuses) == {200}
    assert set(statuses) <= {200, 503}
    recovers(server, postgres, load.answered.tokens)


def test_connections_that_are_cut_are_opened_anew(server: RunningServer, postgres: PostgresServer) -> None:
    """
    An administrator ends them all: requests are answered with a token or 503, and soon with tokens alone.
    """
    with Load(server, clients=4) as load:
        load.wait_for_tokens(20)
        postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = 'watchword' AND pid <> pg_backend_pid()"
        )
        load.wait_for_tokens(50)
    assert load.answered.odd == []
    recovers(server, postgres, load.answered.tokens)
