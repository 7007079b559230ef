"""
Parts of `watchword quickstart` that decide: what counts as a right answer, what is masked, which port is next.
"""

from __future__ import annotations

import io
import itertools
from typing import TYPE_CHECKING

import httpx
import pytest

from watchword.cli.quickstart.checks import Checks, Expected, differences
from watchword.cli.quickstart.commands import paste_commands
from watchword.cli.quickstart.home import Account, Credentials
from watchword.cli.quickstart.places import Places
from watchword.cli.quickstart.ports import candidates
from watchword.cli.quickstart.printing import Printer
from watchword.cli.quickstart.servers import SETTINGS_PREFIX, child_environment
from watchword.cli.quickstart.tokens import look_into
from watchword.server.settings import PREFIX

if TYPE_CHECKING:
    from pathlib import Path

REALM = 'Bearer realm="https://shopping.api"'
WITHOUT_TOKEN = Expected(status=401, challenge={"realm": "https://shopping.api", "error": None})
LACKING = Expected(status=403, challenge={"error": "insufficient_scope", "scope": "write:products"})


@pytest.mark.parametrize(
    ("status", "header", "expected", "found"),
    [
        pytest.param(200, None, Expected(status=200), 0, id="success"),
        pytest.param(201, None, Expected(status=200), 1, id="another success"),
        pytest.param(200, REALM, Expected(status=200), 1, id="success with a challenge"),
        pytest.param(401, REALM, WITHOUT_TOKEN, 0, id="refusal without a token"),
        pytest.param(200, None, WITHOUT_TOKEN, 2, id="let in without a token"),
        pytest.param(401, None, WITHOUT_TOKEN, 1, id="header missing"),
        pytest.param(401, 'Basic realm="https://shopping.api"', WITHOUT_TOKEN, 1, id="another scheme"),
        pytest.param(401, 'Bearer realm="other"', WITHOUT_TOKEN, 1, id="another realm"),
        pytest.param(401, f'{REALM}, error="invalid_token"', WITHOUT_TOKEN, 1, id="error where nothing was wrong"),
        pytest.param(
            403, f'{REALM}, error="insufficient_scope", scope="write:products"', LACKING, 0, id="scope missing"
        ),
        pytest.param(403, f'{REALM}, error="insufficient_scope"', LACKING, 1, id="which scope is not said"),
    ],
)
def test_answer_is_held_against_what_it_should_be(
    status: int, header: str | None, expected: Expected, found: int
) -> None:
    """
    Status and each parameter of the challenge count; every difference is told.
    """
    response = httpx.Response(status, headers={} if header is None else {"WWW-Authenticate": header})
    assert len(differences(response, expected)) == found


def test_failed_check_is_told_and_counted() -> None:
    """
    One wrong thing makes the whole run a failure.
    """
    stream = io.StringIO()
    checks = Checks(Printer(stream, shows_secrets=False))
    assert checks.that("this is right")
    assert checks.passed
    assert not checks.that("this is not", "it should be otherwise")
    assert (checks.passed, checks.failed) == (False, 1)
    assert "FAILED   this is not: it should be otherwise" in stream.getvalue()


def test_secret_is_masked_wherever_it_turns_up() -> None:
    """
    Inside JSON, inside a longer secret, and before a line is broken.
    """
    stream = io.StringIO()
    printer = Printer(stream, shows_secrets=False)
    printer.hide("ww_secret")
    printer.hide("ww_secret-and-more")
    printer.raw('{"value":"ww_secret"}')
    printer.row("sent", f"{'x' * 60} ww_secret-and-more")
    assert "secret" not in stream.getvalue()
    assert '{"value":"ww_***"}' in stream.getvalue()


def test_foreign_text_cannot_steer_the_terminal() -> None:
    """
    A name with control characters in it is written out.
    """
    stream = io.StringIO()
    Printer(stream, shows_secrets=True).row("answer", "a\x1b[2Jb")
    assert "\x1b" not in stream.getvalue()


def test_text_that_the_stream_cannot_write_is_spelt_out() -> None:
    """
    An output without UTF-8 is no reason to fail.
    """
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Printer(stream, shows_secrets=True).row("home", "/home/jos\u00e9")
    stream.seek(0)
    assert "/home/jos\\xe9" in stream.read()


@pytest.mark.parametrize(
    ("preferred", "avoid", "first"),
    [
        pytest.param(3001, 3002, [3001, 3003, 3004], id="the other's port is left out"),
        pytest.param(3002, 3001, [3002, 3003, 3004], id="nothing to leave out"),
        pytest.param(65534, 1, [65534, 65535], id="no port above the last"),
    ],
)
def test_next_port_is_the_next_one_that_may_be_taken(preferred: int, avoid: int, first: list[int]) -> None:
    """
    The preferred port, then those above it.
    """
    assert list(itertools.islice(candidates(preferred, avoid=avoid), 3)) == first


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, False, id="no proxy"),
        pytest.param({"http_proxy": "http://proxy.example:8080"}, True, id="proxy"),
        pytest.param({"ALL_PROXY": "http://proxy.example:8080"}, True, id="proxy for all"),
        pytest.param(
            {"http_proxy": "http://proxy.example:8080", "no_proxy": "localhost, 127.0.0.1"},
            False,
            id="proxy, but not for this machine",
        ),
    ],
)
def test_pasted_curl_does_not_go_through_a_proxy(environment: dict[str, str], expected: bool, tmp_path: Path) -> None:
    """
    A command says so itself where the shell's settings would send it away.
    """
    places = Places(endpoint="http://127.0.0.1:3001", api="http://127.0.0.1:3002")
    commands = paste_commands(places, tmp_path / "credentials.env", environment)
    assert ("--noproxy" in commands["curl_products"]) == expected


def test_children_get_no_settings_of_another_home_and_no_proxy() -> None:
    """
    What is set for a server of one's own must not reach the quick start's.
    """
    given = {"WATCHWORD_ENDPOINT": "https://id.example.com", "PATH": "/bin", "no_proxy": "example.com"}
    assert child_environment(given) == {
        "PATH": "/bin",
        "no_proxy": "example.com,127.0.0.1",
        "NO_PROXY": "127.0.0.1",
    }
    assert SETTINGS_PREFIX == PREFIX


def test_credentials_come_back_as_they_were_kept(tmp_path: Path) -> None:
    """
    Also odd ones, from a file for its owner alone; broken lines are passed over.
    """
    path = tmp_path / "credentials.env"
    account = Account(id="an id", secret='it\'s $HOME \\ "quoted"')
    Credentials(path).put("APPLICATION", account)
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("a") as file:
        file.write("export OTHER_ID='open\nnonsense\nexport =x\n")
    assert Credentials(path).get("APPLICATION") == account
    assert Credentials(path).get("OTHER") is None
    assert "quoted" not in repr(account)


def test_tampered_token_differs_in_its_claims_alone() -> None:
    """
    Header and signature stay: that is what a forger has.
    """
    token = "eyJhbGciOiJFUzI1NiJ9.eyJzY29wZSI6InIifQ.c2ln"  # {"alg":"ES256"} . {"scope":"r"} . sig
    forged = look_into(token).with_claims(scope="r w")
    assert look_into(forged).claims == {"scope": "r w"}
    assert (forged.split(".")[0], forged.split(".")[2]) == ("eyJhbGciOiJFUzI1NiJ9", "c2ln")
    assert look_into(forged).header == {"alg": "ES256"}
