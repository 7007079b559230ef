"""
`watchword settings`: what is in force, where it comes from, and what is kept secret.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from watchword.cli.settings import settings
from watchword.server.settings import Settings, SettingsError, check_names, resolve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("WATCHWORD_"):
            monkeypatch.delenv(name)


def shown(home: Path | None, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401 - any JSON value
    """
    Run `settings --json` and return what it printed.
    """
    settings(home=home, as_json=True)
    return json.loads(capsys.readouterr().out)


def test_value_comes_from_flag_then_environment_then_file_then_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Each setting says where it comes from.
    """
    file = tmp_path / "watchword.toml"
    file.write_text('port = 4000\nhost = "127.0.0.2"\n')
    monkeypatch.setenv("WATCHWORD_HOME", "/elsewhere")
    monkeypatch.setenv("WATCHWORD_PORT", "5000")
    found = shown(tmp_path, capsys)["settings"]
    assert found["home"] == {"value": str(tmp_path), "from": "command line"}
    assert found["port"] == {"value": 5000, "from": "WATCHWORD_PORT"}
    assert found["host"] == {"value": "127.0.0.2", "from": str(file)}
    assert found["workers"] == {"value": 1, "from": "default"}
    assert found["endpoint"] == {"value": "http://127.0.0.1:5000", "from": "default"}
    assert set(found) == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("port", "4000", 4000, id="number"),
        pytest.param("request_log", "false", False, id="flag"),
        pytest.param("trusted_proxies", "10.0.0.0/8, ::1", ["10.0.0.0/8", "::1/128"], id="list"),
        pytest.param("secret_reveal_hours", "forever", "forever", id="word"),
        pytest.param("endpoint", "https://id.example.com/", "https://id.example.com", id="URL"),
    ],
)
def test_every_setting_may_be_named_by_a_file(  # noqa: PLR0917 - a row, and pytest's own
    name: str,
    text: str,
    value: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """
    `WATCHWORD_X_FILE` is `WATCHWORD_X` from a file, whose last line end does not count.
    """
    (tmp_path / "value").write_text(f"{text}\n")
    monkeypatch.setenv(f"WATCHWORD_{name.upper()}_FILE", str(tmp_path / "value"))
    found = shown(tmp_path, capsys)["settings"][name]
    assert found == {"value": value, "from": f"WATCHWORD_{name.upper()}_FILE"}


@pytest.mark.parametrize("as_json", [pytest.param(True, id="JSON"), pytest.param(False, id="table")])
def test_secrets_are_hidden_and_paths_are_shown(
    as_json: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    The master key is in no form of the output; every file of the home is.
    """
    secret = "abcd:c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ="
    monkeypatch.setenv("WATCHWORD_MASTER_KEY", secret)
    settings(home=tmp_path, as_json=as_json)
    out, err = capsys.readouterr()
    assert secret not in out + err
    assert "c2VjcmV0" not in out + err
    assert "(hidden)" in out
    for name in ("watchword.toml", "watchword.db", "tokens.db"):
        assert str(tmp_path / name) in out


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        pytest.param({"WATCHWORD_ENDPIONT": "x"}, "WATCHWORD_ENDPIONT: .*did you mean WATCHWORD_ENDPOINT", id="typo"),
        pytest.param({"WATCHWORD_PROT_FILE": "x"}, "did you mean WATCHWORD_PORT", id="typo in the file form"),
        pytest.param(
            {"WATCHWORD_CLI_CLIENT_SECERT": "x"},
            "did you mean WATCHWORD_CLI_CLIENT_SECRET",
            id="the command line's own",
        ),
        pytest.param({"WATCHWORD_XYZZY": "x"}, "WATCHWORD_XYZZY: there is no such setting$", id="nothing near"),
        pytest.param(
            {"WATCHWORD_PORT": "1", "WATCHWORD_PORT_FILE": "/x"},
            "WATCHWORD_PORT_FILE and WATCHWORD_PORT are both set",
            id="both forms",
        ),
        pytest.param({"WATCHWORD_PORT_FILE": "/nowhere"}, "/nowhere can't be read", id="file missing"),
        pytest.param({"WATCHWORD_PORT": "x"}, r"port: .*\(from WATCHWORD_PORT\)", id="value that can't be used"),
    ],
)
def test_bad_environment_is_refused(environment: dict[str, str], text: str, tmp_path: Path) -> None:
    """
    A setting that does nothing is worse than an error.
    """
    with pytest.raises(SettingsError, match=text):
        resolve({"home": tmp_path}, environment)


@pytest.mark.parametrize(
    ("endpoint", "text"),
    [
        pytest.param("https://例え.jp", "xn--", id="letters beyond ASCII"),
        pytest.param('https://id.ex"ample.com', "base URL", id="quote"),
        pytest.param("https://id example.com", "absolute http or https URL", id="blank"),
        pytest.param("HTTPS://id.example.com", "in lower case", id="scheme in upper case"),
        pytest.param("https://id.example.com/auth", "no path", id="path"),
        pytest.param("https://:pw@id.example.com", "no user name", id="password"),
        pytest.param("https://id.example.com:99999", "endpoint: Port", id="port too large"),
        pytest.param("https://id.example.com:0", "no valid port", id="port 0"),
        pytest.param("http://id.example.com", "allow_http_endpoint", id="unsafe"),
    ],
)
def test_endpoint_that_tokens_and_headers_cant_carry_is_refused(endpoint: str, text: str, tmp_path: Path) -> None:
    """
    It is the issuer of every token, and stands in headers.
    """
    with pytest.raises(SettingsError, match=f"endpoint: .*{text.removeprefix('endpoint: ')}"):
        resolve({"home": tmp_path, "endpoint": endpoint}, {})


@pytest.mark.parametrize(
    "endpoint", ["https://[::1]:3001", "http://localhost.:3001", "https://xn--r8jz45g.jp", "http://a_b.localhost"]
)
def test_any_other_base_url_is_an_endpoint(endpoint: str, tmp_path: Path) -> None:
    """
    Addresses, names with a final dot, and international names as ASCII.
    """
    assert resolve({"home": tmp_path, "endpoint": endpoint}, {}).settings.public_endpoint == endpoint


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        pytest.param("prot = 1", "watchword.toml: prot: .*did you mean port", id="typo"),
        pytest.param('home = "/x"', "home: there is no such setting", id="home of another"),
        pytest.param("port =", "watchword.toml can't be read", id="no TOML"),
        pytest.param("port = 0", r"port: .*watchword.toml\)", id="value that can't be used"),
    ],
)
def test_bad_settings_file_is_refused(toml: str, text: str, tmp_path: Path) -> None:
    """
    The message names the file.
    """
    (tmp_path / "watchword.toml").write_text(toml)
    with pytest.raises(SettingsError, match=text):
        resolve({"home": tmp_path}, {})


def test_names_of_others_are_none_of_ours() -> None:
    """
    Only `WATCHWORD_…` is ours, and what the command line reads counts as known.
    """
    check_names({"PATH": "x", "WATCHWORDS": "x", "WATCHWORD_CLI_ENDPOINT_FILE": "x", "WATCHWORD_HOME": "x"})
