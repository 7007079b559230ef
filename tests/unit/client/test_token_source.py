"""
When a token is asked for: kept while it is good, renewed in time, fetched by one for all.

And what happens when the server does not answer.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.unit.client.endpoint import ENDPOINT, FakeEndpoint, busy, unreachable
from watchword import outbound
from watchword.client import (
    ClientError,
    InsecureEndpoint,
    ServerUnavailable,
    Token,
    TokenRequestRefused,
    TokenSource,
    UnexpectedAnswer,
    sending,
)
from watchword.client.sending import Flow, Outcome, Pause, Send

DEADLINE_SECONDS = 10


def until(condition: Callable[[], bool]) -> None:
    """
    Wait for another thread to get somewhere.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the other thread does not get there"
        time.sleep(0.001)


async def turns(number: int = 50) -> None:
    """
    Let the other tasks go as far as they can.
    """
    for _ in range(number):
        await asyncio.sleep(0)


def test_token_is_fetched_once(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    Making a source touches no network; the first call does, and all next ones share its token.
    """
    assert endpoint.requests == []
    token = source.token()
    assert all(source.token() is token for _ in range(100))
    assert asyncio.run(source.atoken()) is token
    assert len(endpoint.requests) == 1


def test_async_caller_may_be_first(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    A token that was fetched on an event loop serves threads too.
    """
    token = asyncio.run(source.atoken())
    assert source.token() is token


@pytest.mark.parametrize(
    ("life", "renewed_at"),
    [
        pytest.param(3600, 3540, id="an hour: a minute before"),
        pytest.param(300, 240, id="five minutes: a minute before"),
        pytest.param(60, 48, id="a minute: in the last fifth"),
        pytest.param(10, 8, id="ten seconds: in the last fifth"),
    ],
)
def test_token_is_renewed_early(endpoint: FakeEndpoint, source: TokenSource, life: int, renewed_at: int) -> None:
    """
    A token is replaced before it can expire on its way, short-lived ones later in their life.
    """
    endpoint.members["expires_in"] = life
    source.token()
    endpoint.clock.advance(renewed_at - 1)
    assert source.token().access_token == "token-1"
    endpoint.clock.advance(1)
    assert source.token().access_token == "token-2"
    assert source.token().access_token == "token-2"


@pytest.mark.parametrize("trouble", [unreachable, busy(), busy(429), busy(502)], ids=["no answer", "503", "429", "502"])
def test_old_token_serves_on_while_the_server_is_away(
    endpoint: FakeEndpoint, source: TokenSource, trouble: Callable[[httpx.Request], httpx.Response]
) -> None:
    """
    While a renewal fails, the old token is used until it expires; the server is asked every 5 s.
    """
    source.token()
    endpoint.always_failing = trouble
    endpoint.clock.advance(3540)
    for _ in range(60):
        assert source.token().access_token == "token-1"
        endpoint.clock.advance(1)
    assert len(endpoint.requests) == 1 + 12
    endpoint.always_failing = unreachable
    with pytest.raises(ServerUnavailable):
        source.token()


def test_renewal_after_trouble(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    The renewal that failed is made up for as soon as the server is back.
    """
    source.token()
    endpoint.failing = [unreachable]
    endpoint.clock.advance(3540)
    assert source.token().access_token == "token-1"
    endpoint.clock.advance(5)
    assert source.token().access_token == "token-3"


def test_refused_renewal_is_told_at_once(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    A server that says no is believed, though the old token has some seconds left.
    """
    source.token()
    endpoint.failing = [lambda _: httpx.Response(401, json={"error": "invalid_client"})]
    endpoint.clock.advance(3540)
    with pytest.raises(TokenRequestRefused):
        source.token()


def test_invalidated_token_is_replaced(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    After `invalidate` the next caller gets a new token.
    """
    source.token()
    source.invalidate()
    assert source.token().access_token == "token-2"


def test_refused_token_is_replaced_once_for_all(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    Callers whose token an API refused get one new token between them.
    """
    old = source.token()
    endpoint.clock.advance(10)
    assert {source.token(refused=old).access_token for _ in range(5)} == {"token-2"}
    endpoint.clock.advance(60)
    assert source.token(refused=old).access_token == "token-2"
    assert len(endpoint.requests) == 2


def test_refused_token_serves_on_while_the_server_is_away(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    One API that says 401 does not take a good token from all others.
    """
    old = source.token()
    endpoint.clock.advance(60)
    endpoint.always_failing = unreachable
    assert source.token(refused=old) is old
    assert source.token() is old
    endpoint.always_failing = None
    endpoint.clock.advance(10)
    assert source.token(refused=old).access_token != old.access_token


def test_token_of_a_clock_that_was_set_back_is_replaced(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    When it expires can't be told any more: by the clock that is right now, it would be in a day and an hour.
    """
    old = source.token()
    endpoint.clock.advance(-86_400)
    assert source.token().access_token == "token-2"
    assert source.token(refused=old).access_token == "token-2"


def test_young_refused_token_stays(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    An API that refuses brand-new tokens does not make us fetch one after the other.
    """
    old = source.token()
    endpoint.clock.advance(9.9)
    assert source.token(refused=old) is old
    assert len(endpoint.requests) == 1


def test_answer_to_an_old_question_is_not_kept(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    A token that was asked for before `invalidate` is not used after it.
    """

    def invalidating(_: httpx.Request) -> httpx.Response:
        source.invalidate()
        return httpx.Response(200, json={"access_token": "old", "token_type": "Bearer", "expires_in": 3600})

    endpoint.failing = [invalidating]
    source.token()
    assert source.token().access_token == "token-2"


def drive(flow: Flow[Token], endpoint: FakeEndpoint) -> list[float]:
    """
    Run a flow by hand, without waiting, and return the pauses that it asked for.
    """
    pauses: list[float] = []
    answer: Outcome = None
    while True:
        try:
            step = next(flow) if answer is None and not pauses else flow.send(answer)
        except StopIteration:
            return pauses
        if isinstance(step, Pause):
            pauses.append(step.seconds)
            endpoint.clock.advance(step.seconds)
            answer = None
        else:
            assert isinstance(step, Send)
            answer = outbound.send(sending._request(step.request), endpoint.http)


@pytest.mark.parametrize(
    ("troubles", "pauses"),
    [
        pytest.param([busy(retry_after="3")], [3.0], id="the server's pause"),
        pytest.param([busy(429, retry_after="0"), busy()], [0.0, 1.0], id="twice"),
        pytest.param([busy(retry_after="Tue, 24 Nov 2026 12:00:04 GMT")], [4.0], id="a date"),
        pytest.param([busy(429)], [1.0], id="a second where none is named"),
        pytest.param([busy(retry_after="10")], [10.0], id="the longest"),
    ],
)
def test_busy_server_is_asked_again(
    endpoint: FakeEndpoint,
    source: TokenSource,
    troubles: list[Callable[[httpx.Request], httpx.Response]],
    pauses: list[float],
) -> None:
    """
    429 and 503 are tried again after the pause that the server names.
    """
    endpoint.failing = list(troubles)
    assert drive(source._find(None), endpoint) == pauses
    assert len(endpoint.requests) == len(troubles) + 1


@pytest.mark.parametrize(
    ("trouble", "requests", "status", "retry_after"),
    [
        pytest.param(busy(retry_after="0"), 3, 503, 0.0, id="three times at most"),
        pytest.param(busy(429, retry_after="11"), 1, 429, 11.0, id="not after a long pause"),
        pytest.param(busy(502), 1, 502, None, id="502 at once"),
        pytest.param(busy(500, retry_after="0"), 1, 500, 0.0, id="500 at once"),
        pytest.param(unreachable, 1, None, None, id="no answer"),
    ],
)
def test_server_in_trouble_is_unavailable(
    *,
    endpoint: FakeEndpoint,
    source: TokenSource,
    trouble: Callable[[httpx.Request], httpx.Response],
    requests: int,
    status: int | None,
    retry_after: float | None,
) -> None:
    """
    After bounded patience the caller is told, sync and async alike, and when to come back.
    """
    endpoint.always_failing = trouble
    calls: list[Callable[[], Token]] = [source.token, lambda: asyncio.run(source.atoken())]
    for call in calls:
        endpoint.requests.clear()
        with pytest.raises(ServerUnavailable) as caught:
            call()
        assert len(endpoint.requests) == requests
        assert (caught.value.status, caught.value.retry_after) == (status, retry_after)


def test_reason_of_no_answer_is_told(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    Where nobody answers, the error says how it failed, and drags no request with credentials along.
    """
    endpoint.always_failing = unreachable
    with pytest.raises(ServerUnavailable) as caught:
        source.token()
    assert str(caught.value) == "can't reach the authorization server: ConnectError: connection refused"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_pauses_are_real(endpoint: FakeEndpoint, source: TokenSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Threads sleep and tasks wait for just as long as the flow asks.
    """
    slept: list[tuple[str, float]] = []
    real_sleep = asyncio.sleep

    async def async_sleep(seconds: float) -> None:
        slept.append(("task", seconds))
        await real_sleep(0)

    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(("thread", seconds)))
    monkeypatch.setattr(asyncio, "sleep", async_sleep)
    endpoint.failing = [busy(retry_after="7")]
    source.token()
    source.invalidate()
    endpoint.failing = [busy(retry_after="8")]
    asyncio.run(source.atoken())
    assert slept == [("thread", 7.0), ("task", 8.0)]


def test_stampede_of_threads_makes_one_request(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    Threads that all need a token at once wait for one request.
    """
    number, release = 8, threading.Event()

    def slow(_: httpx.Request) -> httpx.Response:
        assert release.wait(DEADLINE_SECONDS)
        return httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "expires_in": 3600})

    endpoint.always_failing = slow
    with ThreadPoolExecutor(number) as pool:
        calls = [pool.submit(source.token) for _ in range(number)]
        until(lambda: len(endpoint.requests) + _waiting(source) == number)
        release.set()
        assert len({id(call.result(DEADLINE_SECONDS)) for call in calls}) == 1
    assert len(endpoint.requests) == 1


def test_refusal_is_shared_by_all_who_wait(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    A wrong secret makes one failed request, not one per waiting thread.
    """
    number, release = 8, threading.Event()

    def slow(_: httpx.Request) -> httpx.Response:
        assert release.wait(DEADLINE_SECONDS)
        return httpx.Response(401, json={"error": "invalid_client"})

    endpoint.always_failing = slow
    with ThreadPoolExecutor(number) as pool:
        calls = [pool.submit(source.token) for _ in range(number)]
        until(lambda: len(endpoint.requests) + _waiting(source) == number)
        release.set()
        assert all(isinstance(call.exception(DEADLINE_SECONDS), TokenRequestRefused) for call in calls)
    assert len(endpoint.requests) == 1


def test_renewal_keeps_nobody_waiting(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    While one caller renews, the others go on with the token that is still good.
    """
    source.token()
    endpoint.clock.advance(3540)
    release = threading.Event()

    def slow(_: httpx.Request) -> httpx.Response:
        assert release.wait(DEADLINE_SECONDS)
        return httpx.Response(200, json={"access_token": "new", "token_type": "Bearer", "expires_in": 3600})

    endpoint.failing = [slow]
    with ThreadPoolExecutor(1) as pool:
        renewing = pool.submit(source.token)
        until(lambda: len(endpoint.requests) == 2)
        assert source.token().access_token == "token-1"
        release.set()
        assert renewing.result(DEADLINE_SECONDS).access_token == "new"


class AsyncEndpoint(FakeEndpoint):
    """
    An endpoint whose answers wait until they are let go.
    """

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    async def answer_late(self, request: httpx.Request) -> httpx.Response:
        """
        Answer once `release` is set.
        """
        answer = self.answer(request)
        await self.release.wait()
        return answer

    def async_http(self) -> httpx.AsyncClient:
        """
        Open a client whose requests wait.
        """
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer_late))


def test_stampede_of_tasks_makes_one_request() -> None:
    """
    Tasks that all need a token at once wait for one request; one that goes away disturbs nobody.
    """

    async def scenario() -> None:
        endpoint = AsyncEndpoint()
        source = endpoint.source()
        tasks = [asyncio.ensure_future(source.atoken()) for _ in range(20)]
        await turns()
        tasks[7].cancel()
        await turns()
        endpoint.release.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results.pop(7), asyncio.CancelledError)
        assert {result.access_token for result in results if isinstance(result, Token)} == {"token-1"}
        assert len(results) == 19
        assert len(endpoint.requests) == 1

    asyncio.run(scenario())


def test_next_in_line_takes_over_from_a_cancelled_request() -> None:
    """
    When the task that fetches goes away, one of those who wait fetches.
    """

    async def scenario() -> None:
        endpoint = AsyncEndpoint()
        source = endpoint.source()
        tasks = [asyncio.ensure_future(source.atoken()) for _ in range(5)]
        await turns()
        tasks[0].cancel()
        await turns()
        endpoint.release.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert all(isinstance(result, Token) for result in results[1:])
        assert len(endpoint.requests) == 2

    asyncio.run(scenario())


def test_threads_and_tasks_share_one_request() -> None:
    """
    A thread that needs a token while an event loop fetches it waits for that one.
    """

    async def scenario() -> None:
        endpoint = AsyncEndpoint()
        source = endpoint.source()
        task = asyncio.ensure_future(source.atoken())
        await turns()
        thread = asyncio.get_running_loop().run_in_executor(None, source.token)
        while not _waiting(source):  # noqa: ASYNC110 - a thread that begins to wait sets no event
            await asyncio.sleep(0.001)
        endpoint.release.set()
        assert await thread is await task
        assert len(endpoint.requests) == 1

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE_SECONDS))


@pytest.mark.parametrize("late", ["threads", "tasks"])
def test_waiting_is_bounded(monkeypatch: pytest.MonkeyPatch, late: str) -> None:
    """
    Nobody waits for ever for somebody else's request.
    """
    monkeypatch.setattr(sending, "_LONGEST_WAIT_SECONDS", 0.01)

    async def scenario() -> None:
        endpoint = AsyncEndpoint()
        source = endpoint.source()
        task = asyncio.ensure_future(source.atoken())
        await turns()
        with pytest.raises(ServerUnavailable, match="waited too long"):
            await (asyncio.to_thread(source.token) if late == "threads" else source.atoken())
        endpoint.release.set()
        await task

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE_SECONDS))


def test_interrupted_request_leaves_the_source_usable(endpoint: FakeEndpoint, source: TokenSource) -> None:
    """
    An interrupt in the middle of a request does not leave one that everybody waits for.
    """

    def interrupt(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    endpoint.failing = [interrupt]
    with pytest.raises(KeyboardInterrupt) as kept:  # and with it every frame of the call
        source.token()
    assert source.token().access_token == "token-2"
    assert kept.tb is not None


@pytest.mark.parametrize("name", ["token", "atoken"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(
            lambda: httpx.Response(302, headers={"Location": "https://attacker.example"}),
            UnexpectedAnswer,
            id="redirect",
        ),
        pytest.param(lambda: httpx.Response(200, content=b" " * 131_073), ServerUnavailable, id="large"),
        pytest.param(
            lambda: httpx.Response(200, content=b"x", headers={"Content-Encoding": "zstd"}),
            ServerUnavailable,
            id="packed",
        ),
    ],
)
def test_bad_answer_is_not_read_on(
    endpoint: FakeEndpoint, name: str, answer: Callable[[], httpx.Response], error: type[ClientError]
) -> None:
    """
    Credentials follow no redirect, and nothing but a small plain answer is read.
    """

    def redirecting() -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(endpoint.answer), follow_redirects=True)

    endpoint.failing = [lambda _: answer()]
    source = endpoint.source(http=redirecting)
    with pytest.raises(error):
        source.token() if name == "token" else asyncio.run(source.atoken())
    assert len(endpoint.requests) == 1


def test_slow_answer_is_cut(endpoint: FakeEndpoint, source: TokenSource, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A body that keeps coming ends at the deadline.
    """
    monkeypatch.setattr(sending, "_LONGEST_EXCHANGE_SECONDS", -1.0)
    with pytest.raises(ServerUnavailable, match="takes longer"):
        source.token()


def test_clients_credentials_do_not_replace_ours(endpoint: FakeEndpoint) -> None:
    """
    A client that was opened with an `auth` of its own still sends the application's credentials.
    """

    def with_auth() -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(endpoint.answer), auth=("other", "other"))

    endpoint.source(http=with_auth).token()
    plain = FakeEndpoint()
    plain.source().token()
    assert endpoint.requests[0].headers["authorization"] == plain.requests[0].headers["authorization"]


@pytest.mark.parametrize(
    ("options", "url"),
    [
        pytest.param({"endpoint": "https://id.example.com/"}, f"{ENDPOINT}/oidc/token", id="trailing slash"),
        pytest.param({"endpoint": "http://localhost:3001"}, "http://localhost:3001/oidc/token", id="this machine"),
        pytest.param({"endpoint": ..., "token_endpoint": "https://x.example/t"}, "https://x.example/t", id="full"),
        pytest.param(
            {"endpoint": "http://id.internal", "allow_http_endpoint": True},
            "http://id.internal/oidc/token",
            id="http by its unsafe name",
        ),
    ],
)
def test_endpoint_is_found(endpoint: FakeEndpoint, options: dict[str, object], url: str) -> None:
    """
    The token endpoint is below the server's base URL, or as given.
    """
    endpoint.source(**options).token()
    assert str(endpoint.requests[0].url) == url


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"endpoint": "http://id.example.com"}, id="http"),
        pytest.param({"endpoint": "id.example.com"}, id="no URL"),
        pytest.param({"endpoint": ..., "token_endpoint": "http://id.example.com/t"}, id="http token endpoint"),
        pytest.param({"endpoint": "https://a:b@id.example.com"}, id="credentials in the URL"),
    ],
)
def test_insecure_endpoint_is_refused(endpoint: FakeEndpoint, options: dict[str, object]) -> None:
    """
    A source that would send the secret in the clear is not made; both kinds of `except` catch it.
    """
    with pytest.raises(InsecureEndpoint):
        endpoint.source(**options)
    with pytest.raises(ValueError, match="endpoint"):
        endpoint.source(**options)
    assert issubclass(InsecureEndpoint, ClientError)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"endpoint": ...}, id="no endpoint"),
        pytest.param({"token_endpoint": "https://x.example/t"}, id="both endpoints"),
        pytest.param({"client_id": ""}, id="no id"),
        pytest.param({"client_secret": ""}, id="no secret"),
    ],
)
def test_incomplete_source_is_refused(endpoint: FakeEndpoint, options: dict[str, object]) -> None:
    """
    What can't work is told where it is written.
    """
    with pytest.raises(ValueError, match=r"^"):
        endpoint.source(**options)


def test_source_runs_on_the_real_clock_by_default(endpoint: FakeEndpoint) -> None:
    """
    Without a clock of its own a source lives in the present.
    """
    source = endpoint.source(clock=...)
    assert source.token() is source.token()


def _waiting(source: TokenSource) -> int:
    flight = source._flight
    return 0 if flight is None else len(flight._waiters)
