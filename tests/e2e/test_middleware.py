"""
APIs that people protected for Logto: their middleware accepts our tokens as it stands.

The issuer's default algorithm may differ from what such a middleware pins, so each pins one and the API resource is
set to that one.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import jwt
import pytest

from tests.e2e.clients.scripts import products_api
from tests.e2e.signed_shop import create_signed_shop
from tests.support.server import RunningServer
from tests.support.shop import Shop

pytestmark = pytest.mark.e2e

REQUIRED = {"GET": "read:products", "POST": "write:products"}


class Refused(Exception):
    """
    The API's refusal, by its status.
    """

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class PinnedApi:
    """
    A products API in Python, protected with PyJWT and one pinned algorithm; the keys are fetched once and kept.
    """

    def __init__(self, *, issuer: str, audience: str, algorithm: str) -> None:
        """
        Say whose tokens are accepted.
        """
        self._issuer = issuer
        self._audience = audience
        self._algorithm = algorithm
        # Without a pause between fetches: a key that is younger than the first fetch must be found at once.
        self._keys = jwt.PyJWKClient(f"{issuer}/jwks", cooldown_duration=0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """
        Answer one request (WSGI).
        """
        try:
            caller = self._authorize(environ.get("HTTP_AUTHORIZATION", ""), REQUIRED[environ["REQUEST_METHOD"]])
        except Refused as refusal:
            start_response(refusal.status, [("Content-Type", "application/json")])
            return [b"{}"]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"caller": caller}).encode()]

    def _authorize(self, authorization: str, scope: str) -> str:
        if not authorization.startswith("Bearer "):
            raise Refused("401 Unauthorized")
        token = authorization.removeprefix("Bearer ")
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token, key.key, algorithms=[self._algorithm], issuer=self._issuer, options={"verify_aud": False}
            )
        except jwt.PyJWTError:
            raise Refused("401 Unauthorized") from None
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if self._audience not in audience or scope not in claims.get("scope", "").split():
            raise Refused("403 Forbidden")
        subject: str = claims["sub"]
        return subject


class SilentHandler(WSGIRequestHandler):
    """
    Keeps requests out of the tests' output.
    """

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """
        Write nothing.
        """


@contextmanager
def served(api: PinnedApi) -> Iterator[str]:
    """
    Serve an API on a free port and give its base URL.
    """
    with make_server("127.0.0.1", 0, api, handler_class=SilentHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module", params=["Node jose", "PyJWT ES384", "PyJWT RS256", "PyJWT ES256"])
def protected(request: pytest.FixtureRequest, server: RunningServer) -> Iterator[tuple[Shop, httpx.Client]]:
    """
    Give a shop whose resource has the algorithm that the API's middleware pins, and a client of that API.
    """
    kind, _, algorithm = request.param.partition(" ")
    if kind == "Node":
        shop = create_signed_shop(server, None)
        running = products_api(issuer=server.issuer, audience=shop.indicator)
    else:
        shop = create_signed_shop(server, algorithm)
        running = served(PinnedApi(issuer=server.issuer, audience=shop.indicator, algorithm=algorithm))
    with running as url, httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        yield shop, client


def bearer(shop: Shop, **form: str) -> dict[str, str]:
    """
    Return the header with a fresh token of the shop's application.
    """
    answer = shop.request_token(**form)
    assert answer.status_code == 200, answer.text
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def test_token_with_the_permission_is_let_in(protected: tuple[Shop, httpx.Client]) -> None:
    """
    200, and the API knows the application.
    """
    shop, api = protected
    for method, scope in REQUIRED.items():
        answer = api.request(method, "/products", headers=bearer(shop, scope=scope))
        assert answer.status_code == 200
        assert shop.application.id in answer.text


def test_token_without_the_permission_is_forbidden(protected: tuple[Shop, httpx.Client]) -> None:
    """
    403 for a token that may read and wants to write, and for one that may nothing.
    """
    shop, api = protected
    assert api.post("/products", headers=bearer(shop, scope="read:products")).status_code == 403
    assert api.get("/products", headers=bearer(shop)).status_code == 403


def test_missing_and_unreadable_tokens_are_unauthorized(protected: tuple[Shop, httpx.Client]) -> None:
    """
    401 without a header, with another scheme, and with what is no token.
    """
    _, api = protected
    for headers in ({}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer nonsense"}):
        assert api.get("/products", headers=headers).status_code == 401


def test_tampered_token_is_unauthorized(protected: tuple[Shop, httpx.Client]) -> None:
    """
    401 when the claims of one token carry the signature of another.
    """
    shop, api = protected
    signed = bearer(shop, scope="read:products")["authorization"].rpartition(".")[0]
    foreign = bearer(shop, scope="write:products")["authorization"].rpartition(".")[2]
    assert api.get("/products", headers={"authorization": f"{signed}.{foreign}"}).status_code == 401


def test_token_of_another_api_is_forbidden(protected: tuple[Shop, httpx.Client], server: RunningServer) -> None:
    """
    403 for a token that we signed for somebody else; 401 where its algorithm is not the pinned one.
    """
    shop, api = protected
    [algorithm] = {jwt.get_unverified_header(bearer(shop)["authorization"][7:])["alg"]}
    other = create_signed_shop(server, algorithm)
    assert api.get("/products", headers=bearer(other, scope="read:products")).status_code == 403


def test_pinned_algorithm_refuses_a_resource_with_another(server: RunningServer) -> None:
    """
    What makes the setting necessary: an API that pins ES384 can't use a resource with the default.
    """
    shop = create_signed_shop(server, None)
    api = PinnedApi(issuer=server.issuer, audience=shop.indicator, algorithm="ES384")
    with served(api) as url:
        answer = httpx.get(f"{url}/products", headers=bearer(shop, scope="read:products"), trust_env=False)
        assert answer.status_code == 401
        changed = server.management.patch(f"/resources/{shop.resource_id}", json={"signingAlgorithm": "ES384"})
        assert changed.status_code == 200
        answer = httpx.get(f"{url}/products", headers=bearer(shop, scope="read:products"), trust_env=False)
        assert answer.status_code == 200
