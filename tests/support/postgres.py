"""
The PostgreSQL server that a session's tests share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
