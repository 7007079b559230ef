"""
`kill -9` under load: every token that a client has received has its record, every change that was answered is there.
"""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_cli_serve import alive, workers_of
from tests.support.databases import IS_SQLITE
from tests.support.load import Load, recorded_tokens, wait_until
from tests.support.long import IS_LONG
from tests.support.server import start_beside, start_server
from tests.support.stored import rows_of

if TYPE_CHECKING:
    from tests.support.server import RunningServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ROUNDS, CLIENTS = (20, 16) if IS_LONG else (3, 4)
WORKERS = {"workers": "2"}


def kill_everything(server: RunningServer) -> None:
    """
    Kill the supervisor and its workers, at once.
    """
    pids = [server.process.pid, *workers_of(server.process.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    server.kill()
    wait_until(lambda: not any(alive(pid) for pid in pids), "all of them are dead")


def kill_a_worker(server: RunningServer) -> None:
    """
    Kill one worker, and wait until there are two again.
    """
    victim = min(workers_of(server.process.pid))
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(workers_of(server.process.pid) - {victim}) == 2, "another takes its place")


def check_files(home: Path) -> None:
    """
    Demand that SQLite's files are whole. PostgreSQL is not what was killed here.
    """
    for name in ("watchword.db", "tokens.db") if IS_SQLITE else ():
        with closing(sqlite3.connect(home / name, timeout=20)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def check_changes(home: Path, answered: set[str]) -> None:
    """
    Demand that each answered change is there, and that none is there by half.

    A whole one has its secret, the secret's copy, its entry in the log, and the change that other processes look for.
    """

    def ids(query: str) -> set[str]:
        return {found for (found,) in rows_of(home, query)}

    made = ids("SELECT id FROM applications WHERE name LIKE 'written %'")
    logged = ids("SELECT payload -> 'data' ->> 'id' FROM audit_events WHERE key = 'Application.Created'")
    owning = ids("SELECT s.application_id FROM application_secrets AS s JOIN secret_copies AS c ON c.secret_id = s.id")
    told = ids("SELECT key FROM changes WHERE kind = 'application'")
    assert answered <= made
    assert made <= owning
    assert made <= told
    others = {found for found in logged if found not in made}
    assert len(others) <= 1  # the first application, where `init` logs it
    assert made == logged - others


def test_kill_loses_no_token_and_no_change(tmp_path: Path) -> None:
    """
    Again and again: a worker is killed, then everything, under load by clients and writers.
    """
    server = start_server(tmp_path / "home", settings=WORKERS)
    tokens: set[str] = set()
    changes: set[str] = set()
    try:
        for _ in range(ROUNDS):
            with Load(server, clients=CLIENTS, writers=2) as load:
                load.wait_for_tokens(50)
                load.wait_for_changes(3)
                kill_a_worker(server)
                load.wait_for_tokens(50)
                load.wait_for_changes(3)
                kill_everything(server)
            assert load.answered.odd == []
            tokens |= set(load.answered.tokens)
            changes |= set(load.answered.created)
            server = start_beside(server, settings=WORKERS)
            assert "Traceback" not in server.output
            assert server.token(server.application_id, server.application_secret).status_code == 400  # no resource
            assert tokens <= recorded_tokens(server.home)
            check_files(server.home)
            check_changes(server.home, changes)
        server.stop()
    finally:
        if server.process.poll() is None:
            kill_everything(server)
    check_files(server.home)
