"""
The supervisor's pauses, and its way with workers that are no Watchword.
"""

from __future__ import annotations

import signal
import sys
from select import select
from typing import TYPE_CHECKING

import pytest

from watchword.cli.supervisor import ANNOUNCE, LONGEST_PAUSE, Supervisor, Worker, main, pause_before_start
from watchword.cli.supervisor import _log as supervisor_log

if TYPE_CHECKING:
    from collections.abc import Iterator

# A worker that serves when it is told to, and says again whatever else it is told.
_OBEDIENT = """
import os
os.read(0, 1) and os.write(0, b"+")
while told := os.read(0, 1):
    os.write(0, told)
"""


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


@pytest.fixture
def serving() -> Iterator[Supervisor]:
    """
    Return a supervisor of two workers that both serve.
    """
    supervisor = Supervisor(2, 0.0, [], [sys.executable, "-S", "-c", _OBEDIENT])
    supervisor._start_missing()
    for worker in supervisor._workers:
        serve(supervisor, worker)
    yield supervisor
    supervisor._stop()
    while supervisor._workers:
        supervisor._workers[0].process.kill()
        supervisor._hear(supervisor._workers[0])


def test_first_that_serves_is_asked_to_announce_it(serving: Supervisor) -> None:
    """
    That one alone, and nobody who comes later.
    """
    first, second = serving._workers
    assert first.line.recv(64) == ANNOUNCE
    first.process.kill()
    serving._hear(first)
    serving._start_missing()
    replacement = serving._workers[1]
    serve(serving, replacement)
    for worker in (second, replacement):
        worker.line.send(b"?")
        assert worker.line.recv(64) == b"?"


def test_replacement_that_can_not_start_takes_nobody_along(serving: Supervisor) -> None:
    """
    A setting that somebody has spoilt, say, is no reason to stop those that serve.
    """
    first, second = serving._workers
    serving._command = [sys.executable, "-c", "import sys; sys.exit(2)"]
    second.process.kill()
    serving._hear(second)
    serving._start_missing()
    serving._hear(serving._workers[1])
    assert not serving._is_stopping
    assert serving._staying() == [first]
    assert not first.is_leaving
    assert serving._pause() is not None  # it tries again


def test_worker_that_the_machine_can_not_start_takes_nobody_along(
    serving: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    No memory for another process: it tries later.
    """
    first, second = serving._workers
    serving._command = ["/nowhere/python"]
    second.process.kill()
    serving._hear(second)
    serving._start_missing()
    assert serving._staying() == [first]
    assert "a worker could not be started" in capsys.readouterr().err
    assert serving._pause() is not None


def test_worker_that_does_not_leave_is_killed(serving: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    One that hangs while it is renewed does not stay for ever.
    """
    first, second = serving._workers
    serving._dismiss(first)
    assert serving._pause() is not None
    killed: list[int] = []
    monkeypatch.setattr(first.process, "kill", lambda: killed.append(first.process.pid))
    serving._kill_late()
    assert killed == []
    monkeypatch.setattr("watchword.cli.supervisor.time.monotonic", lambda: first.kill_at)
    serving._kill_late()
    assert killed == [first.process.pid]
    assert not second.is_leaving


def test_log_that_nobody_reads_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The reader of standard error may be gone.
    """

    class Closed:
        def write(self, _text: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stderr", Closed())
    supervisor_log("info", "nobody reads this")


@pytest.fixture
def renewing() -> Iterator[Supervisor]:
    """
    Return a supervisor of two workers that was told to renew them while both were still starting.
    """
    supervisor = Supervisor(2, 5.0, [], [sys.executable, "-S", "-c", _OBEDIENT])
    supervisor._start_missing()
    supervisor._heed(bytes([signal.SIGHUP]))
    supervisor._start_missing()
    yield supervisor
    supervisor._stop()
    while supervisor._workers:
        supervisor._hear(supervisor._workers[0])


def serve(supervisor: Supervisor, worker: Worker) -> None:
    """
    Let a worker say that it serves, and the supervisor hear it.
    """
    worker.line.send(b"x")
    supervisor._hear(worker)


def test_worker_that_is_to_be_renewed_takes_nobodys_place(renewing: Supervisor) -> None:
    """
    Only a new one makes an old one dispensable, one each.
    """
    first, second, third = renewing._workers
    serve(renewing, second)
    assert not any(worker.is_leaving for worker in (first, second, third))
    serve(renewing, third)
    assert [worker.is_leaving for worker in (first, second, third)] == [True, False, False]


def test_worker_that_dies_before_it_is_renewed_does_not_end_the_renewal(renewing: Supervisor) -> None:
    """
    Whether a new one can start is not known by its death.
    """
    first, second, third = renewing._workers
    second.process.kill()
    renewing._hear(second)
    serve(renewing, third)
    assert [worker.is_leaving for worker in (first, third)] == [True, False]


def test_renewal_that_is_asked_for_again_begins_anew(renewing: Supervisor) -> None:
    """
    The one that was starting meanwhile makes way, whatever it says last: it may have read the settings of before.
    """
    first, second, third = renewing._workers
    third.line.send(b"x")
    select([third.line], [], [])
    renewing._heed(bytes([signal.SIGHUP]))
    renewing._hear(third)
    renewing._start_missing()
    fourth = renewing._workers[-1]
    assert renewing._staying() == [first, second, fourth]
    serve(renewing, fourth)
    renewing._start_missing()
    fifth = renewing._workers[-1]
    serve(renewing, fifth)
    renewing._start_missing()
    assert renewing._staying() == [fourth, fifth]
