"""
How `watchword quickstart` ends, and what it does when something is missing: no process left, nothing lost.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.quickstart import (
    SECRET,
    child_processes,
    quickstart_command,
    run_quickstart,
    start_quickstart,
    stored_credentials,
    wait_for,
)
from tests.support.server import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Give a home that has seen a run.
    """
    home = tmp_path_factory.mktemp("quickstart") / "home"
    done = run_quickstart(home)
    assert done.returncode == 0, done.stdout + done.stderr
    return home


@pytest.fixture
def old_home(first_home: Path, tmp_path: Path) -> Path:
    """
    Give a copy of a home that has seen a run.
    """
    return Path(shutil.copytree(first_home, tmp_path / "home"))


@pytest.fixture
def _heeding_hangups() -> Iterator[None]:
    """
    Hand down the signal's own meaning, also where the tests run below `nohup`.
    """
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("_heeding_hangups")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 0, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 0, id="polite kill"),
        pytest.param(signal.SIGHUP, 0, id="terminal gone"),
        pytest.param(signal.SIGKILL, -signal.SIGKILL, id="killed"),
    ],
)
def test_no_process_outlives_the_quick_start(old_home: Path, number: signal.Signals, code: int) -> None:
    """
    However it ends, both servers end with it.
    """
    with start_quickstart(old_home) as quickstart:
        assert len(child_processes(old_home)) == 2
        assert quickstart.stop(number) == code
        assert wait_for(lambda: not child_processes(old_home), seconds=15)


def test_stop_in_the_middle_leaves_nothing_and_the_next_run_finishes(tmp_path: Path) -> None:
    """
    Ctrl-C while `init` is under way: no process stays, and what was begun is finished next time.
    """
    home = tmp_path / "home"
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(quickstart_command(home), env=clean_environment({}), stdout=output, stderr=output)
        assert wait_for(lambda: bool(child_processes(home)))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 128 + signal.SIGINT
    assert wait_for(lambda: not child_processes(home))
    done = run_quickstart(home)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("sabotage", "expected"),
    [
        pytest.param(
            'print("the shop is closed", flush=True); __import__("os")._exit(7)',
            [
                "the products API ended unexpectedly (exit code 7)",
                "the shop is closed",
            ],
            id="child that dies",
        ),
        pytest.param(
            "import watchword.protect.verifier as v; v.Verifier.averify_header = "
            "lambda *_, **__: __import__('asyncio').sleep(0, __import__('types').SimpleNamespace(client_id='x'))",
            [
                "FAILED a read-only token may not write: the status should be 403 and is 201",
                "FAILED without a token nobody gets in",
                "FAILED a tampered token is worth nothing",
            ],
            id="API that lets everybody in",
        ),
    ],
)
def test_failure_is_told_and_the_exit_code_says_so(
    old_home: Path, tmp_path: Path, sabotage: str, expected: list[str]
) -> None:
    """
    A child that dies is heard, a check that fails is named; both end with code 1 and nothing left running.
    """
    (tmp_path / "sitecustomize.py").write_text(
        f'import sys\nif sys.orig_argv[-1].endswith("products_api.py"):\n    {sabotage}\n'
    )
    done = run_quickstart(old_home, environment={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    told = " ".join((done.stdout + done.stderr).split())
    for text in expected:
        assert text in told
    assert not child_processes(old_home)


def test_lost_secrets_are_replaced_by_new_ones(old_home: Path) -> None:
    """
    After the time in which secrets can be read back, a lost one is followed by another; applications stay.
    """
    before = stored_credentials(old_home)
    (old_home / "credentials.env").unlink()
    with (old_home / "watchword.toml").open("a") as file:
        file.write("secret_reveal_hours = 0\n")
    done = run_quickstart(old_home, "--json")
    assert done.returncode == 0, done.stderr
    assert "another secret, Quick start " in done.stderr
    report = json.loads(done.stdout)
    for part in ("application", "management_application", "first_application"):
        assert report[part]["id"] == before[f"{part.upper()}_ID"]
        assert report[part]["secret"] != before[f"{part.upper()}_SECRET"]
    assert not SECRET.search(done.stderr)
