"""
The supervisor's pauses, and its way with workers that are no Watchword.
"""

from __future__ import annotations

import sys

import pytest

from watchword.cli.supervisor import LONGEST_PAUSE, Supervisor, main, pause_before_start


@pytest.mark.parametrize(("early_deaths", "seconds"), [(0, 0), (1, 0), (2, 1), (3, 2), (5, 8), (50, LONGEST_PAUSE)])
def test_workers_that_die_young_are_started_ever_later(early_deaths: int, seconds: float) -> None:
    """
    The first death costs no time; a crash loop costs the machine little.
    """
    assert pause_before_start(early_deaths) == seconds


@pytest.mark.parametrize("code", [2, 3])
def test_worker_that_can_not_start_ends_it(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """
    With exit code 1, and a line that says so.
    """
    arguments = ["2", "5", "0", sys.executable, "-c", f"import sys; sys.exit({code})"]
    assert main(arguments) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("watchword: a worker could not start")


def test_worker_that_crashes_is_started_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    """
    Twice it crashes, the third time it says that it can't start.
    """
    counter = tmp_path_factory.mktemp("supervised") / "starts"
    program = (
        "import sys; from pathlib import Path; counter = Path(sys.argv[1]); "
        "starts = counter.stat().st_size if counter.exists() else 0; "
        "counter.write_text('x' * (starts + 1)); sys.exit(1 if starts < 2 else 2)"
    )
    supervisor = Supervisor(1, 5.0, [0], [sys.executable, "-c", program, str(counter)])
    assert supervisor.run() == 1
    assert counter.read_text() == "xxx"
