"""
The benchmark, run as `make bench` runs it, and its parts on real processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.load_generator import LoadError, Post, Tool, can_install, find_or_install, run_load
from benchmarks.pinned_server import PinnedServer, ServerError, free_port, running_on
from benchmarks.postgres_server import new_folder
from benchmarks.token_endpoint import alone_in
from benchmarks.yardsticks import serve_sign_only
from tests.unit.test_benchmark_figures import a_whole_report

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "token_endpoint.py"
POST = Post(path="/oidc/token", headers={"Authorization": "Basic YTpi"}, body="grant_type=client_credentials")
CORE = min(os.sched_getaffinity(0))

pytestmark = pytest.mark.e2e
two_cores = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="the benchmark needs two cores")


@pytest.fixture(scope="module")
def tool() -> Tool:
    """
    Give the load generator, installed if need be.
    """
    try:
        return find_or_install()
    except LoadError as failure:
        if can_install():
            raise
        pytest.skip(str(failure))


@pytest.fixture
def folder() -> Iterator[Path]:
    """
    Make a folder that PostgreSQL's user may enter.
    """
    with new_folder() as made:
        yield made


@pytest.mark.slow
@two_cores
def test_flood_of_refusals_is_measured(tool: Tool) -> None:
    """
    Honest clients get nothing but tokens beside it. A second is too short to hold the figure against its bar.
    """
    few = ["--seconds", "1", "--rounds", "1", "--connections", "4", "--flood-connections", "4"]
    program = PROGRAM.with_name("flood_of_refusals.py")
    done = subprocess.run([sys.executable, program, *few], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in {0, 1}, done.stderr
    assert "is left beside the flood" in done.stdout


@pytest.mark.slow
@two_cores
def test_two_workers_are_held_against_two_servers(tool: Tool) -> None:
    """
    Both give nothing but tokens. A second is too short to hold the figure against its bar.
    """
    few = ["--rounds", "1", "--seconds", "1", "--warm-ups", "1", "--connections", "4"]
    program = PROGRAM.with_name("two_workers.py")
    done = subprocess.run([sys.executable, program, *few], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in {0, 1}, done.stderr
    assert "two workers to two servers" in done.stdout


@pytest.mark.slow
@two_cores
def test_console_is_measured(tool: Tool, tmp_path: Path) -> None:
    """
    Lists, weight and tokens beside pages. So little is too short to hold the times against their bars.
    """
    few = ["--few", "30", "--many", "60", "--requests", "2", "--paints", "1"]
    short = ["--seconds", "1", "--rounds", "1", "--connections", "4"]
    command = [sys.executable, str(PROGRAM.with_name("console.py")), *few, *short, "--cache", str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode in {0, 1}, done.stderr
    said = done.stdout.splitlines()
    assert [line for line in said if line.startswith("applications, page 2")]
    assert [line for line in said if line.startswith("met") and "KiB, the heaviest page" in line]
    assert [line for line in said if "of the tokens per CPU second left by pages" in line]


@pytest.mark.slow
@two_cores
def test_quick_benchmark_measures_tokens_and_leaves_nothing_out(tool: Tool, folder: Path) -> None:
    """
    It seeds, measures each row, holds figures against bars, and cleans up.
    """
    figures, cache = folder / "figures.json", folder / "cache"
    words = ["--quick", "--seconds", "1", "--rows", "sqlite,postgresql,tls", "--connections", "4"]
    words += ["--no-bars", "--no-plot"]
    done = run_program(*words, "--cache", str(cache), "--json", str(figures), temporary=folder)
    assert done.returncode == 0, done.stderr
    seen = json.loads(figures.read_text())
    left_out = [name for name in seen["conditions"] if name.startswith("left out")]
    assert len(seen["rows"]) + len(left_out) == 3
    for row in seen["rows"]:
        assert [cell["connections"] for cell in row["connections"]] == [4]
        assert all(cell["ratio_to_sign_only"] > 0 for cell in row["connections"])
        assert all(0 < cell["p50_ms"] <= cell["p99_ms"] for cell in row["connections"])
        assert row["cold_start_seconds"] > 0
    assert seen["audit_records"] >= seen["tokens_answered"] > 0
    assert seen["request_lines"] >= seen["tokens_answered"]
    assert seen["conditions"]["load generator"] == tool
    verdicts = [line for line in done.stdout.splitlines() if line.startswith(("met", "MISSED", "not measured"))]
    assert len(verdicts) == len(seen["bars"])
    assert sorted(folder.iterdir()) == [cache, figures]
    assert not list(cache.rglob("postmaster.pid"))


def test_picture_is_drawn_from_the_figures(tmp_path: Path) -> None:
    """
    It is a PNG of some size, in a folder that need not be there.
    """
    plot = pytest.importorskip("benchmarks.plot", reason="matplotlib comes with `scripts/setup bench`")
    plot.draw(a_whole_report(), tmp_path / "new" / "bench.png")
    picture = (tmp_path / "new" / "bench.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 10_000


def test_benchmark_on_one_core_says_that_it_needs_two(tmp_path: Path) -> None:
    """
    With one core it measures nothing, says why and exits with 2.
    """
    with running_on(CORE):
        done = run_program("--quick", temporary=tmp_path)
    assert done.returncode == 2
    assert "two cores are needed" in done.stderr
    assert done.stdout == ""


@two_cores
def test_second_benchmark_leaves_the_first_ones_data_alone(tool: Tool, tmp_path: Path) -> None:
    """
    What is kept belongs to one run at a time.
    """
    with alone_in(tmp_path):
        done = run_program("--quick", "--rows", "sqlite", "--cache", str(tmp_path), temporary=tmp_path)
    assert done.returncode == 2
    assert "another benchmark runs" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.slow
@two_cores
def test_interrupted_benchmark_leaves_no_process_and_no_file(tool: Tool, tmp_path: Path) -> None:
    """
    Ended half-way, it ends its servers, removes its folder and says that nothing was measured.
    """
    running = subprocess.Popen(
        [sys.executable, str(PROGRAM), "--quick", "--rows", "sqlite", "--cache", str(tmp_path / "cache")],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with running as program:
        assert program.stderr is not None
        assert any(line.startswith("serving SQLite") for line in program.stderr)
        program.terminate()
        assert "interrupted" in program.stderr.read()
    assert program.returncode == 2
    assert processes_started_with(f"TMPDIR={tmp_path}") == []
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_pinned_server_stays_on_its_core_and_its_memory_counts_what_it_started(tmp_path: Path) -> None:
    """
    The server runs on the given core alone, this process where it did; Rss counts the server's children too.
    """
    before = os.sched_getaffinity(0)
    with serve_sign_only(CORE, tmp_path / "output", os.environ) as alone:
        assert os.sched_getaffinity(alone.pid) == {CORE}
        assert os.sched_getaffinity(0) == before
        assert 0 < alone.seconds_to_ready < 30
        one = alone.resident_bytes()
    assert not Path(f"/proc/{alone.pid}").exists()
    with serve_with_child(tmp_path / "output") as parent:
        assert 10 * 2**20 < one < parent.resident_bytes()


def test_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    """
    A server that can't start fails the run soon, and what it said is in the message.
    """
    command = [sys.executable, "-c", "raise SystemExit('the port is taken')"]
    with (
        PinnedServer(
            command, cores=[CORE], port=free_port(), output=tmp_path / "output", environment=os.environ
        ) as server,
        pytest.raises(ServerError, match="ended with 1:\nthe port is taken"),
    ):
        server.wait_until_ready("/")


def test_load_on_the_sign_only_app_has_no_failures(tool: Tool, tmp_path: Path) -> None:
    """
    The load generator's real output is understood: answers, latencies and sizes fit what the app does.
    """
    with serve_sign_only(CORE, tmp_path / "output", os.environ) as server:
        load = run_load(tool, server.origin, POST, connections=4, seconds=1)
    assert load.requests > 100
    assert 0 < load.p50_ms <= load.p99_ms
    assert 600 <= load.bytes_per_answer < 900
    assert 0.5 < load.seconds < 5


def test_load_with_refused_requests_is_no_measurement(tool: Tool) -> None:
    """
    Answers that are no 2xx fail the run: quick refusals would look like speed.
    """
    with refusing_server() as origin, pytest.raises(LoadError, match="were no 2xx"):
        run_load(tool, origin, POST, connections=1, seconds=1)


def run_program(*arguments: str, temporary: Path) -> subprocess.CompletedProcess[str]:
    """
    Run the benchmark as a user does, with its temporary files below `temporary`.
    """
    return subprocess.run(
        [sys.executable, str(PROGRAM), *arguments],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def processes_started_with(variable: str) -> list[str]:
    """
    Give the command lines of all processes that have `NAME=value` in their environment.
    """
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked, or is another user's
            if variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


@contextmanager
def serve_with_child(output: Path) -> Iterator[PinnedServer]:
    """
    Serve from a parent that keeps the sign-only app as a child and ends it with itself.
    """
    port = free_port()
    child = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.sign_only_app:create_app"]
    child += ["--lifespan", "off", "--port", str(port), "--app-dir", str(PROGRAM.parents[1])]
    source = (
        "import signal, subprocess, sys\n"
        "child = subprocess.Popen(sys.argv[1:])\n"
        "signal.signal(signal.SIGTERM, lambda *_: child.terminate())\n"
        "sys.exit(0 if child.wait() is not None else 1)\n"
    )
    command = [sys.executable, "-c", source, *child]
    with PinnedServer(command, cores=[CORE], port=port, output=output, environment=os.environ) as server:
        yield server.wait_until_ready("/")


@contextmanager
def refusing_server() -> Iterator[str]:
    """
    Answer 401 to everything; give the origin.
    """

    class Refuse(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's name
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
