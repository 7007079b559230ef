"""
The commands that manage a server: the same story over the network and on the home, with the same results.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.command import Done, credentials_of, run, succeed
from tests.support.shop import unique

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import RunningServer

pytestmark = pytest.mark.e2e


class Way:
    """
    How commands reach a server.
    """

    def __init__(self, server: RunningServer, folder: Path, *, local: bool) -> None:
        """
        Go over the network or to the home.
        """
        self._arguments = ("--home", str(server.home)) if local else ()
        self._settings = {} if local else credentials_of(server)
        self._folder = folder

    def run(self, *arguments: str, stdin: str = "") -> Done:
        """
        Run a command.
        """
        return run(*arguments, *self._arguments, settings=self._settings, stdin=stdin, folder=self._folder)

    def succeed(self, *arguments: str, stdin: str = "") -> Done:
        """
        Run a command that must succeed.
        """
        return succeed(*arguments, *self._arguments, settings=self._settings, stdin=stdin, folder=self._folder)


@pytest.fixture(params=[pytest.param(False, id="over the network"), pytest.param(True, id="on the home")])
def way(request: pytest.FixtureRequest, server: RunningServer, tmp_path: Path) -> Way:
    """
    Reach the running server in both ways in turn.
    """
    return Way(server, tmp_path, local=request.param)


@pytest.fixture
def network(server: RunningServer, tmp_path: Path) -> Way:
    """
    Reach the running server over the network.
    """
    return Way(server, tmp_path, local=False)


def test_shop_is_set_up_and_its_application_gets_a_token(way: Way, server: RunningServer) -> None:
    """
    What commands make, the token endpoint of the running server knows at once; what they take away, too.
    """
    shop, api, role = unique("shop"), f"https://{unique('api')}.example", unique("reader")
    way.succeed("resources", "create", shop, api)
    way.succeed("resources", "scopes", "create", api, "read:products")
    way.succeed("roles", "create", role, "--scope", "read:products", "--resource", api)
    made = way.succeed("apps", "create", shop, "--json").json
    way.succeed("apps", "roles", "add", shop, role)
    granted = server.token(made["id"], made["secret"], resource=api, scope="read:products write:products")
    assert granted.json()["scope"] == "read:products"
    assert way.succeed("apps", "roles", "remove", shop, role).err == f"Took {role} from {shop}.\n"
    assert "scope" not in server.token(made["id"], made["secret"], resource=api, scope="read:products").json()
    way.succeed("apps", "delete", shop)
    assert server.token(made["id"], made["secret"], resource=api).status_code == 401


def test_output_is_for_people_or_for_programs(network: Way) -> None:
    """
    A table with a row for each record, or an array; standard error stays empty.
    """
    name = unique("listed")
    network.succeed("apps", "create", name, "--json")
    table = network.succeed("apps", "list", "--search", name)
    assert table.err == ""
    header, row = table.out.splitlines()
    assert header.split() == ["ID", "NAME", "TYPE", "CREATED"]
    assert name in row
    (listed,) = network.succeed("apps", "list", "--search", name, "--json").json
    assert row.split()[0] == listed["id"]


def test_secret_goes_into_a_file_and_never_into_the_output(network: Way, server: RunningServer, tmp_path: Path) -> None:
    """
    Away from a terminal the secret is in a private file in the current folder, and works.
    """
    done = network.succeed("apps", "create", unique("a"))
    (path,) = tmp_path.glob("watchword-*.json")
    held = json.loads(path.read_text())
    assert held["application_secret"] not in done.out + done.err
    assert path.stat().st_mode & 0o777 == 0o600
    assert server.token(held["application_id"], held["application_secret"]).status_code != 401


def test_user_data_is_merged_from_standard_input(network: Way) -> None:
    """
    Data that shall not stand on the command line comes through a pipe.
    """
    name = unique("user")
    network.succeed("users", "create", "--username", name, "--custom-data", '{"a": 1}')
    network.succeed("users", "custom-data", "merge", name, "-", stdin='{"b": 2}')
    assert network.succeed("users", "custom-data", "get", name).json == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        pytest.param(("apps", "show", "nobody-at-all"), 3, "there is no application nobody-at-all", id="not found"),
        pytest.param(("apps", "update", "x"), 2, "nothing to change: give at least one of --name", id="nothing to do"),
        pytest.param(("apps", "create", "x", "--custom-data", "[]"), 2, "no object", id="bad JSON"),
        pytest.param(("roles", "create", "#internal:admin"), 1, "choose another name", id="taken"),
        pytest.param(("resources", "delete", "management-api"), 2, "belongs to the server", id="built in"),
    ],
)
def test_failure_is_one_line_with_an_exit_code(network: Way, arguments: tuple[str, ...], code: int, text: str) -> None:
    """
    Standard output stays empty.
    """
    done = network.run(*arguments)
    assert done.code == code
    assert done.out == ""
    assert done.err.startswith("watchword: ")
    assert text in done.err
    assert done.err.count("\n") == 1


def test_log_tells_the_two_ways_apart(server: RunningServer, tmp_path: Path) -> None:
    """
    A change over the network names the application; one on the home says that it was the machine's owner.
    """
    for local, actor in ((False, {"type": "application", "id": server.application_id}), (True, {"type": "local"})):
        way, name = Way(server, tmp_path, local=local), unique("role")
        way.succeed("roles", "create", name)
        (entry,) = way.succeed("logs", "list", "--key", "Role.Created", "--limit", "1", "--json").json
        assert entry["payload"]["actor"] == actor
        assert entry["payload"]["userAgent"].startswith("watchword-cli/")


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        pytest.param({"cli_client_secret": "wrong"}, 4, "check --client-id and --client-secret", id="wrong secret"),
        pytest.param({"cli_endpoint": "http://127.0.0.1:1"}, 5, "see that the server runs", id="nobody there"),
        pytest.param({"cli_endpoint": "http://id.example.com"}, 2, "--allow-http-endpoint", id="insecure"),
        pytest.param({"cli_client_id": ""}, 2, "--client-id (or WATCHWORD_CLI_CLIENT_ID)", id="half a server"),
        pytest.param({"cli_client_secert": "x"}, 2, "did you mean WATCHWORD_CLI_CLIENT_SECRET", id="typo"),
    ],
)
def test_server_that_can_not_be_used_is_told_apart(
    server: RunningServer, change: dict[str, str], code: int, text: str
) -> None:
    """
    Wrong credentials, no server, and a mistake in the settings end differently.
    """
    done = run("apps", "list", settings=credentials_of(server) | change)
    assert (done.code, done.out) == (code, "")
    assert text in done.err
    assert server.application_secret not in done.err


def test_application_without_the_role_may_not_manage(server: RunningServer) -> None:
    """
    The message says how to give it the role.
    """
    made = succeed("apps", "create", unique("weak"), "--json", settings=credentials_of(server)).json
    weak = {"cli_client_id": made["id"], "cli_client_secret": made["secret"]}
    done = run("apps", "list", settings=credentials_of(server) | weak)
    assert done.code == 4
    assert "apps roles add APP 'Logto Management API access'" in done.err


def test_credentials_come_from_files_options_and_standard_input(server: RunningServer, tmp_path: Path) -> None:
    """
    A secret needs to stand neither on the command line nor in the environment.
    """
    (tmp_path / "secret").write_text(server.application_secret + "\n")
    named = {
        "cli_endpoint": server.endpoint,
        "cli_client_id": server.application_id,
        "cli_client_secret_file": str(tmp_path / "secret"),
    }
    succeed("apps", "list", settings=named)
    options = ("--endpoint", server.endpoint, "--client-id", server.application_id, "--client-secret", "-")
    succeed("apps", "list", *options, stdin=server.application_secret + "\n")


def test_closed_pipe_is_no_error_message(server: RunningServer) -> None:
    """
    `watchword apps list | head -1` ends in silence.
    """
    import subprocess  # noqa: PLC0415 - this test alone plays with pipes
    import sys  # noqa: PLC0415

    from tests.support.server import clean_environment  # noqa: PLC0415

    command = f"{sys.executable} -m watchword logs list --limit 100 --json --home {server.home} | head -c 1"
    done = subprocess.run(
        ["sh", "-c", command], env=clean_environment({}), capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[", "")
