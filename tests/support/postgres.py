"""
The PostgreSQL server that a session's tests share.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest

from benchmarks.postgres_server import PostgresServer, new_folder, start_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

# Quick, and lost with the machine: only tests of what survives say otherwise.
QUICK = {"fsync": "off", "full_page_writes": "off", "max_connections": "300"}


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """
    Run a quick server for the whole session (of each xdist worker), in memory where there is room.
    """
    with new_folder(in_memory=True) as folder, start_postgres(folder / "postgres", **QUICK) as server:
        yield server


def recorded(postgres: PostgresServer) -> set[str]:
    """
    Return the ids of all tokens that its database `watchword` has a record of.
    """
    query = "SELECT payload::json->>'jti' FROM tokens.token_events"
    with closing(psycopg.connect(postgres.url("watchword"))) as connection:
        return {found for (found,) in connection.execute(query).fetchall()}
