"""
Bodies and ids at the Management API that are too large, too deep or too strange: the caller's error, never ours.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.exchange import Exchange
from tests.support.wire import FORM, JSON, assert_code

if TYPE_CHECKING:
    from tests.support.exchange import World
    from tests.support.server import RunningServer

MEGABYTE = 1_048_576


def test_body_under_a_megabyte_is_stored(world: World) -> None:
    """
    900 KB of custom data are fine.
    """
    text = "x" * 900_000
    answer = world.send(Exchange(method="PATCH", path="/applications/<app>/custom-data", body={"a": text}))
    assert answer.status_code == 200
    assert answer.json() == {"a": text}


@pytest.mark.parametrize("chunked", [pytest.param(False, id="sized"), pytest.param(True, id="chunked")])
def test_body_over_a_megabyte_is_413(world: World, *, chunked: bool) -> None:
    """
    A body over 1 MB is 413 in the error shape, whether its size is told or not, and changes nothing.
    """
    path = world.fill("/applications/<app>/custom-data")
    body = json.dumps({"a": "x" * (MEGABYTE + 1)}).encode()
    answer = world.server.management.patch(
        path,
        content=iter([body[:5000], body[5000:]]) if chunked else body,
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 413
    assert answer.headers["content-type"] == JSON
    assert answer.json()["code"]
    assert answer.json()["message"]
    assert world.send(Exchange(method="GET", path="/applications/<app>")).json()["customData"] == {}


@pytest.mark.parametrize(
    ("path", "kind", "code"),
    [("/api/roles", JSON, "request.body_encoded"), ("/oidc/token", FORM, "oidc.invalid_request")],
)
def test_compressed_body_is_415(server: RunningServer, path: str, kind: str, code: str) -> None:
    """
    Told as what it is, and not as malformed JSON or a form without members; `identity` is no coding.
    """
    url, body = f"{server.endpoint}{path}", gzip.compress(b"{}")
    for coding in ("gzip", "deflate, gzip", "br"):
        headers = {"content-type": kind, "content-encoding": coding}
        answer = server.management.post(url, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, code)
        assert answer.headers["accept-encoding"] == "identity"
    plain = server.management.post(url, content=b"{}", headers={"content-type": kind, "content-encoding": "Identity"})
    assert plain.status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="arrays"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="objects"),
        pytest.param(b'{"name":"x","description":"d","a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", id="unknown member"),
        pytest.param(b"[" * 500_000, id="never closed"),
    ],
)
def test_deep_json_is_the_callers_error(server: RunningServer, body: bytes) -> None:
    """
    However deep a body is nested, it is 400, not a failure inside.
    """
    answer = server.management.post("/roles", content=body, headers={"content-type": "application/json"})
    assert_code(answer, 400, "guard.invalid_input")


@pytest.mark.parametrize("padding", [pytest.param("", id="short"), pytest.param("x" * 40_000, id="long")])
@pytest.mark.parametrize(
    ("method", "path", "wrapped"),
    [
        ("POST", "/applications", '{"name":"deep","type":"MachineToMachine","customData":%s}'),
        ("PATCH", "/applications/<app>", '{"customData":%s}'),
        ("PATCH", "/applications/<app>/custom-data", "%s"),
        ("POST", "/users", '{"customData":%s}'),
    ],
)
def test_deep_custom_data_breaks_no_list(world: World, method: str, path: str, wrapped: str, padding: str) -> None:
    """
    Where one thread can just read a value, another can't write it: it must not have been stored then.
    """
    management, filled = world.server.management, world.fill(path)
    headers = {"content-type": "application/json"}
    for depth in (401, 900, *range(940, 1_000, 3), 5_000):
        deep = f'{{"padding":"{padding}","deep":{"[" * depth}{"]" * depth}}}'
        answer = management.request(method, filled, content=wrapped % deep, headers=headers)
        assert_code(answer, 400, "guard.invalid_input")
    for page in (world.fill("/applications/<app>"), "/applications", "/applications?page=1", "/users"):
        management.get(page).raise_for_status()


def test_custom_data_may_be_nested_four_hundred_levels(world: World) -> None:
    """
    And is shown as it is, in lists too.
    """
    management, path, deep = world.server.management, world.fill("/applications/<app>"), "[" * 399 + "]" * 399
    body = f'{{"deep":{deep}}}'
    management.patch(
        f"{path}/custom-data", content=body, headers={"content-type": "application/json"}
    ).raise_for_status()
    for page in (path, "/applications?page=1"):
        assert deep in management.get(page).raise_for_status().text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"name": "a\x00b", "type": "MachineToMachine"}, id="NUL"),
        pytest.param({"name": "\ud800", "type": "MachineToMachine"}, id="lone surrogate"),
        pytest.param({"name": "x", "type": "MachineToMachine", "customData": {"\x00": "\ud800"}}, id="in custom data"),
        pytest.param({"name": "x", "type": "MachineToMachine", "customData": {"a": 10**400}}, id="huge number"),
        pytest.param({"name": "x", "type": "MachineToMachine", "customData": {"__proto__": {"a": 1}}}, id="prototype"),
        pytest.param({"name": ["x"], "type": {"a": 1}}, id="wrong types everywhere"),
        pytest.param({"name": "😀" * 256, "type": "MachineToMachine"}, id="512 UTF-16 units"),
    ],
)
def test_wild_values_never_fail_inside(world: World, body: dict[str, object]) -> None:
    """
    Whatever a body holds, the answer is the created record or an error of the caller.
    """
    answer = world.send(Exchange(method="POST", path="/applications", body=body))
    assert answer.status_code in {200, 400, 422}
    if answer.status_code == 200:
        read = world.send(Exchange(method="GET", path=f"/applications/{answer.json()['id']}"))
        assert read.json()["name"] == answer.json()["name"]


@pytest.mark.parametrize("method", ["PATCH", "POST"])
@pytest.mark.parametrize(
    "member",
    [
        pytest.param({"oidcClientMetadata": None}, id="metadata"),
        pytest.param({"customClientMetadata": None}, id="custom metadata"),
        pytest.param({"customClientMetadata": {"corsAllowedOrigins": None}}, id="origins"),
        pytest.param(
            {"oidcClientMetadata": {"redirectUris": [], "postLogoutRedirectUris": [], "backchannelLogoutUri": None}},
            id="URI",
        ),
        pytest.param(
            {"oidcClientMetadata": {"redirectUris": [], "postLogoutRedirectUris": [], "logoUri": "a\x00"}}, id="NUL"
        ),
    ],
)
def test_null_is_no_value_of_what_is_always_there(world: World, method: str, member: dict[str, object]) -> None:
    """
    Else scripts that read `oidcClientMetadata.redirectUris` would break; what is refused changes nothing (core §1.6).
    """
    before = world.send(Exchange(method="GET", path="/applications/<app>")).json()
    path = "/applications" if method == "POST" else "/applications/<app>"
    body = {"name": "x", "type": "MachineToMachine", **member}
    answer = world.send(Exchange(method=method, path=path, body=body))
    assert (answer.status_code, answer.json()["code"]) == (400, "guard.invalid_input")
    assert world.send(Exchange(method="GET", path="/applications/<app>")).json() == before


@pytest.mark.parametrize(
    "path",
    [
        "/applications/%00",
        "/applications/%ff",
        "/applications/" + "x" * 5_000,
        "/applications/..%2f..%2fstatus",
        "/applications/'%20OR%201=1--",
        "/roles/%F0%9F%98%80",
        "/users/%00",
        "/logs/%00",
        "/resources/%ed%a0%80",
    ],
)
def test_wild_ids_are_not_found(server: RunningServer, path: str) -> None:
    """
    An id that can't be is not found, or refused.
    """
    assert server.management.get(path).status_code in {400, 404, 414, 431}


def test_body_of_faults_gets_a_short_answer(world: World) -> None:
    """
    However many values of a body are wrong, the answer stays short: each fault told took 200 bytes for its two.
    """
    body = {"scopeIds": [1] * 300_000}
    answer = world.send(Exchange(method="POST", path="/roles/<role>/scopes", body=body))
    assert_code(answer, 400, "guard.invalid_input")
    assert len(answer.content) < 1_000


def test_each_of_many_faults_is_told(world: World) -> None:
    """
    A few hundred faults are all told.
    """
    answer = world.send(Exchange(method="POST", path="/roles/<role>/scopes", body={"scopeIds": [1] * 300}))
    assert_code(answer, 400, "guard.invalid_input")
    assert len(answer.json()["data"]["issues"]) == 300
