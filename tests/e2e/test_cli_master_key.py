"""
`watchword master-key` while servers run.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.support.command import run, succeed
from tests.support.databases import give_database
from tests.support.server import MANAGEMENT_RESOURCE, start_beside, start_server
from tests.support.shop import create_application

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import RunningServer

pytestmark = pytest.mark.e2e


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    """
    Serve a home of the test's own.
    """
    with start_server(tmp_path / "home") as server:
        yield server


def test_rotation_while_serving_disturbs_nobody(own_server: RunningServer) -> None:
    """
    Tokens are issued without a break while keys are rotated and pruned.

    Old secrets work, new ones too, and another process opens the home under the new line.
    """
    home = ("--home", str(own_server.home))
    old = create_application(own_server)
    refused: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answer = own_server.token(old.id, old.secret)
            if answer.status_code not in {200, 400}:
                refused.append(answer.text)

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        before = succeed("master-key", "status", *home, "--json").json
        rotated = succeed("master-key", "rotate", *home, "--json").json["wraps"]
        assert succeed("master-key", "prune", *home, "--json").json["removed"] == [before["lines"][0]["id"]]
        new = create_application(own_server)
    finally:
        over.set()
        asker.join()
    assert refused == []
    assert succeed("master-key", "status", *home, "--json").json["lines"] == [
        {"id": rotated, "wraps": True, "last": True}
    ]
    with start_beside(own_server) as beside:
        for application in (old, new):
            answer = beside.token(application.id, application.secret, resource=MANAGEMENT_RESOURCE)
            assert answer.status_code == 200, answer.text
        assert beside.management.get("/applications").status_code == 200


def test_rotations_at_once_queue(own_server: RunningServer) -> None:
    """
    Two rotations make two lines, and the last one wraps.
    """
    home = ("--home", str(own_server.home))
    threads = [threading.Thread(target=succeed, args=("master-key", "rotate", *home)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = succeed("master-key", "status", *home, "--json").json["lines"]
    assert [line["wraps"] for line in lines] == [False, False, True]


def test_generated_line_serves_as_supplied_key(tmp_path: Path) -> None:
    """
    A key that is supplied is moved on by hand: add a line, rotate, take the old one away.
    """
    home = ("--home", str(tmp_path / "home"))
    give_database(tmp_path / "home")
    first, second = (succeed("master-key", "generate").out for _ in range(2))
    supplied = tmp_path / "supplied.key"
    supplied.write_text(first)
    supplied.chmod(0o600)
    settings = {"master_key_file": str(supplied)}
    succeed("init", *home, "--endpoint", "http://127.0.0.1:3001", settings=settings)
    stuck = run("master-key", "rotate", *home, settings=settings)
    assert (stuck.code, stuck.out) == (1, "")
    assert "`watchword master-key generate` makes one" in stuck.err
    supplied.write_text(first + second)
    rotated = succeed("master-key", "rotate", *home, settings=settings)
    assert second.partition(":")[0] in rotated.err
    supplied.write_text(second)
    succeed("apps", "list", *home, settings=settings)
    for line in (first, second):
        assert line.strip().partition(":")[2] not in stuck.err + rotated.err + rotated.out
