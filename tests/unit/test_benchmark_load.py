"""
What the benchmark sends and reads: load generators' scripts and output; and what the sign-only app does.
"""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from benchmarks.load_generator import (
    Load,
    LoadError,
    Post,
    Tool,
    find_or_install,
    parse_oha,
    parse_wrk,
    wrk_script,
)
from benchmarks.sign_only_app import ANSWER_BYTES, SIGNED_BYTES, SIGNING_INPUT, create_app

WRK_OUTPUT = """\
Running 2s test @ http://127.0.0.1:18777/oidc/token
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.81ms  344.34us   5.25ms   97.05%
    Req/Sec     8.70k     0.95k    8.45k    72.73%
  18241 requests in 2.10s, 12.89MB read
Requests/sec:   8686.18
Transfer/sec:      6.14MB
LOAD {"requests":18241,"microseconds":2100002,"bytes":13516721,"p50":1812,"p99":3463,\
"connect":0,"read":0,"write":0,"timeout":0,"status":0}
"""

OHA_OUTPUT = json.dumps(
    {
        "summary": {"total": 1.001117859, "requestsPerSec": 6912.27, "sizePerRequest": 600},
        "latencyPercentiles": {"p50": 0.000257022, "p99": 0.000566903},
        "statusCodeDistribution": {"200": 6918},
        "errorDistribution": {"aborted due to deadline": 2},
    }
)


def test_wrk_output_is_read_exactly() -> None:
    """
    Requests, time and latencies come out in their units, and a clean run has no failures.
    """
    load = parse_wrk(WRK_OUTPUT)
    assert load == Load(
        requests=18241,
        seconds=2.100002,
        p50_ms=1.812,
        p99_ms=3.463,
        refused=0,
        broken=0,
        bytes_per_answer=13516721 / 18241,
    )
    assert load.per_second == pytest.approx(8686.18, abs=0.01)


@pytest.mark.parametrize(
    ("name", "refused", "broken"),
    [
        pytest.param("status", 7, 0, id="answers that are no 2xx"),
        pytest.param("connect", 0, 7, id="connections refused"),
        pytest.param("read", 0, 7, id="connections closed while reading"),
        pytest.param("write", 0, 7, id="connections closed while writing"),
        pytest.param("timeout", 0, 7, id="answers that came too late"),
    ],
)
def test_wrk_failures_are_counted(name: str, refused: int, broken: int) -> None:
    """
    Each kind of failure that wrk tells apart counts as what it is.
    """
    load = parse_wrk(WRK_OUTPUT.replace(f'"{name}":0', f'"{name}":7'))
    assert (load.refused, load.broken) == (refused, broken)


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("", id="nothing"),
        pytest.param(WRK_OUTPUT.partition("LOAD")[0], id="without our line"),
        pytest.param(WRK_OUTPUT * 2, id="two results"),
    ],
)
def test_wrk_output_without_a_result_is_refused(output: str) -> None:
    """
    A run whose result can't be read is an error, not a figure.
    """
    with pytest.raises(LoadError, match="wrk did not print its result"):
        parse_wrk(output)


def test_oha_output_is_read_and_what_was_cut_off_by_the_end_is_no_failure() -> None:
    """
    Requests that were under way at the end are reported as errors by oha; they are none.
    """
    load = parse_oha(OHA_OUTPUT)
    assert (load.requests, load.refused, load.broken) == (6918, 0, 0)
    assert (load.p50_ms, load.p99_ms) == pytest.approx((0.257022, 0.566903))
    assert (load.seconds, load.bytes_per_answer) == (1.001117859, 600)


def test_oha_failures_are_counted() -> None:
    """
    Other statuses count as refused, other errors as broken connections.
    """
    seen = json.loads(OHA_OUTPUT)
    seen["statusCodeDistribution"] = {"200": 10, "302": 2, "503": 3}
    seen["errorDistribution"] = {"aborted due to deadline": 2, "connection closed": 4}
    load = parse_oha(json.dumps(seen))
    assert (load.requests, load.refused, load.broken) == (15, 5, 4)


@pytest.mark.parametrize(
    "output",
    [pytest.param("", id="nothing"), pytest.param("{}", id="other JSON"), pytest.param("[]", id="a list")],
)
def test_oha_output_without_a_result_is_refused(output: str) -> None:
    """
    A run whose result can't be read is an error, not a figure.
    """
    with pytest.raises(LoadError, match="oha did not print its result"):
        parse_oha(output)


def test_wrk_script_quotes_what_lua_would_read() -> None:
    """
    A quote or backslash in the request stays data.
    """
    script = wrk_script(Post(path="/", headers={"X": 'a"b\\c'}, body='d"e'))
    assert 'wrk.headers["X"] = "a\\"b\\\\c"\n' in script
    assert 'wrk.body = "d\\"e"\n' in script


@pytest.mark.parametrize("body", [pytest.param("a\nb", id="line break"), pytest.param("é", id="not ASCII")])
def test_wrk_script_refuses_what_it_cannot_quote(body: str) -> None:
    """
    What a Lua string can't hold as it is, is refused rather than changed.
    """
    with pytest.raises(LoadError, match="not printable ASCII"):
        wrk_script(Post(path="/", headers={}, body=body))


@pytest.mark.parametrize(
    ("apt_get", "user", "message"),
    [
        pytest.param("exit 0", 1000, "apt-get install wrk", id="not root"),
        pytest.param(None, 0, "apt-get install wrk", id="no apt-get"),
        pytest.param("echo 'E: no network' >&2; exit 100", 0, "E: no network", id="apt-get fails"),
        pytest.param("exit 0", 0, "not on the PATH", id="installed elsewhere"),
    ],
)
def test_missing_load_generator_is_told_with_what_to_do(
    apt_get: str | None, user: int, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where none is there and none can be had, the message says how to install one.
    """
    use_only(tmp_path, apt_get, user, monkeypatch)
    with pytest.raises(LoadError, match=message) as refused:
        find_or_install()
    assert "cargo install oha" in str(refused.value)


def test_missing_load_generator_is_installed_where_that_is_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Root with apt-get gets wrk, after the package lists were brought up to date.
    """
    log, wrk = tmp_path / "log", tmp_path / "wrk"
    installs = f'echo "$1" >> {log}; [ "$1" = update ] || {{ : > {wrk}; /bin/chmod +x {wrk}; }}'
    use_only(tmp_path, installs, 0, monkeypatch)
    assert find_or_install() is Tool.WRK
    assert log.read_text().split() == ["update", "install"]


def use_only(folder: Path, apt_get: str | None, user: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Make the folder the whole PATH, with an apt-get that does what is said, for a user of this number.
    """
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("os.geteuid", lambda: user)
    if apt_get is not None:
        (folder / "apt-get").write_text(f"#!/bin/sh\n{apt_get}\n")
        (folder / "apt-get").chmod(0o755)


def test_credentials_have_no_repr() -> None:
    """
    The request can be printed without showing its Authorization header.
    """
    assert "c2VjcmV0" not in repr(Post(path="/", headers={"Authorization": "Basic c2VjcmV0"}, body=""))


def test_drawn_requests_are_no_repetition() -> None:
    """
    Wrk draws a line of the file for each request, by a seed that no other load has.
    """
    drawn = Post(path="/", headers={}, body="", drawn=Path("/tmp/hot"))
    scripts = [wrk_script(drawn) for _ in range(2)]
    assert all('io.lines("/tmp/hot")' in script for script in scripts)
    assert scripts[0] != scripts[1]
    assert "io.lines" not in wrk_script(Post(path="/", headers={}, body=""))


def test_request_for_a_connection_of_its_own_keeps_all_else() -> None:
    """
    Only the header that closes the connection is added.
    """
    post = Post(path="/", headers={"X": "1"}, body="a", drawn=Path("hot"))
    alone = post.on_connections_of_its_own()
    assert alone.headers == {"X": "1", "Connection": "close"}
    assert (alone.path, alone.body, alone.drawn) == (post.path, post.body, post.drawn)


def test_sign_only_app_answers_600_bytes_with_a_new_signature_each_time() -> None:
    """
    It signs 350 bytes for every request, as a JWS wants it, and answers valid JSON of a fixed size.
    """
    assert len(SIGNING_INPUT) == SIGNED_BYTES
    answers = asyncio.run(ask_sign_only(times=2))
    signatures = {json.loads(body)["access_token"].rpartition(".")[2] for body in answers}
    assert [len(body) for body in answers] == [ANSWER_BYTES] * 2
    assert len(signatures) == 2
    assert {len(urlsafe_b64decode(signature + "==")) for signature in signatures} == {64}


async def ask_sign_only(*, times: int) -> list[bytes]:
    """
    Call the app as a server would, with a body in two parts; give the bodies it answers.
    """
    app, answers = create_app(), []

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        if message["type"] == "http.response.body":
            answers.append(message["body"])

    for _ in range(times):
        parts = iter([{"body": b"a", "more_body": True}, {"body": b"b"}])

        async def receive(parts: Any = parts) -> Any:  # noqa: ANN401 - ASGI messages
            return next(parts)

        await app({"type": "http"}, receive, send)
        assert next(parts, None) is None
    return answers
