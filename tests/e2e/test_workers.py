"""
`watchword serve --workers`: a small supervisor, workers that may die, renewal without a failed request.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
import pytest

from tests.e2e.test_cli_serve import CERTIFICATES, alive, two_workers, wait_for, workers_of
from tests.support.long import IS_LONG
from tests.support.server import MANAGEMENT_RESOURCE

if TYPE_CHECKING:
    from tests.support.server import RunningServer

__all__ = ["two_workers"]
pytestmark = pytest.mark.e2e
KILLS = 20 if IS_LONG else 2
CLIENTS = 4
MOST_RESIDENT_KIB = 24 * 1024
CONNECTIONS = 64
MOST_HELD = 40
ESTABLISHED = "01"


@pytest.fixture
def server(two_workers: RunningServer) -> RunningServer:
    """
    Serve a home by two workers.
    """
    return two_workers


def connect(server: RunningServer) -> socket.socket:
    """
    Open a connection, and ask nothing.
    """
    host, _, port = server.endpoint.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)))


def held(server: RunningServer) -> list[int]:
    """
    Count the connections that each worker has taken.
    """
    port = int(server.endpoint.rpartition(":")[2])
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    connected = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(f":{port:04X}") and line[3] == ESTABLISHED}
    return [len(connected & files_of(pid)) for pid in workers_of(server.process.pid)]


def files_of(pid: int) -> set[str]:
    """
    Name the files that a process has open.
    """
    found = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(str(file.readlink()))
    return found


class Clients:
    """
    Threads that ask for tokens, each request on a connection of its own, until the block ends; they note failures.
    """

    def __init__(self, server: RunningServer) -> None:
        self.tokens = 0
        self.failures: list[str] = []
        self._server = server
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
        credentials = (self._server.application_id, self._server.application_secret)
        while not self._ending.is_set():
            try:
                answer = httpx.post(
                    f"{self._server.endpoint}/oidc/token",
                    data=form,
                    auth=credentials,
                    timeout=20,
                    trust_env=False,
                    verify=CERTIFICATES,
                )
            except httpx.TransportError as error:
                self.failures.append(repr(error))
                continue
            if answer.status_code != httpx.codes.OK:
                self.failures.append(answer.text)
            self.tokens += 1


def test_supervisor_is_small_and_knows_nothing_of_the_server(server: RunningServer) -> None:
    """
    It loads none of the server's code, so it takes a fraction of a worker's memory.
    """
    process = Path(f"/proc/{server.process.pid}")
    status = (process / "status").read_text()
    resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    assert resident < MOST_RESIDENT_KIB
    assert "site-packages" not in (process / "maps").read_text()


def test_workers_share_the_connections(server: RunningServer) -> None:
    """
    Of 64 that come at once neither holds more than 40: whoever wakes first leaves the others theirs.
    """
    server.http.close()  # the connection by which it was found ready
    with ExitStack() as open_ones:
        wait_for(lambda: bool(open_ones.enter_context(connect(server))) and min(held(server)) > 0, "both workers serve")
    wait_for(lambda: sum(held(server)) == 0, "those are closed")
    with ExitStack() as open_ones:
        for _ in range(CONNECTIONS):
            open_ones.enter_context(connect(server))
        wait_for(lambda: sum(held(server)) == CONNECTIONS, "all are taken")
        assert max(held(server)) <= MOST_HELD
    server.stop()


def test_stopped_worker_keeps_no_newcomer_waiting(server: RunningServer) -> None:
    """
    One that hangs is not waited for: the other takes what comes.
    """
    victim = max(workers_of(server.process.pid))
    os.kill(victim, signal.SIGSTOP)
    try:
        for _ in range(CONNECTIONS):
            answer = httpx.get(f"{server.endpoint}/health/live", timeout=5, trust_env=False)
            assert answer.status_code == httpx.codes.OK
        with ExitStack() as open_ones:
            for _ in range(CONNECTIONS):
                open_ones.enter_context(connect(server))
            # The stopped one may still have one from before.
            wait_for(lambda: max(held(server)) >= CONNECTIONS, "the other takes all")
    finally:
        os.kill(victim, signal.SIGCONT)
    server.stop()


def test_killed_worker_costs_at_most_what_it_held(server: RunningServer) -> None:
    """
    Connections that it has not taken yet are the others': nobody is refused, and no answer is anything but a token.
    """
    with Clients(server) as clients:
        for _ in range(KILLS):
            tokens = clients.tokens
            wait_for(lambda seen=tokens: clients.tokens > seen + 10, "tokens flow")  # type: ignore[misc]
            victim = max(workers_of(server.process.pid))
            os.kill(victim, signal.SIGKILL)
            wait_for(
                lambda gone=victim: len(workers_of(server.process.pid) - {gone}) == 2,  # type: ignore[misc]
                "another takes its place",
            )
    # What a killed process was answering is lost with it: at most one request of each client at each kill.
    assert all("ReadError" in failure or "RemoteProtocolError" in failure for failure in clients.failures)
    assert len(clients.failures) <= KILLS * CLIENTS
    server.stop()


def add_setting(server: RunningServer, line: str) -> None:
    """
    Add a line to the settings file of a server.
    """
    with (server.home / "watchword.toml").open("a") as file:
        file.write(f"{line}\n")


def test_renewal_replaces_all_workers_and_fails_no_request(server: RunningServer) -> None:
    """
    SIGHUP: a new worker serves before an old one goes, and has read the settings anew.
    """
    before = workers_of(server.process.pid)
    add_setting(server, 'log_format = "console"')
    with Clients(server) as clients:
        wait_for(lambda: clients.tokens > 10, "tokens flow")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: not any(alive(pid) for pid in before), "the old workers are gone")
    assert clients.failures == []
    assert server.output.count('"event": "serving"') == 1  # it has never ceased to
    assert len(workers_of(server.process.pid)) == 2
    server.stop()


def test_renewal_that_fails_leaves_the_old_workers(server: RunningServer) -> None:
    """
    Settings that can't be used are found by the first new worker, and the old ones go on.
    """
    before = workers_of(server.process.pid)
    add_setting(server, "no_such_setting = 1")
    server.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "the workers are not renewed" in server.output, "the failure is told")
    assert "no_such_setting" in server.output
    assert workers_of(server.process.pid) == before
    assert server.http.get("/health/ready").status_code == httpx.codes.OK
    server.stop()
