"""
Fixtures that several suites share: one real server a session, one shop a module, one world a test.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.clock import clock
from tests.support.databases import _server_of_databases
from tests.support.exchange import World
from tests.support.home import ctx, database, home, made, made_on
from tests.support.postgres import postgres
from tests.support.server import serve_all_tests
from tests.support.shop import create_shop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.server import RunningServer
    from tests.support.shop import Shop

__all__ = ["_server_of_databases", "clock", "ctx", "database", "home", "made", "made_on", "postgres"]
# In this order: what takes long to run must not be left when another worker has nothing to do any more.
LONGEST = [
    Path(__file__).parent / name for name in ("docs", "e2e", "browser", "storage/test_log_chain.py", "web/console")
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Let the longest tests go first; within a folder the order stays random.
    """
    items.sort(key=lambda item: [not item.path.is_relative_to(folder) for folder in LONGEST])


def pytest_collection_finish() -> None:
    """
    Leave what the tests are made of alone: to look through it for garbage took a tenth of the time of fast tests.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Serve a fresh home for the whole session (of each xdist worker).

    Ends by checking that nothing the tests sent made the server fail inside.
    """
    with serve_all_tests(tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def shop(server: RunningServer) -> Shop:
    """
    Create an API with two granted permissions and an application that may use them.
    """
    return create_shop(server)


@pytest.fixture
def world(server: RunningServer) -> World:
    """
    Return what the names in an exchange stand for, new for every test.
    """
    return World(server)
