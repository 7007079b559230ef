"""
`watchword serve` as a process: ports, signals, workers, and how it ends when it can't begin.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.command import run, succeed
from tests.support.databases import give_database
from tests.support.server import clean_environment, free_port, start_server, watchword_command
from tests.support.stored import drop_trigger, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.server import RunningServer

pytestmark = pytest.mark.e2e
DEADLINE = 60.0
# Each request has a connection of its own: to read the machine's certificates for it would take longer than the rest.
CERTIFICATES = False


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Make a home.
    """
    folder = tmp_path_factory.mktemp("serve") / "home"
    give_database(folder)
    succeed("init", "--home", str(folder), "--endpoint", "http://127.0.0.1:3001")
    return folder


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[RunningServer]:
    """
    Serve a home by a supervisor with two workers, both of which serve.
    """
    server = start_server(tmp_path / "home", arguments=("--workers", "2"))
    try:
        wait_for(lambda: len({who_answers(server) for _ in range(8)}) == 2, "both workers serve")
        yield server
    finally:
        server.kill()


def who_answers(server: RunningServer) -> str:
    """
    Ask over a connection of its own, and return which worker has answered.
    """
    return httpx.get(f"{server.endpoint}/health/live", trust_env=False, verify=CERTIFICATES).headers["x-request-id"][:8]


def workers_of(pid: int) -> set[int]:
    """
    Find the worker processes of a supervisor.
    """
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            number, _, rest = path.read_text().partition(" (")
            parent = int(rest.rpartition(") ")[2].split()[1])
            if parent == pid and "--fd=" in (path.parent / "cmdline").read_text():
                found.add(int(number))
    return found


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """
    Poll until something holds.
    """
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"it did not come to pass in {DEADLINE:.0f} s: {what}")


@pytest.mark.parametrize("number", [pytest.param(1, id="one process"), pytest.param(2, id="workers")])
def test_busy_port_is_one_clear_line(number: int, home: Path) -> None:
    """
    No traceback, exit code 1, and what to do.
    """
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("serve", "--home", str(home), "--port", port, "--workers", str(number))
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"watchword: port {port} of 127.0.0.1 is taken by another program: stop that one, or ")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        pytest.param(("--host", "192.0.2.1"), 1, "not an address of this machine", id="foreign address"),
        pytest.param(("--host", "no such host"), 1, "name an address of this machine", id="unknown name"),
        pytest.param(("--port", "70000"), 2, "port: ", id="no port"),
        pytest.param(("--workers", "0"), 2, "workers: ", id="no workers"),
        pytest.param(("--endpoint", "http://id.example.com"), 2, "allow_http_endpoint", id="insecure endpoint"),
    ],
)
def test_bad_options_are_one_clear_line(arguments: tuple[str, ...], code: int, text: str, home: Path) -> None:
    """
    The message names the option.
    """
    done = run("serve", "--home", str(home), *arguments)
    assert done.code == code
    assert text in done.err.splitlines()[-1]


@pytest.mark.parametrize("number", ["1", "2"])
def test_home_that_can_not_be_served_ends_at_once(number: str, tmp_path: Path, home: Path) -> None:
    """
    With workers as well, and the reason is said once: no installation, then another master key.
    """
    port = str(free_port())
    missing = run("serve", "--home", str(tmp_path / "none"), "--port", port, "--workers", number)
    assert missing.code == 1
    assert missing.err.count("run `watchword init") == 1
    foreign = {"master_key": "abcd:" + "A" * 43 + "="}
    wrong = run("serve", "--home", str(home), "--port", port, "--workers", number, settings=foreign)
    assert wrong.code == 1
    assert wrong.err.count("is not the one of this database") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_request_in_flight_finishes_before_the_end(number: signal.Signals, tmp_path: Path) -> None:
    """
    A token request whose body is still coming when the stop signal arrives gets its token, and the exit code is 0.
    """
    server = start_server(tmp_path / "home")
    body = b"grant_type=client_credentials&resource=https%3A%2F%2Fdefault.logto.app%2Fapi&scope=all"
    credentials = f"&client_id={server.application_id}&client_secret={server.application_secret}".encode()
    url = httpx.URL(server.endpoint)
    try:
        with socket.create_connection((url.host, url.port), timeout=DEADLINE) as connection:
            head = (
                f"POST /oidc/token HTTP/1.1\r\nHost: {url.netloc.decode()}\r\nConnection: close\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body + credentials)}\r\n\r\n"
            )
            connection.sendall(head.encode() + body)
            # The server has taken the request up once it answers another one that came later.
            assert httpx.get(f"{server.endpoint}/health/live", trust_env=False).status_code == 200
            server.process.send_signal(number)
            wait_for(lambda: refuses(url), "no new connections are taken")
            connection.sendall(credentials)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"access_token" in answer
        assert server.process.wait(timeout=DEADLINE) == 0
    finally:
        server.kill()


def refuses(url: httpx.URL) -> bool:
    """
    Tell whether nobody listens any more.
    """
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((url.host, url.port or 0)) != 0


def test_workers_share_the_port_and_end_with_the_supervisor(two_workers: RunningServer) -> None:
    """
    A stop signal ends all processes, with exit code 0.
    """
    pids = workers_of(two_workers.process.pid)
    assert len(pids) == 2
    assert two_workers.management.get("/applications").status_code == 200
    two_workers.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_worker_that_dies_is_replaced(two_workers: RunningServer) -> None:
    """
    The others serve on, and soon there are as many as before.
    """
    before = workers_of(two_workers.process.pid)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_for(
        lambda: len(workers_of(two_workers.process.pid) - {victim}) == 2,
        "another worker takes the place of the dead one",
    )
    assert two_workers.management.get("/applications").status_code == 200


def test_replacement_that_can_not_start_ends_nobody(two_workers: RunningServer) -> None:
    """
    The log says why; the other one goes on, and only when nobody serves any more the supervisor stops.
    """
    with stored(two_workers.home) as database, database.write() as connection:
        drop_trigger(connection, "watch_roles_role_delete", "roles")
    first, second = workers_of(two_workers.process.pid)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: "a worker can't start" in two_workers.output, "the replacement says what it lacks")
    assert "run `watchword doctor --repair`" in two_workers.output
    # By a connection of its own: one that is there may be the killed one's.
    assert httpx.get(f"{two_workers.endpoint}/health/live", trust_env=False).status_code == 200
    os.kill(second, signal.SIGKILL)
    assert two_workers.process.wait(timeout=DEADLINE) == 1
    assert two_workers.output.splitlines()[-1].startswith("watchword: a worker could not start")


def test_killed_supervisor_leaves_no_orphan(two_workers: RunningServer) -> None:
    """
    Nobody holds the port after a crash of the process that everybody knows.
    """
    pids = workers_of(two_workers.process.pid)
    two_workers.kill()
    wait_for(lambda: not any(alive(pid) for pid in pids), "the workers end by themselves")
    with pytest.raises(httpx.TransportError):
        two_workers.http.get("/health/live")


def alive(pid: int) -> bool:
    """
    Tell whether a process runs; one that only waits to be reaped does not.
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[0] != "Z"
    except OSError:
        return False


def test_file_limit_is_raised_to_the_hard_one(tmp_path: Path) -> None:
    """
    Thousands of clients that stall don't keep the next one out.
    """
    server = start_server(tmp_path / "home")
    with server:
        limits = Path(f"/proc/{server.process.pid}/limits").read_text()
        _, soft, hard, _ = next(line for line in limits.splitlines() if line.startswith("Max open files")).rsplit(
            maxsplit=3
        )
        assert soft == hard


def test_init_option_makes_the_home_once(tmp_path: Path) -> None:
    """
    The first start makes the home with its endpoint for good, the credentials go into a file; the second makes nothing.
    """
    home, port = tmp_path / "home", str(free_port())
    give_database(home)
    command = watchword_command("serve", "--home", str(home), "--port", port, "--init")
    for run_number in (1, 2):
        log = tmp_path / f"{run_number}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command, env=clean_environment({}), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        try:
            wait_for(lambda: not refuses(httpx.URL(f"http://127.0.0.1:{port}")), "it listens")
            assert httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False, timeout=DEADLINE).is_success
        finally:
            process.terminate()
            assert process.wait(timeout=DEADLINE) == 0
        assert ("first-application.json" in log.read_text()) == (run_number == 1)
        assert "ww_" not in log.read_text()
    assert f'endpoint = "http://127.0.0.1:{port}"' in (home / "watchword.toml").read_text()
