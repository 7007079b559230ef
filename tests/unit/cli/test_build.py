"""
Rows as Typer commands: what is typed arrives as what was meant.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from watchword import __version__
from watchword.cli.app import app
from watchword.cli.target import Connection
from watchword.server.domain.names import ApplicationType, RoleType

if TYPE_CHECKING:
    from watchword.cli.perform import Asked
    from watchword.cli.rows import Row


class Recorder:
    """
    Stands where rows are carried out.
    """

    def __init__(self) -> None:
        """
        Begin without a call.
        """
        self.words = ""
        self.asked: Any = None
        self.connection: Any = None

    def __call__(self, row: Row, asked: Asked, connection: Connection) -> None:
        """
        Note a call.
        """
        self.words, self.asked, self.connection = row.words, asked, connection


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """
    Record instead of carrying out.
    """
    recorder = Recorder()
    monkeypatch.setattr("watchword.cli.perform.run_row", recorder)
    return recorder


def given(recorder: Recorder) -> dict[str, Any]:
    """
    Return what was given, without what was not.
    """
    return {name: value for name, value in recorder.asked.values.items() if value is not None}


@pytest.mark.parametrize(
    ("line", "words", "values"),
    [
        pytest.param("apps list", "apps list", {}, id="nothing but the words"),
        pytest.param(
            "apps list --type SPA --type Native --no-third-party",
            "apps list",
            {"type": [ApplicationType.SPA, ApplicationType.NATIVE], "third_party": False},
            id="repeated choice, and no",
        ),
        pytest.param(
            "apps create shop --description d --third-party",
            "apps create",
            {"name": "shop", "type": ApplicationType.MACHINE_TO_MACHINE, "description": "d", "third_party": True},
            id="default type",
        ),
        pytest.param(
            "apps roles add shop reader writer",
            "apps roles add",
            {"app": "shop", "role": ["reader", "writer"]},
            id="several arguments",
        ),
        pytest.param(
            "roles create r --scope a --scope b --resource https://shop.api --type User",
            "roles create",
            {"name": "r", "scope": ["a", "b"], "resource": "https://shop.api", "type": RoleType.USER},
            id="references",
        ),
        pytest.param(
            "resources set-default shop --off",
            "resources set-default",
            {"resource": "shop", "on": False},
            id="flag off",
        ),
        pytest.param(
            "resources create Shop https://shop.api --access-token-ttl 60",
            "resources create",
            {"name": "Shop", "indicator": "https://shop.api", "access_token_ttl": 60},
            id="number",
        ),
        pytest.param(
            "apps secrets list shop --reveal", "apps secrets list", {"app": "shop", "reveal": True}, id="reveal"
        ),
    ],
)
def test_words_become_values(recorder: Recorder, line: str, words: str, values: dict[str, Any]) -> None:
    """
    The command, its arguments and its options are read.
    """
    result = CliRunner().invoke(app, line.split())
    assert result.exit_code == 0, result.output
    assert recorder.words == words
    assert {name: held for name, held in given(recorder).items() if held != []} == values


def test_options_that_all_rows_share_are_read(recorder: Recorder) -> None:
    """
    Server, output, limit and assent are apart from a row's own values.
    """
    line = "apps list --json --limit 3 --endpoint https://id --client-id a --client-secret b --allow-http-endpoint"
    assert CliRunner().invoke(app, line.split()).exit_code == 0
    assert recorder.connection == Connection(
        endpoint="https://id", client_id="a", client_secret="b", allow_http_endpoint=True
    )
    assert (recorder.asked.as_json, recorder.asked.limit) == (True, 3)
    assert CliRunner().invoke(app, ["apps", "delete", "a", "--yes", "--home", "/h"]).exit_code == 0
    assert recorder.asked.assent
    assert recorder.connection == Connection(home=Path("/h"))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("apps create", id="argument missing"),
        pytest.param("apps create x --type Robot", id="no such choice"),
        pytest.param("resources create a b --access-token-ttl 0", id="number too small"),
        pytest.param("apps list --limit 0", id="limit too small"),
        pytest.param("apps lst", id="no such command"),
        pytest.param("apps list --bogus", id="no such option"),
        pytest.param("apps roles add shop", id="no role"),
    ],
)
def test_misuse_ends_with_2(recorder: Recorder, line: str) -> None:
    """
    What can't be read is refused before anything is done.
    """
    assert CliRunner().invoke(app, line.split()).exit_code == 2
    assert recorder.words == ""


@pytest.mark.parametrize("asked", ["version", "--version", "--version apps list"])
def test_version_is_told(asked: str, recorder: Recorder) -> None:
    """
    By the command, and by the option that other programs have, which does nothing else.
    """
    result = CliRunner().invoke(app, asked.split())
    assert (result.exit_code, result.output) == (0, f"{__version__}\n")
    assert recorder.asked is None
