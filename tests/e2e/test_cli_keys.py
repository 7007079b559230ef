"""
`watchword keys`: over the network and on the home.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import Done, credentials_of, run, succeed
from tests.support.server import RunningServer, start_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Start a server of our own: what is done to its keys is nothing to other tests.

    Its home is made here, as the folder is there already: in a copy of one that was made when the tests began, the
    standby could be old enough to sign.
    """
    with start_server(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(params=["over the network", "on the home"])
def keys(request: pytest.FixtureRequest, own_server: RunningServer) -> Callable[..., Done]:
    """
    Run a command of the family that must succeed.
    """
    if request.param == "on the home":
        return lambda *arguments: succeed("keys", *arguments, "--home", str(own_server.home))
    return lambda *arguments: succeed("keys", *arguments, settings=credentials_of(own_server))


def by_status(done: Done) -> dict[str, Any]:
    """
    Return the keys that a command shows as JSON, by status.
    """
    return {key["status"]: key for key in done.json}


def test_keys_are_listed_rotated_and_revoked(keys: Callable[..., Done], own_server: RunningServer) -> None:
    """
    A young standby waits, `--now` does not; a revoked key is gone from what is published.
    """
    before = by_status(keys("list", "--json"))
    waiting = by_status(keys("rotate", "--json"))
    assert waiting["Next"]["id"] == before["Standby"]["id"]
    assert waiting["Next"]["signsFrom"] - waiting["Next"]["publishedAt"] == 310_000
    rotated = by_status(keys("rotate", "--now", "--algorithm", "ES256", "--json"))
    assert rotated["Current"]["id"] == waiting["Next"]["id"]
    assert rotated["Previous"]["id"] == before["Current"]["id"]
    for status in ("Previous", "Current"):
        assert keys("revoke", rotated[status]["id"]).err == f"Revoked key {rotated[status]['id']}.\n"
    assert by_status(keys("list", "--json")).keys() == {"Current", "Standby"}
    published = {one["kid"] for one in own_server.http.get("/oidc/jwks").json()["keys"]}
    assert rotated["Current"]["id"] not in published


def test_list_is_a_table_for_people(keys: Callable[..., Done]) -> None:
    """
    With the instants as dates; a standby has none from which it signs.
    """
    header, current, standby = keys("list").out.splitlines()
    assert header.split("  ")[0] == "ID"
    assert "Current" in current
    dates = re.compile(r"\d{4}-\d{2}-\d{2} [\d:]{8}Z")  # an id may have a Z as well
    assert len(dates.findall(current)) == len(dates.findall(standby)) + 1


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("revoke", "nope"), 3, "Key with ID nope is not found: `watchword keys list` shows what there is"),
        (("rotate", "--algorithm", "RS256"), 1, "No token is signed with the algorithm RS256"),
        (("rotate", "--algorithm", "HS256"), 2, "HS256"),
    ],
)
def test_what_cannot_be_done_is_told(
    own_server: RunningServer, arguments: tuple[str, ...], code: int, text: str
) -> None:
    """
    In a line that says what to do.
    """
    done = run("keys", *arguments, settings=credentials_of(own_server))
    assert done.code == code
    assert text in done.err
