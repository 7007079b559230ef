"""
Which server a command speaks to.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from watchword.cli.failures import MISUSED, Failure
from watchword.cli.target import Connection, Local, Remote, choose_target, find_remote
from watchword.protocol.credentials import ClientSecret

FLAGS = Connection(endpoint="https://id.example.com/", client_id="app", client_secret="s3cret")
VARIABLES = {
    "WATCHWORD_CLI_ENDPOINT": "https://env.example.com",
    "WATCHWORD_CLI_CLIENT_ID": "env-app",
    "WATCHWORD_CLI_CLIENT_SECRET": "env-secret",
}


def remote(endpoint: str, client_id: str, secret: str) -> Remote:
    """
    Return a server over the network.
    """
    return Remote(endpoint=endpoint, client_id=client_id, client_secret=ClientSecret(secret), allow_http_endpoint=False)


@pytest.mark.parametrize(
    ("connection", "environment", "target"),
    [
        pytest.param(Connection(), {}, Local(home=None), id="nothing: the home of the settings"),
        pytest.param(Connection(), {"WATCHWORD_HOME": "/h"}, Local(home=None), id="home in the environment"),
        pytest.param(Connection(home=Path("/h")), {}, Local(home=Path("/h")), id="home"),
        pytest.param(Connection(home=Path("/h")), VARIABLES, Local(home=Path("/h")), id="home before variables"),
        pytest.param(FLAGS, {}, remote("https://id.example.com", "app", "s3cret"), id="options"),
        pytest.param(
            FLAGS, VARIABLES, remote("https://id.example.com", "app", "s3cret"), id="options before variables"
        ),
        pytest.param(
            Connection(), VARIABLES, remote("https://env.example.com", "env-app", "env-secret"), id="variables"
        ),
        pytest.param(
            Connection(client_id="app"), VARIABLES, remote("https://env.example.com", "app", "env-secret"), id="both"
        ),
    ],
)
def test_server_is_found_in_order(connection: Connection, environment: dict[str, str], target: Remote | Local) -> None:
    """
    An option counts before a variable, and what names a server before the home that is there anyway.
    """
    assert choose_target(connection, environment) == target


def test_variable_may_name_a_file(tmp_path: Path) -> None:
    """
    Each variable has a form that names a file, whose last line end does not count.
    """
    for name, value in VARIABLES.items():
        (tmp_path / name).write_text(value + "\n")
    files = {f"{name}_FILE": str(tmp_path / name) for name in VARIABLES}
    assert choose_target(Connection(), files) == remote("https://env.example.com", "env-app", "env-secret")


def test_secret_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    `-` keeps it off the machine's list of processes.
    """
    monkeypatch.setattr("sys.stdin", io.StringIO("from-stdin\n"))
    found = choose_target(Connection(endpoint="https://x", client_id="a", client_secret="-"), {})
    assert isinstance(found, Remote)
    assert found.client_secret == ClientSecret("from-stdin")


@pytest.mark.parametrize(
    ("connection", "environment", "text"),
    [
        pytest.param(Connection(endpoint="https://x"), {}, "--client-id .*--client-secret", id="credentials missing"),
        pytest.param(
            Connection(client_id="a", client_secret="b"), {}, "--endpoint .or WATCHWORD_CLI_ENDPOINT", id="no endpoint"
        ),
        pytest.param(Connection(), {"WATCHWORD_CLI_CLIENT_ID": "a"}, "--endpoint", id="half in the environment"),
        pytest.param(Connection(home=Path("/h"), endpoint="https://x"), {}, "two servers", id="two servers"),
        pytest.param(
            Connection(),
            {**VARIABLES, "WATCHWORD_CLI_ENDPOINT_FILE": "/f"},
            "WATCHWORD_CLI_ENDPOINT and WATCHWORD_CLI_ENDPOINT_FILE are both set",
            id="both forms",
        ),
        pytest.param(
            Connection(), {"WATCHWORD_CLI_ENDPOINT_FILE": "/nowhere"}, "/nowhere can't be read", id="file missing"
        ),
    ],
)
def test_doubt_about_the_server_is_an_error(connection: Connection, environment: dict[str, str], text: str) -> None:
    """
    Nobody changes another server than the one that was meant.
    """
    with pytest.raises(Failure, match=text) as refused:
        choose_target(connection, environment)
    assert refused.value.code == MISUSED


def test_home_is_offered_where_the_command_has_it() -> None:
    """
    Most can work on a home instead of a server; to fetch a token takes a server.
    """
    with pytest.raises(Failure, match=r"--endpoint .* as well, or --home"):
        choose_target(Connection(client_id="a", client_secret="b"), {})
    with pytest.raises(Failure, match=r"--endpoint .* as well$"):
        find_remote(Connection(client_id="a", client_secret="b"), {})


def test_secret_is_in_no_repr() -> None:
    """
    Neither what was typed nor what came of it shows the secret.
    """
    assert "s3cret" not in repr(FLAGS)
    assert "s3cret" not in repr(choose_target(FLAGS, {}))
