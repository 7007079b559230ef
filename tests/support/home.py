"""
A home of its own for each test, without processes or sockets. Import the fixtures where they are needed.
"""

from __future__ import annotations

import functools
import os
import shutil
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from watchword.server.bootstrap import initialise, open_context
from watchword.server.settings import Settings, resolve
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.postgres_server import PostgresServer
    from watchword.server.context import Context

ENDPOINT = "http://127.0.0.1:3001"
MANAGEMENT_RESOURCE = "https://default.logto.app/api"


DATABASES = ("sqlite", "postgresql")
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """
    An initialised home, and its first application.
    """

    home: Path
    application_id: str
    application_secret: str
    database: str = ""


@pytest.fixture
def database() -> str:
    """
    Return which database homes use. A suite that must hold on both overrides it, with `DATABASES` as parameters.
    """
    return os.environ.get("WATCHWORD_TEST_DATABASE", DATABASES[0])


@pytest.fixture(scope="session")
def made_on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """
    Make one home for each database, which tests copy: to migrate each anew would take half a second.
    """

    @functools.cache
    def make(database: str) -> Made:
        home = tmp_path_factory.mktemp("made") / "home"
        name = ""
        if database == "postgresql":
            server: PostgresServer = request.getfixturevalue("postgres")
            name = f"made_{uuid.uuid4().hex}"
            server.execute(f"CREATE DATABASE {name}")
            name_database(home, server.url(name))
        first = initialise(settings_of(home))
        assert first.id is not None
        assert first.secret is not None
        return Made(home=home, application_id=first.id, application_secret=first.secret, database=name)

    return make


@pytest.fixture
def made(made_on: Callable[[str], Made], database: str) -> Made:
    """
    Return the home that is copied.
    """
    return made_on(database)


@pytest.fixture
def home(made: Made, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """
    Copy the home, and its database.
    """
    copy = shutil.copytree(made.home, tmp_path / "home")
    if not made.database:
        yield copy
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.new_database(template=made.database) as url:
        name_database(copy, url)
        yield copy


@pytest.fixture
def ctx(home: Path) -> Iterator[Context]:
    """
    Open a copy of the home.
    """
    opened = open_context(settings_of(home), NoRequestLines())
    yield opened
    opened.close()


def settings_of(home: Path, **more: object) -> Settings:
    """
    Return a home's settings, whatever the environment says.
    """
    return resolve({"home": home, "endpoint": ENDPOINT, **more}, {}).settings


def name_database(home: Path, url: str) -> None:
    """
    Let a home use a PostgreSQL database.
    """
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "watchword.toml").write_text(f'database_url = "{url}"\n')
