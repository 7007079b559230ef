"""
Which database the servers of tests use: SQLite, or one of their own on the session's PostgreSQL.
"""

from __future__ import annotations

import os
import uuid
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import conninfo, sql

from tests.support.home import DATABASES, name_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WANTED = "WATCHWORD_TEST_DATABASE"
"""`postgresql` runs every suite on it, without a change to any test."""

_SERVER = "WATCHWORD_TEST_SERVER"
IS_SQLITE = os.environ.get(WANTED, DATABASES[0]) == DATABASES[0]
ABOUT_FILES = pytest.mark.skipif(not IS_SQLITE, reason="it is about SQLite's own files")
"""
Marks a test of which nothing is left where there are no such files.
"""


@pytest.fixture(scope="session", autouse=True)
def _server_of_databases(request: pytest.FixtureRequest) -> Iterator[None]:
    """
    Start PostgreSQL once where all servers are to use it.
    """
    if IS_SQLITE:
        yield
        return
    os.environ[_SERVER] = request.getfixturevalue("postgres").url()
    yield
    del os.environ[_SERVER]


def give_database(home: Path) -> None:
    """
    Give a new home a fresh database of its own, where servers are to use PostgreSQL.
    """
    server = os.environ.get(_SERVER)
    if server is None or (home / "watchword.toml").exists():
        return
    name = f"home_{uuid.uuid4().hex}"
    with closing(psycopg.connect(server, autocommit=True)) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    name_database(home, _url_of(server, name))


@contextmanager
def on_database(request: pytest.FixtureRequest, home: Path) -> Iterator[None]:
    """
    Let a new home use the database that the fixture's parameter names, whatever other homes use.
    """
    if request.param == DATABASES[0]:
        home.mkdir(mode=0o700)
        (home / "watchword.toml").touch()
        yield
        return
    with request.getfixturevalue("postgres").new_database() as url:
        name_database(home, url)
        yield


def _url_of(server: str, database: str) -> str:
    parts = conninfo.conninfo_to_dict(server)
    return f"postgresql://{parts['user']}@{parts['host']}:{parts['port']}/{database}"


def refusal_of(url: str, statement: str) -> str:
    """
    Run a statement by itself; return what the server says against it, or nothing.
    """
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            return str(error)
    return ""
