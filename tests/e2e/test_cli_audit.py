"""
`watchword audit` as an auditor uses it: beside a server, on a home whose log was changed, into a pipe.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.command import run, succeed
from tests.support.home import settings_of
from tests.support.sealed import add_some_tokens, seal
from tests.support.server import clean_environment, watchword_command
from tests.support.stored import execute_on_tokens, stored
from watchword.server.bootstrap import open_context
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.e2e
PATIENCE_SECONDS = 30.0


@pytest.fixture
def home(home: Path) -> Path:
    """
    A home with a sealed log.
    """
    write(home, 5)
    return home


def write(home: Path, count: int) -> None:
    """
    Add records of tokens and seal them, as a server does.
    """
    with closing(open_context(settings_of(home), NoRequestLines())) as context:
        add_some_tokens(context, count)
        seal(context)


def tamper(home: Path, statement: str) -> None:
    """
    Change the token log behind the server's back.
    """
    with stored(home) as database:
        execute_on_tokens(database, statement)


def test_verification_proves_a_log_up_to_an_exported_head(home: Path, tmp_path: Path) -> None:
    """
    The heads go into a file; later the log still leads there.
    """
    exported = tmp_path / "heads.jsonl"
    exported.write_text(succeed("audit", "heads", "--home", str(home)).out)
    write(home, 3)
    found = succeed("audit", "verify", "--home", str(home), "--head", str(exported), "--json").json
    assert found["ok"] is True
    tokens = found["chains"][1]
    assert (tokens["chain"], tokens["records"], tokens["seal"]) == ("token_events", 8, 2)
    assert [head["seal"] for head in tokens["exportedHeads"]] == [1]
    text = succeed("audit", "verify", "--home", str(home), "--head", str(exported)).out
    assert "token_events: proved: 8 records from number 1 to 8, 2 seals" in text
    assert "is seal 1, up to number 5" in text


def test_changed_record_is_told(home: Path) -> None:
    """
    By number and seal, with exit code 1.
    """
    tamper(home, "UPDATE token_events SET application_id = 'innocent' WHERE number = 3")
    done = run("audit", "verify", "--home", str(home))
    assert done.code == 1
    assert "among the records 1 to 5, seal 1: a record or the seal was changed" in done.out
    assert "not as they were sealed" in done.err
    found = run("audit", "verify", "--home", str(home), "--json")
    assert (found.code, found.json["ok"]) == (1, False)


def test_cut_log_does_not_lead_to_an_exported_head(home: Path) -> None:
    """
    Even where seals and marks went with the records.
    """
    heads = [json.loads(line) for line in succeed("audit", "heads", "--home", str(home)).out.splitlines()]
    (head,) = (each["head"] for each in heads if each["chain"] == "token_events")
    for table in ("token_events", "log_seals", "log_marks", "log_counts"):
        tamper(home, f"DELETE FROM {table}")
    assert run("audit", "verify", "--home", str(home)).code == 0
    done = run("audit", "verify", "--home", str(home), "--head", head)
    assert done.code == 1
    assert "cut or rewritten since it was exported" in done.err


def test_file_without_a_head_is_refused(home: Path, tmp_path: Path) -> None:
    """
    Nothing is proved by an empty file.
    """
    empty = tmp_path / "empty"
    empty.touch()
    done = run("audit", "verify", "--home", str(home), "--head", str(empty))
    assert done.code == 2
    assert "holds no head" in done.err


def follow(home: Path, cursor: Path, *arguments: str) -> list[dict[str, object]]:
    """
    Follow the logs once.
    """
    done = succeed("audit", "follow", "--home", str(home), "--cursor", str(cursor), "--once", *arguments)
    return [json.loads(line) for line in done.out.splitlines()]


def test_cron_job_reads_on_where_the_last_one_ended(home: Path, tmp_path: Path) -> None:
    """
    Each record once, as long as nothing fails; the cursor is its owner's alone.
    """
    cursor = tmp_path / "cursor"
    first = follow(home, cursor)
    assert [line["number"] for line in first if line["kind"] == "record" and line["chain"] == "token_events"] == [
        1,
        2,
        3,
        4,
        5,
    ]
    assert follow(home, cursor) == []
    write(home, 2)
    again = follow(home, cursor)
    assert [line["number"] for line in again if line["kind"] == "record"] == [6, 7]
    assert cursor.stat().st_mode & 0o777 == 0o600


def test_cursor_that_does_not_fit_is_refused(home: Path, tmp_path: Path) -> None:
    """
    The log that was read is longer than the one that is there: the cursor stays as it is.
    """
    cursor = tmp_path / "cursor"
    follow(home, cursor)
    before = cursor.read_bytes()
    tamper(home, "DELETE FROM token_events")
    tamper(home, "DELETE FROM log_marks")
    done = run("audit", "follow", "--home", str(home), "--cursor", str(cursor), "--once")
    assert done.code == 1
    assert "an earlier copy of the database" in done.err
    assert cursor.read_bytes() == before


def start(home: Path, cursor: Path, out: int) -> subprocess.Popen[bytes]:
    """
    Start to follow.
    """
    return subprocess.Popen(
        watchword_command("audit", "follow", "--home", str(home), "--cursor", str(cursor)),
        env=clean_environment({}),
        stdout=out,
        stderr=subprocess.PIPE,
    )


def wait_until(holds: Callable[[], bool]) -> None:
    """
    Wait for a condition.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_follower_goes_on_until_a_stop_signal(home: Path, tmp_path: Path) -> None:
    """
    What is written later comes as well; SIGTERM ends it well, and a second follower with this cursor is refused.
    """
    cursor, out = tmp_path / "cursor", tmp_path / "out"
    with out.open("wb") as file:
        process = start(home, cursor, file.fileno())
    try:
        wait_until(lambda: b'"number":5' in out.read_bytes())
        second = run("audit", "follow", "--home", str(home), "--cursor", str(cursor), "--once")
        assert (second.code, "another process" in second.err) == (1, True)
        write(home, 2)
        wait_until(lambda: b'"number":7' in out.read_bytes())
    finally:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, told) == (0, b"")
    assert follow(home, cursor) == []


def test_reader_that_hangs_up_gets_it_again(home: Path, tmp_path: Path) -> None:
    """
    A broken pipe ends the follower; what was not taken comes with the next one.
    """
    cursor = tmp_path / "cursor"
    reading, writing = os.pipe()
    os.close(reading)
    process = start(home, cursor, writing)
    os.close(writing)
    _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, told) == (1, b"")
    assert not cursor.exists()
    assert len(follow(home, cursor)) > 5


def test_follower_whose_reader_stalls_ends_at_a_stop_signal(home: Path, tmp_path: Path) -> None:
    """
    It does not wait for ever in a full pipe, and notes nothing that was not taken.
    """
    write(home, 2_000)
    cursor = tmp_path / "cursor"
    reading, writing = os.pipe()
    process = start(home, cursor, writing)
    os.close(writing)
    wait_until(lambda: len(os.read(reading, 1)) == 1)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=PATIENCE_SECONDS)
    os.close(reading)
    assert (process.returncode, told) == (0, b"")
    seen = follow(home, cursor)
    assert [line["number"] for line in seen if line["kind"] == "record"][-1] == 2_005
