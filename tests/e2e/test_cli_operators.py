"""
`watchword operators`, and the link that lets the first one in: over real sockets, with curl's kind of browser.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.command import run, succeed
from tests.support.server import start_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.server import RunningServer

pytestmark = pytest.mark.e2e

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Serve a home whose console nobody has used.
    """
    with start_server(tmp_path_factory.mktemp("operators") / "home") as running:
        yield running


def test_first_operator_comes_in_while_the_server_runs(server: RunningServer, tmp_path: Path) -> None:
    """
    The command makes a link; the form behind it makes an operator, who sees the first application.
    """
    home = ("--home", str(server.home))
    assert "There is none yet" in run("operators", "list", *home, settings={}, folder=tmp_path).err
    link = succeed("operators", "invite", *home, "--json", settings={}, folder=tmp_path).json["link"]
    page, _, invitation = link.partition("#")
    with httpx.Client(trust_env=False, headers={"origin": server.endpoint}) as browser:
        token = re.search(r'name="form_token" value="(\w+)"', browser.get(page).text)
        assert token is not None
        fields = {"invitation": invitation, "name": "Ada", "password": PASSWORD, "again": PASSWORD}
        joined = browser.post(page, data={**fields, "form_token": token[1]})
        assert joined.status_code == 303
        assert server.application_id in browser.get(f"{server.endpoint}/console/applications").text
    listed = succeed("operators", "list", *home, "--json", settings={}, folder=tmp_path).json
    assert [(one["name"], one["role"]) for one in listed] == [("Ada", "owner")]
    second = ("operators", "invite", "--first", *home)
    assert succeed(*second, "--json", settings={}, folder=tmp_path).json["link"] is None
    assert "There is an operator already" in succeed(*second, settings={}, folder=tmp_path).err
    assert "Traceback" not in server.output
    assert invitation not in server.output


def test_invitation_goes_into_a_private_file_away_from_a_terminal(server: RunningServer, tmp_path: Path) -> None:
    """
    As all that lets somebody in does.
    """
    done = succeed("operators", "invite", "--role", "viewer", "--home", str(server.home), settings={}, folder=tmp_path)
    (path,) = tmp_path.glob("watchword-invitation.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "/console/join#" in path.read_text()
    assert "/console/join#" not in done.out + done.err
