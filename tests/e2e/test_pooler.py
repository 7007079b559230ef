"""
Behind pgbouncer, as the how-to allows it: in mode `session`, where a server's connection is handed on between clients.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from benchmarks.pinned_server import free_port
from benchmarks.postgres_server import PostgresServer, new_folder, start_postgres
from tests.support.load import Load, wait_until
from tests.support.postgres import recorded
from tests.support.server import start_server
from tests.support.shop import unique

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="this machine has no pgbouncer"),
]


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """
    Run a database server of this test's own, which may crash.
    """
    with new_folder() as folder, start_postgres(folder / "postgres") as server:
        server.execute("CREATE DATABASE watchword")
        yield server


@contextmanager
def pooled(postgres: PostgresServer, folder: Path) -> Iterator[str]:
    """
    Run pgbouncer before a server; return the URL of the database through it.
    """
    port = free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        "[databases]\n"
        f"watchword = host=127.0.0.1 port={postgres.port} user=postgres\n"
        "[pgbouncer]\n"
        f"pool_mode = session\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "server_login_retry = 1\n"
    )
    configuration.chmod(0o644)
    # It refuses to run as root.
    user = "nobody" if os.geteuid() == 0 else None
    pooler = subprocess.Popen([str(shutil.which("pgbouncer")), "-q", str(configuration)], user=user)
    url = f"postgresql://postgres@127.0.0.1:{port}/watchword"
    try:
        wait_until(lambda: answers(url), "pgbouncer answers")
        yield url
    finally:
        pooler.terminate()
        pooler.wait(30)


def answers(url: str) -> bool:
    """
    Tell whether a database can be reached.
    """
    try:
        with closing(psycopg.connect(url, connect_timeout=5)) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.Error:
        return False


def test_tokens_flow_through_pgbouncer_and_again_after_the_server_crashed_behind_it(postgres: PostgresServer) -> None:
    """
    The pooler keeps Watchword's connections when the server behind it goes: nothing is granted by what they remember.
    """
    with (
        new_folder() as folder,
        pooled(postgres, folder) as url,
        start_server(folder / "home", settings={"database_url": url, "request_log": "false"}) as server,
    ):
        assert server.management.post("/roles", json={"name": unique("role"), "description": "x"}).status_code == 200
        with Load(server, clients=4) as load:
            load.wait_for_tokens(30)
            postgres.stop("immediate")
            wait_until(lambda: load.answered.statuses[503] >= 4, "tokens are refused")
            postgres.start()
            load.wait_for_tokens(30)
        assert set(load.answered.statuses) <= {200, 503}
        assert load.answered.odd == []
        assert set(load.answered.tokens) <= recorded(postgres)
        assert server.management.post("/roles", json={"name": unique("role"), "description": "x"}).status_code == 200
        assert "Traceback" not in server.output
