"""
`watchword doctor`: what it finds wrong with a home, and the repair of change tracking.
"""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.home import settings_of
from tests.support.sealed import add_some_tokens
from watchword.cli.doctor import _examine
from watchword.cli.doctor import server as server_checks
from watchword.cli.doctor.finding import Finding
from watchword.server.bootstrap import open_context, open_ground
from watchword.server.jobs import token_log_mark
from watchword.server.storage.sqlite.looker import SqliteLooker
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Callable

TRIGGER = "watch_application_roles_application_delete"


def examine(home: Path, *, repair: bool = False) -> list[Finding]:
    """
    Check all that needs no server.
    """
    return list(_examine(settings_of(home), repair=repair, offline=True))


def clock_of(home: Path, *, repair: bool = False) -> Finding:
    """
    Check the clock.
    """
    (clock,) = [finding for finding in examine(home, repair=repair) if finding.check == "clock"]
    return clock


def execute(path: Path, statement: str) -> None:
    """
    Run raw SQL behind the server's back.
    """
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_sound_home_is_found_sound(home: Path) -> None:
    """
    Every check says what it looked at.
    """
    home.chmod(0o700)
    findings = examine(home)
    assert [finding.text for finding in findings if not finding.ok] == []
    assert {finding.check for finding in findings} == {
        "home",
        "database",
        "installation",
        "master key",
        "clock",
        "search",
        "change tracking",
    }


def test_file_that_is_gone_once_the_folder_was_read_is_no_fault(home: Path) -> None:
    """
    SQLite's logs go at any moment, with the last program that has the database open: here a name with nothing behind.
    """
    home.chmod(0o700)
    (home / "other.db-shm").symlink_to(home / "gone")
    assert [finding.text for finding in examine(home) if not finding.ok] == []


def append(path: Path, text: str) -> None:
    """
    Add to a file.
    """
    with path.open("a") as file:
        file.write(text)


def damage(path: Path) -> None:
    """
    Overwrite pages in the middle of a file.
    """
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 8192)


@pytest.mark.parametrize(
    ("break_it", "check", "text"),
    [
        pytest.param(lambda home: home.chmod(0o755), "home", "chmod 700", id="folder open to others"),
        pytest.param(
            lambda home: (home / "watchword.db").chmod(0o644),
            "home",
            "chmod 600 .*watchword.db",
            id="file open to others",
        ),
        pytest.param(shutil.rmtree, "home", "run `watchword init", id="no home"),
        pytest.param(
            lambda home: (home / "tokens.db").unlink(), "database", "restore it from a backup", id="file missing"
        ),
        pytest.param(lambda home: damage(home / "watchword.db"), "database", "restore a backup", id="damaged"),
        pytest.param(
            lambda home: (home / "watchword.db").write_text("hello" * 1000),
            "database",
            "file is not a database",
            id="no database",
        ),
        pytest.param(
            lambda home: (home / "watchword.db").write_bytes(b""),
            "database",
            "holds nothing: run `watchword init`",
            id="empty",
        ),
        pytest.param(
            lambda home: execute(home / "watchword.db", "UPDATE alembic_version SET version_num = '9999-from-9998'"),
            "database",
            "run the newer version that wrote it",
            id="newer schema",
        ),
        pytest.param(
            lambda home: execute(home / "tokens.db", "UPDATE alembic_version SET version_num = '0000'"),
            "database",
            "run `watchword db migrate`",
            id="older schema",
        ),
        pytest.param(
            lambda home: execute(home / "tokens.db", "UPDATE installation SET id = 'other'"),
            "installation",
            "is of installation other",
            id="another installation's token log",
        ),
        pytest.param(
            lambda home: (home / "master.key").unlink(), "master key", "the master key is missing", id="no master key"
        ),
        pytest.param(
            lambda home: append(home / "master.key", f"abcd:{'A' * 43}=\n"),
            "master key",
            "run `watchword master-key rotate`",
            id="rotation that is not finished",
        ),
        pytest.param(
            lambda home: execute(home / "watchword.db", f"DROP TRIGGER {TRIGGER}"),
            "change tracking",
            f"{TRIGGER}: .*watchword doctor --repair",
            id="trigger missing",
        ),
        pytest.param(
            lambda home: execute(home / "watchword.db", "DELETE FROM change_counters"),
            "change tracking",
            "counter of default",
            id="counter missing",
        ),
        pytest.param(
            lambda home: execute(
                home / "watchword.db", f"UPDATE audit_events SET created_at = {time.time_ns() // 1000 + 3_600_000_000}"
            ),
            "clock",
            "3[56]\\d\\d s ahead of it: set it right",
            id="clock behind the records",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    break_it: Callable[[Path], object], check: str, text: str, home: Path
) -> None:
    """
    One line each, and the checks that still make sense go on.
    """
    home.chmod(0o700)
    break_it(home)
    wrong = [finding for finding in examine(home) if not finding.ok]
    assert [finding.check for finding in wrong] == [check]
    with pytest.raises(AssertionError, match=text):  # `match` searches as the other tests do
        raise AssertionError(wrong[0].text)


def test_repair_voids_all_that_running_servers_remember(home: Path) -> None:
    """
    A server that looked before the repair drops everything at its next look, then goes on as usual.
    """
    database = home / "watchword.db"
    with closing(SqliteLooker(database)) as looker:
        seen = looker.since("default", None).mark
        execute(database, f"DROP TRIGGER {TRIGGER}")
        execute(database, "DELETE FROM application_roles")
        assert looker.since("default", seen).keys == (), "the change went by unheard"
        assert [finding.ok for finding in examine(home, repair=True)][-1]
        voided = looker.since("default", seen)
        assert voided.keys is None
        assert looker.since("default", voided.mark).keys == ()
        execute(database, "UPDATE applications SET name = 'x'")
        changed = looker.since("default", voided.mark).keys
        assert changed is not None
        assert [kind for kind, _ in changed] == ["application"]
    home.chmod(0o700)
    assert all(finding.ok for finding in examine(home))


def test_repair_confirms_the_time_against_records_from_the_future(home: Path) -> None:
    """
    What a server has to wait for is no longer the record of a clock that was wrong.
    """
    future = time.time_ns() // 1000 + 3_600_000_000
    execute(
        home / "tokens.db",
        f"INSERT INTO token_events (tenant_id, key, payload, created_at) VALUES ('default', 'x', '{{}}', {future})",
    )
    wrong = clock_of(home)
    assert "if it is right and the record is wrong, run `watchword doctor --repair`" in wrong.text
    with closing(open_context(settings_of(home), NoRequestLines())) as ctx:
        assert "behind the newest record" in str(ctx.vitals.time_fault)
        examine(home, repair=True)
    with closing(open_context(settings_of(home), NoRequestLines())) as ctx:
        assert ctx.vitals.time_fault is None
    assert clock_of(home).ok


def test_repair_confirms_the_time_where_the_token_log_is_behind_its_mark(home: Path) -> None:
    """
    An earlier copy was put back: what was noted of the later one, in the future, is not waited for either.
    """
    settings, future = settings_of(home), timedelta(hours=1)
    with closing(open_context(settings, NoRequestLines())) as ctx:
        add_some_tokens(ctx, 2)
        token_log_mark.run_once(ctx, ctx.clock() + future)
    execute(home / "tokens.db", "DELETE FROM token_events WHERE number = 2")
    assert not clock_of(home).ok
    assert "taken for right" in clock_of(home, repair=True).text
    assert clock_of(home).ok
    with closing(open_context(settings, NoRequestLines())) as ctx:
        assert ctx.vitals.time_fault is None


def test_time_that_was_confirmed_stays_so(home: Path) -> None:
    """
    What was recorded in the future until then is of the clock that was wrong; from the confirmation on records count.
    """
    future = time.time_ns() // 1000 + 3_600_000_000
    ahead = f"UPDATE audit_events SET created_at = {future} WHERE number = (SELECT max(number) FROM audit_events)"
    execute(home / "watchword.db", ahead)
    assert "taken for right" in clock_of(home, repair=True).text
    assert clock_of(home).ok
    execute(home / "watchword.db", ahead)
    assert not clock_of(home).ok


def test_repair_of_a_history_that_never_began(home: Path) -> None:
    """
    A server that has seen no change at all, and a counter that is gone, are both caught up.
    """
    database = home / "watchword.db"
    for table in ("changes", "change_counters"):
        execute(database, f"DELETE FROM {table}")
    with closing(SqliteLooker(database)) as looker:
        seen = looker.since("default", None).mark
        examine(home, repair=True)
        assert looker.since("default", seen).keys is None


def test_repair_is_in_the_log(home: Path) -> None:
    """
    Whoever asks later what happened finds it; a repair that had nothing to do leaves nothing.
    """
    examine(home, repair=True)
    execute(home / "watchword.db", f"DROP TRIGGER {TRIGGER}")
    examine(home, repair=True)
    with open_ground(settings_of(home)) as ground:
        query = "SELECT payload FROM audit_events WHERE key = 'ChangeTracking.Restored'"
        (payload,) = ground.connection.exec_driver_sql(query).scalars()
    assert TRIGGER in payload


@pytest.mark.parametrize(
    ("ready", "issuer", "date", "check", "text"),
    [
        pytest.param(200, "http://127.0.0.1:3001/oidc", None, None, "", id="all well"),
        pytest.param(503, "http://127.0.0.1:3001/oidc", None, "endpoint", "answers 503, not ready", id="not ready"),
        pytest.param(200, "https://other/oidc", None, "issuer", "says https://other/oidc", id="another issuer"),
        pytest.param(
            200,
            "http://127.0.0.1:3001/oidc",
            "Tue, 24 Nov 2020 12:00:00 GMT",
            "server's clock",
            "set both right",
            id="another time",
        ),
        pytest.param(200, "http://127.0.0.1:3001/oidc", "x", "server's clock", "have no date", id="no time"),
    ],
)
def test_server_is_checked_as_others_see_it(  # noqa: PLR0917 - a row, and pytest's own
    ready: int,
    issuer: str,
    date: str | None,
    check: str | None,
    text: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Readiness, issuer and clock.
    """
    headers = {"date": date or time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health/ready":
            return httpx.Response(ready, headers=headers, json={})
        return httpx.Response(200, json={"issuer": issuer})

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **more: client(transport=httpx.MockTransport(answer), **more))
    wrong = [finding for finding in server_checks.check_server(settings_of(home)) if not finding.ok]
    assert [finding.check for finding in wrong] == ([] if check is None else [check])
    assert all(text in finding.text for finding in wrong)
