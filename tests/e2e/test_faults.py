"""
Disks, locks and files that fail under a server: what is refused, what goes on, and that it recovers by itself.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.databases import ABOUT_FILES
from tests.support.load import Load, recorded_tokens, wait_until
from tests.support.server import start_server
from tests.support.shop import unique

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.server import RunningServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
FEW_LINES = 20
DOCUMENTS = ("/oidc/jwks", "/oidc/.well-known/openid-configuration")


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Serve one home through all that goes wrong here, one thing after the other, without a restart.
    """
    with serving(tmp_path_factory.mktemp("faults") / "home") as running:
        yield running


@pytest.fixture
def server(survivor: RunningServer) -> Iterator[RunningServer]:
    """
    Give the server, and demand at the end that the log did not fill with one fault.
    """
    before = survivor.output.count("\n")
    yield survivor
    assert survivor.output.count("\n") - before < FEW_LINES, survivor.output


@contextmanager
def serving(home: Path) -> Iterator[RunningServer]:
    """
    Serve a home without request lines: what the log says of faults is what is counted.

    Idle connections end soon, so that newcomers need not wait long for a descriptor.
    """
    running = start_server(home, settings={"request_log": "false", "idle_timeout_seconds": "5"})
    try:
        assert running.management.get("/roles").status_code == 200
        yield running
        running.stop()
        assert "Traceback" not in running.output
    finally:
        running.kill()


def check(server: RunningServer, name: str) -> dict[str, object]:
    """
    Return what readiness says of one thing.
    """
    found: dict[str, object] = json.loads(server.http.get("/health/ready").content)["checks"].get(name, {"ok": True})
    return found


def refuses_tokens(server: RunningServer, name: str, reasons: set[str]) -> None:
    """
    Demand that tokens are refused for now, that readiness names the reason, and that the rest goes on.
    """
    answer = server.token(server.application_id, server.application_secret, resource="https://default.logto.app/api")
    assert answer.status_code == 503, answer.text
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"] == "temporarily_unavailable"
    wait_until(lambda: check(server, name).get("reason") in reasons, f"{name} is not ready for {reasons}")
    ready = server.http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
    assert str(server.home) not in ready.text
    assert server.http.get("/health/live").status_code == 200


def recovers(server: RunningServer, received: list[str]) -> None:
    """
    Demand that tokens flow again without a restart, and that each one that was received has its record.
    """
    wait_until(lambda: server.http.get("/health/ready").status_code == 200, "it is ready again")
    with Load(server, clients=2) as load:
        load.wait_for_tokens(10)
    assert load.answered.odd == []
    assert set(received) | set(load.answered.tokens) <= recorded_tokens(server.home)
    assert server.management.post("/roles", json={"name": unique("recovered"), "description": "x"}).status_code == 200


def under_load(server: RunningServer, breaks: Callable[[], None], *, until: str, reasons: set[str]) -> list[str]:
    """
    Break something under load, and demand that nobody is told anything but a token or 503; return the tokens.
    """
    with Load(server, clients=8) as load:
        load.wait_for_tokens(30)
        breaks()
        wait_until(lambda: load.answered.statuses[503] >= 8, "tokens are refused")
        refuses_tokens(server, until, reasons)
        for document in DOCUMENTS:
            assert server.http.get(document).status_code == 200
    assert load.answered.odd == []
    assert load.answered.dropped == 0
    return load.answered.tokens


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """
    Mount a disk of four megabytes, where that is allowed.
    """
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=False)
    if mounted.returncode != 0:
        pytest.skip("file systems can't be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@ABOUT_FILES
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems")
def test_full_disk(tmp_path: Path) -> None:
    """
    With the log's disk full no token leaves; when there is room, they flow again.
    """
    with small_disk(tmp_path / "disk") as disk, serving(disk / "home") as server:
        before = server.output.count("\n")
        ballast = disk / "ballast"

        def fill() -> None:
            with ballast.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(b"x" * 4096)

        received = under_load(server, fill, until="token_log", reasons={"the disk is full"})
        ballast.unlink()
        recovers(server, received)
        assert server.output.count("\n") - before < FEW_LINES, server.output


@ABOUT_FILES
def test_files_that_may_not_grow(server: RunningServer) -> None:
    """
    A limit on the size of files is a full disk in small.
    """
    pid, endless = server.process.pid, resource.RLIM_INFINITY

    def limit() -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, endless))

    received = under_load(server, limit, until="token_log", reasons={"the disk is full", "the disk reports errors"})
    answer = server.management.post("/roles", json={"name": "lost", "description": "Not to be written"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert check(server, "database_writes")["ok"] is False
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (endless, endless))
    recovers(server, received)
    assert "lost" not in {role["name"] for role in server.management.get("/roles").json()}


@ABOUT_FILES
def test_token_log_that_another_program_locks(server: RunningServer) -> None:
    """
    Somebody's shell with a transaction open: requests are refused after five seconds, then until it ends.
    """
    with closing(sqlite3.connect(server.home / "tokens.db", isolation_level=None)) as other:
        reasons = {"another program holds its lock", "a commit has not come back"}
        received = under_load(
            server, lambda: other.execute("BEGIN IMMEDIATE").close(), until="token_log", reasons=reasons
        )
        other.execute("ROLLBACK")
        recovers(server, received)


@ABOUT_FILES
def test_turn_that_another_process_never_gives_up(server: RunningServer) -> None:
    """
    A process that was stopped while it committed: nobody waits for it for ever.
    """
    with (server.home / "tokens.lock").open("w") as file:
        received = under_load(
            server,
            lambda: fcntl.flock(file, fcntl.LOCK_EX),
            until="token_log",
            reasons={"a commit has not come back"},
        )
        fcntl.flock(file, fcntl.LOCK_UN)
        recovers(server, received)


@ABOUT_FILES
def test_main_database_that_another_program_locks(server: RunningServer) -> None:
    """
    Tokens flow; changes are refused, and readiness says so without turning the load balancer away.
    """
    with closing(sqlite3.connect(server.home / "watchword.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE").close()
        with Load(server, clients=2) as load:
            load.wait_for_tokens(10)
            answer = server.management.post("/roles", json={"name": "refused", "description": "For now"})
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            ready = server.http.get("/health/ready")
            assert ready.status_code == 200
            found = {"ok": False, "reason": "another program holds its lock"}
            assert ready.json()["checks"]["database_writes"] == found
        assert set(load.answered.statuses) == {200}
        other.execute("ROLLBACK")
        recovers(server, load.answered.tokens)


@ABOUT_FILES
def test_token_log_that_is_moved_away(server: RunningServer, tmp_path: Path) -> None:
    """
    Within a second or so no token leaves any more; those before have their record in the file that was moved.
    """
    away = tmp_path / "away"
    away.mkdir()

    def move() -> None:
        for path in server.home.glob("tokens.db*"):
            path.rename(away / path.name)

    reasons = {"its file was moved, deleted or exchanged", "its file is missing or can't be opened"}
    received = under_load(server, move, until="token_log", reasons=reasons)
    for path in away.glob("tokens.db*"):
        shutil.move(path, server.home / path.name)
    recovers(server, received)  # whose records are in the file that was away


@ABOUT_FILES
def test_main_database_that_is_moved_away(server: RunningServer, tmp_path: Path) -> None:
    """
    Nothing is granted from memory, and no empty database takes its place.
    """
    away = tmp_path / "away"
    away.mkdir()
    with Load(server, clients=4) as load:
        load.wait_for_tokens(20)
        for path in server.home.glob("watchword.db*"):
            path.rename(away / path.name)
        wait_until(lambda: load.answered.statuses[503] >= 4, "tokens are refused")
        refuses_tokens(server, "database", {"its file is missing or can't be opened"})
        assert server.management.post("/roles", json={"name": "lost", "description": "x"}).status_code == 503
        assert list(server.home.glob("watchword.db*")) == []
        for path in away.iterdir():
            shutil.move(path, server.home / path.name)
    assert load.answered.odd == []
    recovers(server, load.answered.tokens)


def test_no_file_descriptors_left(server: RunningServer) -> None:
    """
    Those who are connected are served; new connections work again as soon as there are descriptors.
    """
    pid = server.process.pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    with Load(server, clients=4) as load:
        load.wait_for_tokens(20)
        opened = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (opened, hard))
        load.wait_for_tokens(20)
        assert server.http.get("/health/live").status_code == 200
        with Load(server, clients=4) as others:
            wait_until(lambda: others.answered.dropped + len(others.answered.tokens) > 0, "newcomers are turned away")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    assert load.answered.odd == []
    recovers(server, load.answered.tokens + others.answered.tokens)
