"""
The URL of a PostgreSQL database: what may be shown of it.
"""

from __future__ import annotations

import traceback

import pytest

from watchword.server.settings import SettingsError, resolve
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.databases import database_of

URLS = {
    "one host": ("postgresql://me:hunter2@db.example/watchword", "postgresql://db.example:5432/watchword"),
    "two hosts": (
        "postgresql://me:hunter2@one.example:5433,two.example:5434/watchword?password=hunter2",
        "postgresql://one.example,two.example:5433,5434/watchword",
    ),
    "nothing": ("postgresql://", "postgresql://localhost:5432/"),
}


@pytest.mark.parametrize(("url", "expected"), URLS.values(), ids=URLS.keys())
def test_password_is_not_shown(url: str, expected: str) -> None:
    """
    What is shown of a URL says where it leads, and opens nothing.
    """
    settings = resolve({"home": "/nowhere", "database_url": url}, {}).settings
    assert "hunter2" not in repr(settings)
    database = database_of(settings)
    assert database.name == expected
    database.close()


@pytest.mark.parametrize("url", ["postgresql://me:hunter2@[::1/x", "postgresql://me:hunter2@h/x?nothing=of-the-kind"])
def test_url_that_nobody_can_read_is_not_quoted(url: str) -> None:
    """
    PostgreSQL's library quotes it whole; what is said here does not.
    """
    database = database_of(resolve({"home": "/nowhere", "database_url": url}, {}).settings)
    with pytest.raises(StorageUnavailable, match="database_url") as caught, database.read():
        pass
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    database.close()


@pytest.mark.parametrize("url", ["mysql://me:hunter2@x", "host=x password=hunter2"])
def test_unusable_url_is_refused_without_its_password(url: str) -> None:
    """
    A mistake in the URL is said at once, and its password is not.
    """
    with pytest.raises(SettingsError, match="database_url") as caught:
        resolve({"home": "/nowhere", "database_url": url}, {})
    assert "hunter2" not in str(caught.value)
