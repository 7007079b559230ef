"""
`curl`: credentials in every form that people send, and the corners of HTTP that it can be told to use.
"""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.server import MANAGEMENT_RESOURCE, RunningServer
from tests.support.shop import BASIC, Shop
from tests.support.wire import read_token

pytestmark = pytest.mark.e2e

HTTP_ERROR = 22
SEPARATOR = "\n--- what curl says of it ---\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """
    What curl got: its exit code, the heads of all answers, the last body, and its own account (`--write-out`).
    """

    code: int
    heads: str
    body: str
    account: dict[str, Any]

    @property
    def status(self) -> int:
        """
        The status of the last answer; 0 when there was none.
        """
        status: int = self.account["http_code"]
        return status

    @property
    def json(self) -> dict[str, Any]:
        """
        The last body as JSON.
        """
        members: dict[str, Any] = json.loads(self.body)
        return members


def curl(*arguments: str) -> Fetched:
    """
    Run curl, silent but for errors.
    """
    done = subprocess.run(
        [
            "curl",
            "--disable",
            "-sS",
            "--max-time",
            "20",
            "-D",
            "/dev/stderr",
            "-w",
            f"{SEPARATOR}%{{json}}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    body, _, account = done.stdout.rpartition(SEPARATOR)
    return Fetched(code=done.returncode, heads=done.stderr, body=body, account=json.loads(account))


def form(**fields: str) -> list[str]:
    """
    Return the options that send these fields, encoded by curl.
    """
    return [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")]


def ask(shop: Shop, *arguments: str, **fields: str) -> Fetched:
    """
    Ask for a token for the shop's API; `arguments` say who asks and how.
    """
    asked = {"grant_type": "client_credentials", "resource": shop.indicator, "scope": "read:products write:products"}
    return curl(*form(**asked | fields), *arguments, f"{shop.server.issuer}/token")


def user(shop: Shop) -> list[str]:
    """
    Return `-u id:secret`.
    """
    return ["-u", f"{shop.application.id}:{shop.application.secret}"]


def encoded(text: str) -> str:
    """
    Percent-encode every character.
    """
    return "".join(f"%{ord(character):02x}" for character in text)


def assert_token(shop: Shop, fetched: Fetched) -> None:
    """
    Check that curl got a token for the shop's API with both scopes.
    """
    assert (fetched.code, fetched.status) == (0, 200), fetched
    assert fetched.json["scope"] == "read:products write:products"
    assert read_token(fetched.json["access_token"])[1]["aud"] == shop.indicator


def test_user_option_gets_a_token(shop: Shop) -> None:
    """
    `-u id:secret` is HTTP Basic.
    """
    assert_token(shop, ask(shop, *user(shop)))


def test_percent_encoded_credentials_get_a_token(shop: Shop) -> None:
    """
    RFC 6749 §2.3.1 wants id and secret form-encoded before they go into the header.
    """
    assert_token(shop, ask(shop, "-u", f"{encoded(shop.application.id)}:{encoded(shop.application.secret)}"))


def test_header_written_by_hand_gets_a_token(shop: Shop) -> None:
    """
    As in the guide: the base64 made elsewhere, POST said explicitly, redirects followed.
    """
    header = f"Authorization: {shop.authorization(BASIC)}"
    assert_token(shop, ask(shop, "--location", "--request", "POST", "--header", header))


def test_credentials_in_the_body_get_a_token(shop: Shop) -> None:
    """
    `client_secret_post`.
    """
    fields = {"client_id": shop.application.id, "client_secret": shop.application.secret}
    assert_token(shop, ask(shop, **fields))


def test_json_body_gets_a_token(shop: Shop) -> None:
    """
    The reference takes JSON too, and scripts that send it work on.
    """
    body = {"grant_type": "client_credentials", "resource": shop.indicator, "scope": "read:products"}
    fetched = curl("--json", json.dumps(body), *user(shop), f"{shop.server.issuer}/token")
    assert (fetched.status, fetched.json["scope"]) == (200, "read:products")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--http1.0"], id="HTTP 1.0"),
        pytest.param(["--http1.1"], id="HTTP 1.1"),
        pytest.param(["--http2"], id="offers an upgrade to HTTP 2"),
        pytest.param(["-H", "Transfer-Encoding: chunked"], id="chunked"),
        pytest.param(["-H", "Expect: 100-continue"], id="expects 100"),
        pytest.param(["-H", "Expect: 100-continue", "-H", "Transfer-Encoding: chunked"], id="expects 100, chunked"),
        pytest.param(["-H", "Expect:"], id="expects nothing"),
        pytest.param(["--compressed"], id="takes compressed answers"),
        pytest.param(["--no-keepalive", "-H", "Connection: close"], id="closes"),
        pytest.param(["--path-as-is"], id="path as it is"),
    ],
)
def test_token_comes_whatever_http_is_used(shop: Shop, options: list[str]) -> None:
    """
    Version, framing and expectations of the request don't change the answer.
    """
    assert_token(shop, ask(shop, *user(shop), *options))


def test_server_says_continue_before_the_body_comes(shop: Shop) -> None:
    """
    A client that waits for 100 gets it, and then its answer.
    """
    fetched = ask(shop, *user(shop), "-H", "Expect: 100-continue")
    lines = [line for line in fetched.heads.splitlines() if line.startswith("HTTP/")]
    assert lines == ["HTTP/1.1 100 Continue", "HTTP/1.1 200 OK"]


def test_http_1_0_connection_is_closed(shop: Shop) -> None:
    """
    A client of HTTP 1.0 sees the end of the answer from its length, and the connection end.
    """
    fetched = ask(shop, *user(shop), "--http1.0")
    assert "connection: close" in fetched.heads
    assert f"content-length: {len(fetched.body)}" in fetched.heads


def test_http_2_without_upgrade_is_refused_at_once(shop: Shop) -> None:
    """
    The server does not speak it: curl fails, quickly, and the next request is served.
    """
    fetched = ask(shop, *user(shop), "--http2-prior-knowledge")
    assert fetched.code != 0
    assert fetched.body == ""
    assert fetched.account["time_total"] < 5
    assert_token(shop, ask(shop, *user(shop)))


def test_connection_is_kept(shop: Shop) -> None:
    """
    A second request of the same curl needs no second connection, even after a refusal.
    """
    url = f"{shop.server.issuer}/token"
    fetched = curl("-d", "grant_type=x", *user(shop), url, "-o", "/dev/null", url)
    assert fetched.account["num_connects"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/oidc/.well-known/openid-configuration", 200, id="discovery"),
        pytest.param("/.well-known/oauth-authorization-server/oidc", 200, id="RFC 8414"),
        pytest.param("/oidc/jwks", 200, id="keys"),
        pytest.param("/health/ready", 200, id="health"),
        pytest.param("/oidc/token", 404, id="token endpoint"),
        pytest.param("/api/applications", 401, id="management"),
        pytest.param("/nothing", 404, id="nothing"),
    ],
)
def test_head_is_answered_without_a_body(server: RunningServer, path: str, status: int) -> None:
    """
    `curl -I` gets the status, the length that GET has, and no body.
    """
    fetched = curl("--head", server.endpoint + path)
    assert (fetched.code, fetched.status) == (0, status)
    assert fetched.account["size_download"] == 0
    assert "content-length: " in fetched.heads


@pytest.mark.parametrize("place", ["header", "body"])
def test_wrong_secret_is_told_as_invalid_client(shop: Shop, place: str) -> None:
    """
    401 with the error in the body; with Basic a challenge as well. `--fail-with-body` exits with 22.
    """
    fields = {"client_id": shop.application.id, "client_secret": "wrong"} if place == "body" else {}
    options = ["-u", f"{shop.application.id}:wrong"] if place == "header" else []
    fetched = ask(shop, "--fail-with-body", *options, **fields)
    assert (fetched.code, fetched.status) == (HTTP_ERROR, 401)
    assert fetched.json["error"] == "invalid_client"
    assert ("www-authenticate: Basic realm=" in fetched.heads) == (place == "header")


def test_wrong_resource_is_told_as_invalid_target(shop: Shop) -> None:
    """
    400 with RFC 8707's error.
    """
    fetched = ask(shop, *user(shop), resource="https://nowhere.example")
    assert (fetched.status, fetched.json["error"]) == (400, "invalid_target")


def test_credentials_in_the_url_are_not_taken_from_the_query(shop: Shop) -> None:
    """
    `-G` moves the form into the query of a GET, where nobody looks for it.
    """
    fields = {"client_id": shop.application.id, "client_secret": shop.application.secret}
    fetched = ask(shop, "--get", **fields)
    assert (fetched.status, fetched.json["error"]) == (404, "invalid_request")
    assert shop.application.secret not in fetched.body


def test_bearer_option_calls_the_management_api(server: RunningServer) -> None:
    """
    `--oauth2-bearer` is accepted at `/api`.
    """
    asked = form(grant_type="client_credentials", resource=MANAGEMENT_RESOURCE, scope="all")
    credentials = f"{server.application_id}:{server.application_secret}"
    token = curl(*asked, "-u", credentials, f"{server.issuer}/token").json["access_token"]
    fetched = curl("--oauth2-bearer", token, f"{server.endpoint}/api/applications/{server.application_id}")
    assert (fetched.status, fetched.json["id"]) == (200, server.application_id)
