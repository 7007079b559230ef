"""
Commands that tests fork do as those that people start.
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.command import Done, run
from tests.support.server import clean_environment, watchword_command

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("version",), id="one that works"),
        pytest.param(("apps", "--help"), id="its help"),
        pytest.param(("apps", "list", "--nonsense"), id="a wrong option"),
        pytest.param(("doctor", "--home", "nowhere"), id="one that fails"),
        pytest.param(("settings", "--home", "here", "--json"), id="what stands in the folder and the environment"),
        pytest.param(("apps", "create", "x", "--home", "nowhere", "--custom-data", "-"), id="standard input"),
    ],
)
def test_forked_command_is_like_a_started_one(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """
    The same exit code, and the same words on both outputs.
    """
    folder = tmp_path / "folder"
    (folder / "here").mkdir(parents=True)
    settings = {"request_log": "false"}
    started = subprocess.run(
        watchword_command(*arguments),
        env=clean_environment(settings),
        cwd=folder,
        input="{}",
        capture_output=True,
        text=True,
        check=False,
    )
    forked = run(*arguments, settings=settings, folder=folder, stdin="{}")
    assert forked == Done(code=started.returncode, out=started.stdout, err=started.stderr)


def test_commands_run_beside_each_other(tmp_path: Path) -> None:
    """
    Each has its own folder, outputs and end.
    """
    homes = [tmp_path / str(number) for number in range(4)]
    with ThreadPoolExecutor(len(homes)) as pool:
        endpoint = ("--endpoint", "http://127.0.0.1:3001", "--json")
        made = list(pool.map(lambda home: run("init", "--home", str(home), *endpoint), homes))
    assert [done.code for done in made] == [0] * len(homes)
    assert len({done.json["application_id"] for done in made}) == len(homes)
