"""
Rules that every route of the Management API shares: order of checks, request ids, caching, what is absent.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.exchange import Exchange
from tests.support.records import BAD_PAGE, not_exists_with_id
from tests.support.wire import TEXT, assert_answer

if TYPE_CHECKING:
    from tests.support.exchange import World
    from tests.support.server import RunningServer


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/applications"),
        ("GET", "/applications/nope"),
        ("POST", "/roles"),
        ("GET", "/nothing"),
        ("GET", "/status"),
    ],
)
def test_every_answer_has_a_request_id(server: RunningServer, method: str, path: str) -> None:
    """
    `X-Request-Id` and `Logto-Core-Request-Id` carry one value, new for each request.
    """
    answers = [server.management.request(method, path) for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert [answer.headers["logto-core-request-id"] for answer in answers] == ids
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("600", "600"),
        ("600.0", "600"),
        ("6e2", "600"),
        ("0.5", "0.5"),
        ("-0.0", "0"),
        ("1e300", "1e300"),
        ("9007199254740993", "9007199254740993"),
    ],
)
def test_number_is_kept_as_json_means_it(server: RunningServer, sent: str, kept: str) -> None:
    """
    JSON has one kind of numbers: whole ones stay whole, however they are written, and however free the member is.
    """
    body = (
        '{"name":"n","type":"Traditional","oidcClientMetadata":{"redirectUris":[],"postLogoutRedirectUris":[]},'
        f'"customData":{{"n":[{sent}]}},"customClientMetadata":{{"refreshTokenTtl":{sent}}}}}'
    )
    answer = server.management.post("/applications", content=body, headers={"content-type": "application/json"})
    assert f'"customData":{{"n":[{kept}]}}' in answer.text
    ttl = answer.json()["customClientMetadata"]["refreshTokenTtl"]
    assert (type(ttl), ttl) == (type(json.loads(kept)), pytest.approx(json.loads(kept)))


def test_whole_number_may_be_written_as_a_fraction(server: RunningServer) -> None:
    """
    `600.0` is a whole number of seconds.
    """
    body = '{"name":"n","indicator":"https://whole.example","accessTokenTtl":600.0}'
    answer = server.management.post("/resources", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["accessTokenTtl"]) == (201, 600)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", "/applications", b"{bad", id="malformed JSON"),
        pytest.param("POST", "/applications", b"{}", id="validation"),
        pytest.param("GET", "/applications/nope", b"", id="not found"),
        pytest.param("GET", "/roles?page=0", b"", id="pagination"),
    ],
)
def test_error_carries_the_id_of_its_request(server: RunningServer, method: str, path: str, body: bytes) -> None:
    """
    An error's `request_id` is the id in the header, so that support can find it.
    """
    answer = server.management.request(method, path, content=body, headers={"content-type": "application/json"})
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_malformed_json_keeps_its_message_first(server: RunningServer) -> None:
    """
    Malformed JSON: `message` as the reference, then the code and the request id that we add.
    """
    answer = server.management.post("/roles", content=b"{bad", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert list(answer.json())[:3] == ["message", "code", "request_id"]
    assert answer.json()["code"] == "guard.invalid_input"


def test_401_carries_a_request_id_too(server: RunningServer) -> None:
    """
    An unauthenticated caller can name its request.
    """
    answer = server.http.get("/api/applications")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


ORDER = [
    pytest.param(
        Exchange(method="GET", path="/roles?page=0&type=Foo", status=400, answer=BAD_PAGE),
        id="pagination before the query",
    ),
    pytest.param(
        Exchange(method="GET", path="/roles/nope/scopes?page=0", status=400, answer=BAD_PAGE),
        id="pagination before the lookup",
    ),
    pytest.param(
        Exchange(method="POST", path="/roles/nope/scopes", body={}, status=400, code="guard.invalid_input"),
        id="body fields before the lookup",
    ),
    pytest.param(
        Exchange(
            method="PATCH",
            path="/applications/nope",
            body=b"{bad",
            content_type="application/json",
            status=400,
            code="guard.invalid_input",
        ),
        id="body parsing before the lookup",
    ),
    pytest.param(
        Exchange(method="GET", path="/applications?page=1&types=Foo&search=", status=400, code="guard.invalid_input"),
        id="query before the search",
    ),
    pytest.param(
        Exchange(
            method="POST",
            path="/resources/nope/scopes",
            body={"name": "x"},
            status=404,
            answer=not_exists_with_id("resources"),
        ),
        id="lookup last",
    ),
]


@pytest.mark.parametrize("exchange", ORDER)
def test_first_failure_answers(world: World, exchange: Exchange) -> None:
    """
    Checks run in the contract's order: pagination, body, query, fields, then the handler.
    """
    world.play(exchange)


@pytest.mark.parametrize("path", ["/nothing", "/applications/x/y/z", "/Applicationz", "/", ""])
def test_unknown_path_needs_no_token(server: RunningServer, path: str) -> None:
    """
    An unknown path is 404 text for everybody.
    """
    answer = server.http.get(f"/api{path}")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (404, "Not Found", TEXT)


def test_wrong_method_needs_no_token(server: RunningServer) -> None:
    """
    A known path with the wrong method is 405 with `Allow` for everybody.
    """
    answer = server.http.delete("/api/applications")
    assert (answer.status_code, answer.text) == (405, "Method Not Allowed")
    assert answer.headers["allow"] == "HEAD, GET, POST"


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "LINK", "SEARCH"])
def test_odd_method_never_works(server: RunningServer, method: str) -> None:
    """
    A method nobody routes is refused.
    """
    assert server.management.request(method, "/applications").status_code in {400, 404, 405, 501}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/organizations"),
        ("POST", "/organizations"),
        ("GET", "/organization-roles"),
        ("GET", "/organization-scopes"),
        ("GET", "/applications/x/organizations"),
        ("GET", "/applications/x/access-control"),
        ("PATCH", "/users/x/profile"),
        ("PATCH", "/users/x/password"),
        ("POST", "/users/x/password/verify"),
        ("GET", "/users/x/has-password"),
        ("PATCH", "/users/x/is-suspended"),
        ("GET", "/users/x/organizations"),
        ("GET", "/users/x/personal-access-tokens"),
        ("POST", "/subject-tokens"),
        ("GET", "/hooks"),
        ("POST", "/hooks"),
        ("GET", "/dashboard/users/total"),
        ("GET", "/configs/id-token"),
        ("GET", "/configs/admin-console"),
        ("GET", "/configs/jwt-customizer"),
        ("GET", "/saml-applications"),
        ("GET", "/systems/application"),
        ("DELETE", "/secrets/x"),
    ],
)
def test_what_comes_later_is_an_unknown_path(server: RunningServer, method: str, path: str) -> None:
    """
    What is not built yet answers as if it had never been thought of.
    """
    answer = server.management.request(method, path)
    assert (answer.status_code, answer.text) == (404, "Not Found")


def test_unchanged_answer_is_304(world: World) -> None:
    """
    GET bodies carry an `ETag`; a matching `If-None-Match` gets 304 without a body, until something changes.
    """
    management = world.server.management
    path = world.fill("/applications/<app>")
    etag = management.get(path).headers["etag"]
    unchanged = management.get(path, headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    management.patch(path, json={"description": "new"}).raise_for_status()
    changed = management.get(path, headers={"if-none-match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_head_is_get_without_a_body(world: World) -> None:
    """
    HEAD has the headers of GET, pagination included.
    """
    management = world.server.management
    path = world.fill("/applications?search=%25<n>%25&page=1")
    got, head = management.get(path), management.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "total-number", "etag"):
        assert head.headers.get(name) == got.headers.get(name)
    assert head.headers.get_list("link") == got.headers.get_list("link")


@pytest.mark.parametrize("language", ["fr", "xx;q=abc", "*", "en-US,en;q=0.9"])
def test_language_never_changes_the_code(server: RunningServer, language: str) -> None:
    """
    `Accept-Language` and `locale` touch at most `message`.
    """
    answer = server.management.get("/applications/nope?locale=zh", headers={"accept-language": language})
    assert answer.status_code == 404
    assert answer.json()["code"] == "entity.not_exists_with_id"


def test_foreign_origin_gets_no_cors_header(server: RunningServer) -> None:
    """
    No page may call the Management API.
    """
    answer = server.management.get("/applications?page=1", headers={"origin": "https://x.example"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_openapi_document_describes_this_server(server: RunningServer) -> None:
    """
    `/api/swagger.json`: OpenAPI 3.1, the configured endpoint, and every path with its prefix.
    """
    answer = server.http.get("/api/swagger.json", headers={"host": "evil.example"})
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"].startswith("3.1.")
    assert document["servers"][0]["url"] == server.endpoint
    assert "evil.example" not in answer.text
    assert {"/api/applications", "/api/resources", "/api/roles", "/api/users", "/api/logs"} <= set(document["paths"])
    assert all(path.startswith("/api/") for path in document["paths"])
    assert "/api/organizations" not in document["paths"]


def test_answer_of_a_write_is_what_is_read(world: World) -> None:
    """
    What POST and PATCH answer is what GET answers next.
    """
    created = world.send(Exchange(method="POST", path="/resources", body={"name": "B", "indicator": "<indicator>"}))
    path = f"/resources/{created.json()['id']}"
    read = world.server.management.get(path)
    assert_answer(read, 200, {name: value for name, value in created.json().items() if name != "scopes"})
    patched = world.server.management.patch(path, json={"name": "C"})
    assert_answer(world.server.management.get(path), 200, patched.json())
