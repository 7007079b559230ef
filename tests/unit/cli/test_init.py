"""
`watchword init`: what it makes, what it leaves alone, and how it goes on where an earlier one ended.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.home import Made
from watchword.cli.failures import Failure
from watchword.cli.init import init, make_home, make_home_once
from watchword.server.settings import SettingsError
from watchword.server.storage.master_key import MasterKeyError

if TYPE_CHECKING:
    from collections.abc import Callable

ENDPOINT = "http://127.0.0.1:4321"
SUPPLIED = f"abcd:{base64.b64encode(bytes(range(32))).decode()}"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("WATCHWORD_"):
            monkeypatch.delenv(name)


def run(home: Path, endpoint: str | None, capsys: pytest.CaptureFixture[str]) -> dict[str, str | None]:
    """
    Run `init --json` and return what it printed.
    """
    capsys.readouterr()
    init(home=home, endpoint=endpoint, as_json=True)
    printed: dict[str, str | None] = json.loads(capsys.readouterr().out)
    return printed


def mode(path: Path) -> int:
    """
    Return a file's permissions.
    """
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("is_there", [pytest.param(False, id="missing"), pytest.param(True, id="empty")])
def test_home_is_made_whole_and_private(is_there: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Folder and files are their owner's alone, and exactly one JSON object is printed.
    """
    home = tmp_path / "a" / "home"
    if is_there:
        home.mkdir(parents=True, mode=0o755)
    printed = run(home, ENDPOINT + "/", capsys)
    assert list(printed) == [
        "endpoint",
        "issuer",
        "tenant_id",
        "management_resource",
        "application_id",
        "application_secret",
    ]
    assert printed["endpoint"] == ENDPOINT
    assert printed["issuer"] == f"{ENDPOINT}/oidc"
    assert printed["tenant_id"] == "default"
    assert printed["management_resource"] == "https://default.logto.app/api"
    assert str(printed["application_secret"]).startswith("ww_")
    assert tomllib.loads((home / "watchword.toml").read_text()) == {"endpoint": ENDPOINT}
    assert mode(home) == 0o700
    names = ("watchword.toml", "watchword.db", "tokens.db", "tokens.lock", "master.key")
    private = dict.fromkeys(names, 0o600)
    assert {path.name: mode(path) for path in home.iterdir()} == private


def test_second_init_changes_nothing(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    The same is printed without the secret, and no file is another.
    """
    home = shutil.copytree(made.home, tmp_path / "home")
    (home / "watchword.toml").write_text(f'port = 4000\nendpoint = "{ENDPOINT}"\n')
    before = {path.name: path.read_bytes() for path in home.iterdir() if path.suffix in {".toml", ".key"}}
    for endpoint in (None, ENDPOINT):
        printed = run(home, endpoint, capsys)
        assert printed["application_secret"] is None
        assert printed["application_id"] == made.application_id
        assert printed["endpoint"] == ENDPOINT
    assert {name: (home / name).read_bytes() for name in before} == before


def in_file(home: Path, _: pytest.MonkeyPatch) -> None:
    """
    Set the endpoint in the settings file.
    """
    (home / "watchword.toml").write_text('endpoint = "http://127.0.0.1:1111"\n')


def by_default(home: Path, _: pytest.MonkeyPatch) -> None:
    """
    Set no endpoint, so that the default is in force.
    """
    (home / "watchword.toml").write_text("port = 1111\n")


def in_environment(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Set the endpoint in the environment.
    """
    monkeypatch.setenv("WATCHWORD_ENDPOINT", "http://127.0.0.1:1111")


@pytest.mark.parametrize(
    ("arrange", "where"),
    [
        pytest.param(in_file, "edit `endpoint` in .*watchword.toml", id="in the file"),
        pytest.param(by_default, "edit `endpoint` in .*watchword.toml", id="by default"),
        pytest.param(in_environment, "from WATCHWORD_ENDPOINT: change it there", id="in the environment"),
    ],
)
def test_another_endpoint_than_the_one_in_force_is_refused(
    arrange: Callable[[Path, pytest.MonkeyPatch], None],
    where: str,
    made: Made,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The message says where the endpoint comes from, and it stays as it is.
    """
    home = shutil.copytree(made.home, tmp_path / "home")
    arrange(home, monkeypatch)
    files = {path: path.read_bytes() for path in home.glob("*.toml")}
    with pytest.raises(Failure, match=rf"the endpoint in force is http://127\.0\.0\.1:1111.*{where}"):
        make_home(home, ENDPOINT)
    assert all(path.read_bytes() == held for path, held in files.items())


def test_endpoint_is_added_to_a_settings_file_without_one(tmp_path: Path) -> None:
    """
    Settings that were put there first stay, and what was asked for is not lost.
    """
    home = tmp_path / "home"
    home.mkdir()
    (home / "watchword.toml").write_text("# mine\nport = 4000\n")
    settings, _ = make_home(home, ENDPOINT)
    assert settings.port == 4000
    assert tomllib.loads((home / "watchword.toml").read_text()) == {"endpoint": ENDPOINT, "port": 4000}
    assert "# mine" in (home / "watchword.toml").read_text()


def test_restored_database_needs_its_master_key(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    An empty home on a database with a tenant wants the key supplied, makes none, and gets its settings file.
    """
    home = tmp_path / "home"
    home.mkdir()
    for name in ("watchword.db", "tokens.db"):
        shutil.copy(made.home / name, home / name)
    with pytest.raises(MasterKeyError, match=r"the master key is missing: .*WATCHWORD_MASTER_KEY"):
        make_home(home, ENDPOINT)
    assert not (home / "master.key").exists()
    monkeypatch.setenv("WATCHWORD_MASTER_KEY", (made.home / "master.key").read_text())
    printed = run(home, ENDPOINT, capsys)
    assert printed["application_id"] == made.application_id
    assert printed["application_secret"] is None
    assert tomllib.loads((home / "watchword.toml").read_text()) == {"endpoint": ENDPOINT}
    assert not (home / "master.key").exists()


@pytest.mark.parametrize("way", ["variable", "file", "home"])
def test_supplied_master_key_is_adopted(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Wherever a key is supplied, that one wraps, and no other is made.
    """
    home = tmp_path / "home"
    home.mkdir()
    path = {"file": tmp_path / "supplied.key", "home": home / "master.key"}.get(way)
    if path is None:
        monkeypatch.setenv("WATCHWORD_MASTER_KEY", SUPPLIED)
    else:
        path.write_text(SUPPLIED)
        path.chmod(0o600)
    if way == "file":
        monkeypatch.setenv("WATCHWORD_MASTER_KEY_FILE", str(path))
    assert run(home, ENDPOINT, capsys)["application_secret"] is not None
    assert (home / "master.key").exists() == (way == "home")
    monkeypatch.setenv("WATCHWORD_MASTER_KEY", SUPPLIED.replace("abcd:A", "abcd:B"))
    monkeypatch.delenv("WATCHWORD_MASTER_KEY_FILE", raising=False)
    with pytest.raises(MasterKeyError, match="abcd:…` is not the one"):
        make_home(home, None)


@pytest.mark.parametrize(
    ("break_it", "text"),
    [
        pytest.param(lambda key: key.chmod(0o640), "can be read by others: run `chmod 600", id="readable by others"),
        pytest.param(lambda key: key.write_text("abc\n"), "line 1: a line must be `id:base64`", id="malformed"),
        pytest.param(lambda key: key.write_text(""), "holds no master key: put back", id="empty"),
        pytest.param(lambda key: key.write_text(f"{SUPPLIED}\n{SUPPLIED}\n"), "stands twice", id="repeated"),
        pytest.param(lambda key: key.unlink(), "the master key is missing: put the one", id="missing"),
        pytest.param(lambda key: key.write_text(SUPPLIED), "is not the one of this database", id="foreign"),
    ],
)
def test_bad_master_key_is_refused_with_what_to_do(
    break_it: Callable[[Path], object], text: str, made: Made, tmp_path: Path
) -> None:
    """
    Nothing is opened with a key that others may know, nor is another made in place of one that is lost.
    """
    home = shutil.copytree(made.home, tmp_path / "home")
    break_it(home / "master.key")
    with pytest.raises(MasterKeyError, match=text):
        make_home(home, None)


def test_named_master_key_file_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A mistyped path makes no key that nobody expects.
    """
    monkeypatch.setenv("WATCHWORD_MASTER_KEY_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(MasterKeyError, match="nowhere does not exist"):
        make_home(tmp_path / "home", ENDPOINT)


def test_two_ways_to_supply_a_master_key_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Nobody guesses which of two keys is meant.
    """
    monkeypatch.setenv("WATCHWORD_MASTER_KEY", SUPPLIED)
    monkeypatch.setenv("WATCHWORD_MASTER_KEY_FILE", str(tmp_path / "file"))
    with pytest.raises(SettingsError, match="keep one"):
        make_home(tmp_path / "home", ENDPOINT)


def test_insecure_endpoint_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """
    Plain http to the world needs to be asked for by its unsafe name.
    """
    with pytest.raises(SettingsError, match="allow_http_endpoint"):
        make_home(tmp_path / "home", "http://id.example.com")
    assert not (tmp_path / "home").exists()


def test_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """
    The error names the path.
    """
    (tmp_path / "home").write_text("")
    with pytest.raises(SettingsError, match=r"home/watchword.toml can't be read: .*Not a directory"):
        make_home(tmp_path / "home", ENDPOINT)


def test_key_file_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An init that ends just before the database is written leaves a key that the next one adopts.
    """
    home = tmp_path / "home"
    monkeypatch.setattr("watchword.server.bootstrap.set_up", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        make_home(home, ENDPOINT)
    left = (home / "master.key").read_text()
    monkeypatch.undo()
    _, first = make_home(home, ENDPOINT)
    assert first.secret is not None
    assert (home / "master.key").read_text() == left


def test_token_log_that_an_earlier_init_bound_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The token log is bound before the main database is written: cut off in between, the next init goes on.
    """
    home = tmp_path / "home"
    cut = "watchword.server.storage.tenants.set_installation_id"
    monkeypatch.setattr(cut, lambda *_, **__: (_ for _ in ()).throw(OSError))
    with pytest.raises(OSError):  # noqa: PT011 - the cut itself
        make_home(home, ENDPOINT)
    monkeypatch.undo()
    assert make_home(home, ENDPOINT)[1].secret is not None


def test_serve_makes_a_home_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    `serve --init` does what `init` does, the first time alone; off a terminal the credentials go into a file.
    """
    home = tmp_path / "home"
    make_home_once(home, ENDPOINT)
    out, err = capsys.readouterr()
    held = json.loads((home / "first-application.json").read_text())
    assert out == ""
    assert held["application_secret"] not in err
    assert str(home / "first-application.json") in err
    invitation = home / "first-operator.json"
    assert invitation.stat().st_mode & 0o777 == 0o600
    link = json.loads(invitation.read_text())["console_link"]
    assert link.startswith(f"{ENDPOINT}/console/join#")
    assert link not in err
    make_home_once(home, "http://127.0.0.1:9999")
    assert capsys.readouterr() == ("", "")
