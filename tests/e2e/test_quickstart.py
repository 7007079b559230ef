"""
`watchword quickstart` as its users meet it: real processes, real sockets, a home of its own.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import socket
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.support.node import node_executable
from tests.support.quickstart import (
    SECRET,
    RunningQuickstart,
    child_processes,
    free_ports,
    listening_addresses,
    quickstart_command,
    run_quickstart,
    start_quickstart,
    stored_credentials,
)
from tests.support.server import MANAGEMENT_RESOURCE, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
SETTINGS_OF_ANOTHER_HOME = {
    "WATCHWORD_HOME": "/nonexistent",
    "WATCHWORD_ENDPOINT": "https://id.example.com",
    "WATCHWORD_PORT": "1",
    "WATCHWORD_NO_SUCH_SETTING": "1",
    "http_proxy": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningQuickstart]:
    """
    Give a first quick start that stays up, its output in a file.
    """
    with start_quickstart(tmp_path_factory.mktemp("quickstart") / "a home's folder") as quickstart:
        yield quickstart


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """
    What a run with --json has said, and how many things were in the server then.
    """

    report: dict[str, Any]
    steps: str
    counts: dict[str, int]


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """
    Give two runs in one home, one after the other.
    """
    home = tmp_path_factory.mktemp("quickstart") / "home"
    return run_and_count(home), run_and_count(home)


@pytest.fixture
def old_home(two_runs: tuple[Run, Run], tmp_path: Path) -> Path:
    """
    Give a copy of a home that has seen runs.
    """
    return Path(shutil.copytree(two_runs[0].report["home"], tmp_path / "home"))


def run_and_count(home: Path) -> Run:
    """
    Run with --json and, while it stays up, count what the server holds.
    """
    with start_quickstart(home, "--json") as quickstart:
        report = json.loads(quickstart.output)
        counts = {
            name: len(ask_management(report, f"/{name}?page_size=100"))
            for name in ("applications", "resources", "roles", "users")
        }
        counts |= {"secrets": len(ask_management(report, f"/applications/{report['application']['id']}/secrets"))}
        return Run(report=report, steps=quickstart.errors, counts=counts)


def ask_management(report: dict[str, Any], path: str) -> Any:  # noqa: ANN401 - JSON
    """
    Read from the Management API with the credentials of a report.
    """
    application = report["management_application"]
    form = {"grant_type": "client_credentials", "resource": report["management_resource"], "scope": "all"}
    with httpx.Client(trust_env=False, timeout=20) as http:
        token = http.post(report["token_endpoint"], data=form, auth=(application["id"], application["secret"]))
        headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
        return http.get(report["management_api"] + path, headers=headers).raise_for_status().json()


# --- What is printed -----------------------------------------------------------------------------


def test_json_is_one_object_with_all_a_program_needs(two_runs: tuple[Run, Run]) -> None:
    """
    Endpoints, resources, credentials that work, checks that passed; the steps are elsewhere.
    """
    report = two_runs[0].report
    assert report["issuer"] == f"{report['endpoint']}/oidc"
    assert report["management_resource"] == MANAGEMENT_RESOURCE
    assert report["products_resource"] == "https://shopping.api"
    assert report["passed"]
    assert {check["passed"] for check in report["checks"]} == {True}
    names = {check["name"] for check in report["checks"]}
    assert {"a read-only token may not write", "a tampered token is worth nothing"} <= names
    for part in ("application", "management_application", "first_application"):
        assert SECRET.fullmatch(report[part]["secret"])
    assert "1  Start the authorization server" in two_runs[0].steps
    assert f"All {len(report['checks'])} checks passed." in two_runs[0].steps


def test_second_run_reuses_everything(two_runs: tuple[Run, Run]) -> None:
    """
    The same applications with the same secrets, the same user with its data carried on; nothing twice.
    """
    first, second = two_runs
    assert first.counts == second.counts
    assert second.counts == {"applications": 3, "resources": 2, "roles": 2, "users": 1, "secrets": 1}
    for member in ("application", "management_application", "first_application", "user_id"):
        assert first.report[member] == second.report[member]
    assert "created" in first.steps
    assert "created" not in second.steps
    assert '{"quickStartRuns":2}' in second.steps


@pytest.mark.parametrize("which", [pytest.param(0, id="first run"), pytest.param(1, id="second run")])
def test_json_mode_keeps_secrets_out_of_the_steps(two_runs: tuple[Run, Run], which: int) -> None:
    """
    Standard error may go anywhere: it holds no secret, no Basic header, no token.
    """
    steps = two_runs[which].steps
    assert not SECRET.search(steps)
    assert not TOKEN.search(steps)
    assert "Authorization: Basic " in steps
    assert re.search(r"Authorization: Basic \w{3}\*\*\*$", steps, re.MULTILINE)


def test_piped_output_holds_no_secret_and_names_the_file_that_does(running: RunningQuickstart) -> None:
    """
    Where no terminal is, secrets are in a file for its owner alone.
    """
    assert not SECRET.search(running.output + running.errors)
    assert not TOKEN.search(running.output + running.errors)
    path = running.home / "credentials.env"
    assert str(path) in running.output
    assert path.stat().st_mode & 0o777 == 0o600
    values = stored_credentials(running.home)
    assert sorted(values) == sorted(
        f"{part}_{half}"
        for part in ("APPLICATION", "FIRST_APPLICATION", "MANAGEMENT_APPLICATION")
        for half in ("ID", "SECRET")
    )
    assert "\x1b" not in running.output


def test_nothing_secret_is_in_command_lines_and_logs(running: RunningQuickstart) -> None:
    """
    Everybody on the machine can list processes, and logs travel.
    """
    secrets = [value for name, value in stored_credentials(running.home).items() if name.endswith("_SECRET")]
    logs = {path.name: path.read_text() for path in (running.home / "logs").iterdir()}
    assert {"server.log", "products-api.log"} <= logs.keys()
    assert logs["server.log"]
    for text in (*child_processes(running.home).values(), *logs.values()):
        assert not TOKEN.search(text)
        assert not any(secret in text for secret in secrets)


def test_home_is_for_its_owner_alone(running: RunningQuickstart) -> None:
    """
    The folders are 0700, and what holds keys, secrets or logs is 0600.
    """
    assert running.home.stat().st_mode & 0o777 == 0o700
    private = [*(running.home / "logs").iterdir(), *running.home.glob("*.db"), *running.home.glob("*.key")]
    assert len(private) >= 5
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}


def test_children_listen_on_this_machine_only(running: RunningQuickstart) -> None:
    """
    Two servers, each on one port of 127.0.0.1.
    """
    addresses = [listening_addresses(process_id) for process_id in child_processes(running.home)]
    assert len(addresses) == 2
    assert all(len(one) == 1 and next(iter(one)).startswith("127.0.0.1:") for one in addresses)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        pytest.param("# Your API, with curl", "Teapot", id="curl, products"),
        pytest.param("# Your API, with Node.js 18 or newer", "Teapot", id="Node.js, products"),
        pytest.param("# The Management API, with curl", "User data service", id="curl, Management API"),
    ],
)
def test_pasted_command_works(running: RunningQuickstart, title: str, expected: str) -> None:
    """
    What the last page shows can be pasted into another terminal as it is.
    """
    command = running.output.split(title, 1)[1].split("\n\n", 1)[0]
    node = Path(node_executable()).parent
    done = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "PATH": f"{node}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [pytest.param({}, True, id="colours"), pytest.param({"NO_COLOR": "1"}, False, id="NO_COLOR")],
)
def test_terminal_shows_secrets_and_lines_that_fit(
    old_home: Path, environment: dict[str, str], is_coloured: bool
) -> None:
    """
    On a terminal of 80 columns the credentials are there, and only what is to be copied is longer than a line.
    """
    shown = run_on_terminal(quickstart_command(old_home, "--exit"), environment, columns=80)
    assert ("\x1b[1m" in shown) == is_coloured
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", shown).replace("\r\n", "\n")
    credentials = stored_credentials(old_home)
    assert f"Product sync, secret      {credentials['APPLICATION_SECRET']}\n" in text
    assert re.search(r"^http://127\.0\.0\.1:\d+/console/join#\w{44}$", text, re.MULTILINE)
    steps, _, _ = text.partition("To paste into another terminal")
    too_long = [line for line in steps.splitlines() if len(line.split("\r")[-1]) > 80]
    allowed = ('{"access_token"', " " * 13 + "Authorization: ")
    assert all(line.startswith(allowed) or str(old_home) in line for line in too_long), too_long
    assert json.loads(next(line for line in too_long if line.startswith("{")))["token_type"] == "Bearer"


def run_on_terminal(command: list[str], environment: dict[str, str], *, columns: int) -> str:
    """
    Run a command on a terminal of its own and return all that it showed.
    """
    ours, theirs = pty.openpty()
    resize = ["sh", "-c", f'stty columns {columns} && exec "$@"', "sh"]
    process = subprocess.Popen(
        [*resize, *command],
        env={**clean_environment({}), "TERM": "xterm", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        try:
            while chunk := terminal.read(65536):
                shown += chunk
        except OSError:  # Linux says EIO once the other side has closed
            pass
    assert process.wait(20) == 0, shown.decode()
    return shown.decode()


# --- Ports, neighbours and settings --------------------------------------------------------------


def test_busy_ports_are_passed_over_for_this_run_alone(tmp_path: Path) -> None:
    """
    The next free ports serve this run; the settings file keeps its endpoint, and the next run is back on it.
    """
    home, ports = tmp_path / "home", free_ports()
    with socket.create_server(("127.0.0.1", ports[0])), socket.create_server(("127.0.0.1", ports[1])):
        done = run_quickstart(home, "--json", ports=ports, environment=SETTINGS_OF_ANOTHER_HOME)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["endpoint"] != f"http://127.0.0.1:{ports[0]}"
    assert report["console_link"].startswith(f"{report['endpoint']}/console/join#")
    assert report["products_api"] != f"http://127.0.0.1:{ports[1]}"
    assert f"{ports[0]} is busy" in done.stderr
    assert f"{ports[1]} is busy" in done.stderr
    settings = home / "watchword.toml"
    assert tomllib.loads(settings.read_text()) == {"endpoint": f"http://127.0.0.1:{ports[0]}"}
    again = run_quickstart(home, "--json", ports=ports)
    assert json.loads(again.stdout)["issuer"] == f"http://127.0.0.1:{ports[0]}/oidc"
    assert json.loads(again.stdout)["application"] == report["application"]


def test_second_quick_start_in_one_home_says_so(running: RunningQuickstart) -> None:
    """
    It ends at once, names the process that is there, and leaves it alone.
    """
    before = child_processes(running.home)
    done = run_quickstart(running.home)
    assert done.returncode == 1
    assert f"process {running.process.pid}" in done.stderr
    assert done.stdout == ""
    assert child_processes(running.home) == before
    assert running.process.poll() is None


def test_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """
    A folder that holds something, an installation above all, is refused untouched.
    """
    (tmp_path / "watchword.db").write_text("precious")
    done = run_quickstart(tmp_path)
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["watchword.db"]
