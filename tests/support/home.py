"""
A home of its own for each test, without processes or sockets. Import the fixtures where they are needed.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from watchword.server.bootstrap import initialise, open_context
from watchword.server.settings import Settings, resolve
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchword.server.context import Context

ENDPOINT = "http://127.0.0.1:3001"
MANAGEMENT_RESOURCE = "https://default.logto.app/api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """
    An initialised home, and its first application.
    """

    home: Path
    application_id: str
    application_secret: str


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """
    Make one home, which tests copy: to migrate each anew would take half a second.
    """
    home = tmp_path_factory.mktemp("made") / "home"
    first = initialise(settings_of(home))
    assert first.id is not None
    assert first.secret is not None
    return Made(home=home, application_id=first.id, application_secret=first.secret)


@pytest.fixture
def home(made: Made, tmp_path: Path) -> Path:
    """
    Copy the home.
    """
    return shutil.copytree(made.home, tmp_path / "home")


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
