"""
`watchword init` as a process: two at once, and killed at any moment.
"""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.command import run, succeed
from tests.support.databases import give_database
from tests.support.server import clean_environment, watchword_command
from tests.support.stored import rows_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e
ENDPOINT = "http://127.0.0.1:3001"


def start(home: Path) -> subprocess.Popen[str]:
    """
    Begin an `init`.
    """
    return subprocess.Popen(
        watchword_command("init", "--home", str(home), "--endpoint", ENDPOINT, "--json"),
        env=clean_environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_at_once_make_one_home(tmp_path: Path) -> None:
    """
    One of them makes it and tells the secret, the other one finds it made; both succeed.
    """
    give_database(tmp_path / "home")
    both = [start(tmp_path / "home") for _ in range(2)]
    outputs = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    first, second = (json.loads(out) for out, _ in outputs)
    assert first["application_id"] == second["application_id"]
    assert sorted(bool(one["application_secret"]) for one in (first, second)) == [False, True]


def test_two_at_once_with_different_endpoints_agree_on_one(tmp_path: Path) -> None:
    """
    The one that comes second is told which endpoint is in force.
    """
    give_database(tmp_path / "home")
    processes = [
        subprocess.Popen(
            watchword_command(
                "init", "--home", str(tmp_path / "home"), "--endpoint", f"http://127.0.0.1:{port}", "--json"
            ),
            env=clean_environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for port in (4001, 4002)
    ]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1], outputs
    (winner,) = (json.loads(out) for out, _ in outputs if out)
    assert any(f"the endpoint in force is {winner['endpoint']}" in err for _, err in outputs)


@pytest.mark.slow
def test_killed_at_any_moment_it_is_finished_by_the_next(tmp_path: Path) -> None:
    """
    Wherever a kill strikes, the next `init` ends with a home that has exactly one application.
    """
    give_database(tmp_path / "whole")
    began = time.monotonic()
    succeed("init", "--home", str(tmp_path / "whole"), "--endpoint", ENDPOINT)
    whole = time.monotonic() - began
    told = 0
    for step in range(6):
        home = tmp_path / str(step)
        give_database(home)
        process = start(home)
        try:
            out, _ = process.communicate(timeout=whole * (0.15 + 0.15 * step))
        except subprocess.TimeoutExpired:
            process.kill()
            out, _ = process.communicate()
        finished = run("init", "--home", str(home), "--endpoint", ENDPOINT, "--json")
        assert finished.code == 0, (step, finished.err)
        secret = finished.json["application_secret"]
        told += secret is not None
        assert rows_of(home, "SELECT count(*) FROM applications") == [(1,)]
        if out:
            assert json.loads(out)["application_id"] == finished.json["application_id"]
    assert told, "no kill came early enough to matter"
