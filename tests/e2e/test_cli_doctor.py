"""
`watchword doctor` on a home that is served, and the repair that running servers notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.command import run, succeed
from tests.support.databases import give_database
from tests.support.server import start_server
from tests.support.shop import Shop, create_shop
from tests.support.stored import drop_trigger, stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e


@pytest.fixture
def own_shop(tmp_path: Path) -> Iterator[Shop]:
    """
    Serve a home of the test's own, with a shop in it.
    """
    with start_server(tmp_path / "home") as server:
        yield create_shop(server)


def scope_of(shop: Shop) -> str:
    """
    Ask for a token and return what was granted.
    """
    answer = shop.server.token(
        shop.application.id, shop.application.secret, resource=shop.indicator, scope="read:products"
    )
    granted: str = answer.json().get("scope", "")
    return granted


def test_served_home_is_found_well(own_shop: Shop) -> None:
    """
    All checks pass, those of the running server too.
    """
    done = succeed("doctor", "--home", str(own_shop.server.home))
    assert done.err == ""
    assert all(line.startswith("ok ") for line in done.out.splitlines())
    assert {finding["check"] for finding in succeed("doctor", "--home", str(own_shop.server.home), "--json").json} == {
        "home",
        "search",
        "database",
        "installation",
        "master key",
        "clock",
        "change tracking",
        "endpoint",
        "issuer",
        "server's clock",
    }


def test_right_that_went_unheard_is_gone_after_the_repair(own_shop: Shop) -> None:
    """
    Without its trigger a revocation is not heard; the repair makes the running server read everything anew.
    """
    home = str(own_shop.server.home)
    assert scope_of(own_shop) == "read:products"
    with stored(own_shop.server.home) as database, database.write() as connection:
        drop_trigger(connection, "watch_application_roles_application_delete", "application_roles")
        connection.exec_driver_sql("DELETE FROM application_roles")
    assert scope_of(own_shop) == "read:products", "the server can't have heard of this"
    found = run("doctor", "--home", home)
    assert found.code == 1
    assert "WRONG  change tracking: missing or altered: watch_application_roles_application_delete" in found.out
    refused = run("serve", "--home", home, "--port", "1")
    assert refused.code == 1
    repaired = succeed("doctor", "--home", home, "--repair", "--offline")
    assert "running servers read everything anew" in repaired.out
    assert scope_of(own_shop) == ""
    assert succeed("doctor", "--home", home, "--offline").out.count("ok ") == 8


def test_server_that_does_not_run_is_found(tmp_path: Path) -> None:
    """
    The line says how to start it, and `--offline` leaves the question out.
    """
    home = str(tmp_path / "home")
    give_database(tmp_path / "home")
    succeed("init", "--home", home, "--endpoint", "http://127.0.0.1:1")
    found = run("doctor", "--home", home)
    assert found.code == 1
    assert f"run `watchword serve --home {home}`" in found.out.splitlines()[-1]
    succeed("doctor", "--home", home, "--offline")
