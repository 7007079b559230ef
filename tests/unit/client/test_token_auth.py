"""
The httpx adapter, sync and async: every request carries a token, and a refused one is replaced once.
"""

import asyncio
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.unit.client.endpoint import FakeEndpoint
from watchword.client import TokenAuth, TokenRequestRefused, TokenSource


class FakeApi:
    """
    An API that takes only some tokens and remembers what was sent to it.
    """

    def __init__(self) -> None:
        self.good = {"token-1", "token-2"}
        self.seen: list[tuple[str, bytes]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """
        Answer 200 to a good token, 401 to others.
        """
        self.seen.append((request.headers["authorization"], request.read()))
        token = request.headers["authorization"].removeprefix("Bearer ")
        return httpx.Response(200 if token in self.good else 401)

    async def answer_async(self, request: httpx.Request) -> httpx.Response:
        """
        Answer as `answer` does.
        """
        await request.aread()
        return self.answer(request)


class Wire(httpx.BaseTransport):
    """
    A transport that takes a body piece by piece, as a real one does, and keeps nothing of it.
    """

    def __init__(self, api: FakeApi) -> None:
        self.api = api

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send the request on.
        """
        assert isinstance(request.stream, httpx.SyncByteStream)
        body = b"".join(request.stream)
        return self.api.answer(httpx.Request(request.method, request.url, headers=request.headers, content=body))


Call = Callable[[FakeApi, TokenSource], int]


def sync(api: FakeApi, source: TokenSource) -> int:
    """
    Post to the API with a sync client.
    """
    with httpx.Client(transport=httpx.MockTransport(api.answer), auth=TokenAuth(source)) as client:
        return client.post("https://shop.example/products", json={"name": "x"}).status_code


def on_a_loop(api: FakeApi, source: TokenSource) -> int:
    """
    Post to the API with an async client.
    """

    async def post() -> int:
        transport = httpx.MockTransport(api.answer_async)
        async with httpx.AsyncClient(transport=transport, auth=TokenAuth(source)) as client:
            return (await client.post("https://shop.example/products", json={"name": "x"})).status_code

    return asyncio.run(post())


both_ways = pytest.mark.parametrize("call", [sync, on_a_loop])


@both_ways
def test_every_request_carries_the_token(endpoint: FakeEndpoint, source: TokenSource, call: Call) -> None:
    """
    Requests share one token until it has to be renewed.
    """
    api = FakeApi()
    assert [call(api, source) for _ in range(3)] == [200] * 3
    assert [header for header, _ in api.seen] == ["Bearer token-1"] * 3
    assert len(endpoint.requests) == 1


@both_ways
def test_refused_token_is_replaced_and_the_request_sent_again(
    endpoint: FakeEndpoint, source: TokenSource, call: Call
) -> None:
    """
    After a 401 the same request goes out once more, with a new token and the same body.
    """
    api = FakeApi()
    call(api, source)
    api.good = {"token-2"}
    endpoint.clock.advance(10)
    assert call(api, source) == 200
    assert [header for header, _ in api.seen] == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]
    assert api.seen[1][1] == api.seen[2][1] == b'{"name":"x"}'


@both_ways
def test_a_401_that_stays_is_handed_back(endpoint: FakeEndpoint, source: TokenSource, call: Call) -> None:
    """
    An API that refuses every token gets two requests at most, and the token endpoint no flood.
    """
    api = FakeApi()
    api.good = set()
    assert call(api, source) == 401
    assert len(api.seen) == 1
    endpoint.clock.advance(10)
    assert [call(api, source) for _ in range(5)] == [401] * 5
    assert len(api.seen) == 1 + 2 + 4
    assert len(endpoint.requests) == 2


@both_ways
def test_no_token_is_an_error_before_the_request(endpoint: FakeEndpoint, source: TokenSource, call: Call) -> None:
    """
    Where no token can be had, nothing is sent to the API.
    """
    api = FakeApi()
    endpoint.failing = [lambda _: httpx.Response(401, json={"error": "invalid_client"})]
    with pytest.raises(TokenRequestRefused):
        call(api, source)
    assert api.seen == []


def test_streamed_body_is_not_sent_twice(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    A body that can be read only once is not sent again half; the next request has the new token.
    """

    def pieces() -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    api = FakeApi()
    sync(api, source)
    api.good = {"token-2"}
    endpoint.clock.advance(10)
    with httpx.Client(transport=Wire(api), auth=TokenAuth(source)) as client:
        assert client.post("https://shop.example/products", content=pieces()).status_code == 401
        assert client.post("https://shop.example/products", content=pieces()).status_code == 200
    assert api.seen[1:] == [("Bearer token-1", b"ab"), ("Bearer token-2", b"ab")]


def test_token_does_not_follow_a_redirect_elsewhere(source: TokenSource) -> None:
    """
    A redirect to another host takes no token along.
    """
    seen: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers.get("authorization")))
        if request.url.host == "shop.example":
            return httpx.Response(302, headers={"Location": "https://attacker.example/"})
        return httpx.Response(200)

    transport = httpx.MockTransport(answer)
    with httpx.Client(transport=transport, auth=TokenAuth(source), follow_redirects=True) as client:
        client.get("https://shop.example/products")
    assert seen == [("shop.example", "Bearer token-1"), ("attacker.example", None)]
