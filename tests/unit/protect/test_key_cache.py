"""
When keys are asked for: ages, floods of unknown key ids, stampedes, and issuers that can't be reached.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.unit.protect.issuer import FakeIssuer, unreachable
from tests.unit.protocol.keys import private_key
from watchword.protect import AccessDenied, Algorithm, InvalidToken, KeysUnavailable, Verifier, fetching
from watchword.protect.key_cache import MOST_CUT_OFF
from watchword.protocol.jose import public_jwk

DEADLINE_SECONDS = 10


def until(condition: Callable[[], bool]) -> None:
    """
    Wait for another thread to get somewhere.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the other thread does not get there"
        time.sleep(0.001)


def rotate(issuer: FakeIssuer, number: int = 1) -> None:
    """
    Let an issuer sign with, and publish, a new ES256 key alone.
    """
    key = private_key(Algorithm.ES256, number)
    issuer.keys = {**issuer.keys, Algorithm.ES256: key}
    issuer.published = [public_jwk(key, Algorithm.ES256)]


def test_keys_are_fetched_when_first_needed(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    Making a verifier touches no network; the first token does, once, and the next ones do not.
    """
    assert issuer.requests == []
    for _ in range(100):
        verifier.verify(issuer.token())
    assert len(issuer.requests) == 1


@pytest.mark.parametrize(
    ("age", "fetches"),
    [pytest.param(599, 1, id="the last fresh second"), pytest.param(600, 2, id="at max-age")],
)
def test_keys_are_fetched_again_at_their_age(issuer: FakeIssuer, verifier: Verifier, age: int, fetches: int) -> None:
    """
    A key set is used unasked for exactly its `max-age`.
    """
    verifier.verify(issuer.token())
    issuer.clock.advance(age)
    verifier.verify(issuer.token())
    assert len(issuer.requests) == fetches


def test_withdrawn_key_is_gone_at_max_age(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    A key that the issuer no longer publishes checks nothing once the old set has aged.
    """
    old = issuer.token()
    verifier.verify(old)
    rotate(issuer)
    issuer.clock.advance(599)
    verifier.verify(old)
    issuer.clock.advance(1)
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(old)
    assert caught.value.reason == "unknown_key"


def test_clock_put_back_makes_keys_stale(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    Keys from the future are asked for again rather than kept until it comes.
    """
    verifier.verify(issuer.token())
    issuer.clock.advance(-3600)
    verifier.verify(issuer.token(iat=0))
    assert len(issuer.requests) == 2


def test_new_key_is_found_by_its_id(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    A token of a key that was published since is let in after one more fetch.
    """
    verifier.verify(issuer.token())
    issuer.clock.advance(10)
    rotate(issuer)
    assert verifier.verify(issuer.token()).client_id == "app"
    assert len(issuer.requests) == 2


def test_flood_of_unknown_ids_makes_no_flood_of_fetches(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    However many key ids a caller invents, the issuer is asked once in ten seconds; good tokens pass all along.
    """
    verifier.verify(issuer.token())
    for second in range(30):
        for number in range(20):
            with pytest.raises(InvalidToken) as caught:
                verifier.verify(issuer.token(header={"kid": f"bogus-{second}-{number}"}))
            assert caught.value.reason == "unknown_key"
        verifier.verify(issuer.token())
        issuer.clock.advance(1)
    assert len(issuer.requests) == 3


def test_known_id_with_another_algorithm_is_unknown(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    A key belongs to its algorithm: under another one its id names nothing.
    """
    with pytest.raises(InvalidToken) as caught:
        verifier.verify(issuer.token(Algorithm.ES384, header={"kid": issuer.kid(Algorithm.ES256)}))
    assert caught.value.reason == "unknown_key"


def test_last_good_keys_stand_in_for_an_hour(
    issuer: FakeIssuer, verifier: Verifier, caplog: pytest.LogCaptureFixture
) -> None:
    """
    While the issuer can't be reached, its last keys serve one hour longer and no more; the log says why.
    """
    token = issuer.token(exp=4_000_000_000)
    verifier.verify(token)
    issuer.failing = unreachable
    issuer.clock.advance(600)
    with caplog.at_level(logging.WARNING, "watchword.protect"):
        verifier.verify(token)
    assert "can't refresh the key set at https://id.example.com/oidc/jwks: ConnectError" in caplog.text
    issuer.clock.advance(3599)
    verifier.verify(token)
    issuer.clock.advance(1)
    with pytest.raises(KeysUnavailable):
        verifier.verify(token)
    issuer.failing = None
    issuer.clock.advance(10)
    verifier.verify(token)


def test_failing_issuer_is_asked_once_in_ten_seconds(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    Stale keys spare an issuer in trouble: refreshes are as rare while they fail.
    """
    verifier.verify(issuer.token())
    issuer.failing = unreachable
    issuer.clock.advance(600)
    for _ in range(20):
        verifier.verify(issuer.token())
        issuer.clock.advance(1)
    assert len(issuer.requests) == 1 + 2


def test_unknown_id_at_a_failing_issuer_is_nobodys_fault(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    Where the issuer can't be asked about a key id, the caller may try again; known keys still serve.
    """
    verifier.verify(issuer.token())
    issuer.clock.advance(10)
    issuer.failing = unreachable
    with pytest.raises(KeysUnavailable):
        verifier.verify(issuer.token(header={"kid": "new"}))
    verifier.verify(issuer.token())


def test_first_fetch_is_tried_again_soon(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    An API that starts before its issuer recovers within a second of it, and asks no more than once a second.
    """
    issuer.failing = unreachable
    for _ in range(5):
        with pytest.raises(KeysUnavailable):
            verifier.verify(issuer.token())
    assert len(issuer.requests) == 1
    issuer.failing = None
    issuer.clock.advance(1)
    verifier.verify(issuer.token())


def test_bad_document_does_not_replace_good_keys(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    An error page in place of the key set changes nothing.
    """
    verifier.verify(issuer.token())
    issuer.failing = lambda _: httpx.Response(200, text="<html>maintenance</html>")
    issuer.clock.advance(600)
    verifier.verify(issuer.token())


def test_stampede_of_threads_makes_one_fetch(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    Threads that all need the first keys at once wait for one fetch.
    """
    number, release = 8, threading.Event()
    good = issuer.token()

    def slow(_: httpx.Request) -> httpx.Response:
        assert release.wait(DEADLINE_SECONDS)
        return httpx.Response(200, json={"keys": issuer.published})

    issuer.failing = slow
    with ThreadPoolExecutor(number) as pool:
        calls = [pool.submit(verifier.verify, good) for _ in range(number)]
        until(lambda: len(issuer.requests) + _waiting(verifier) == number)
        release.set()
        assert {call.result(DEADLINE_SECONDS).client_id for call in calls} == {"app"}
    assert len(issuer.requests) == 1


def test_refresh_keeps_nobody_waiting(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    While one caller refreshes aged keys, the others go on with those they have.
    """
    good, release = issuer.token(), threading.Event()
    verifier.verify(good)
    issuer.clock.advance(600)

    def slow(_: httpx.Request) -> httpx.Response:
        assert release.wait(DEADLINE_SECONDS)
        return httpx.Response(200, json={"keys": issuer.published})

    issuer.failing = slow
    with ThreadPoolExecutor(1) as pool:
        refreshing = pool.submit(verifier.verify, good)
        until(lambda: len(issuer.requests) == 2)
        assert verifier.verify(good).client_id == "app"
        release.set()
        refreshing.result(DEADLINE_SECONDS)
    assert len(issuer.requests) == 2


class AsyncIssuer(FakeIssuer):
    """
    An issuer whose answers wait until they are let go.
    """

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    async def answer_late(self, request: httpx.Request) -> httpx.Response:
        """
        Answer once `release` is set.
        """
        self.requests.append(request)
        await self.release.wait()
        return httpx.Response(200, json={"keys": self.published}, headers=self.headers)

    def async_http(self) -> httpx.AsyncClient:
        """
        Open a client whose requests wait.
        """
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer_late))


async def turns(number: int = 50) -> None:
    """
    Let the other tasks go as far as they can.
    """
    for _ in range(number):
        await asyncio.sleep(0)


def test_stampede_of_tasks_makes_one_fetch() -> None:
    """
    Tasks that all need the first keys at once wait for one fetch.
    """

    async def scenario() -> None:
        issuer = AsyncIssuer()
        verifier = issuer.verifier()
        tasks = [asyncio.ensure_future(verifier.averify(issuer.token())) for _ in range(20)]
        await turns()
        assert not any(task.done() for task in tasks)
        issuer.release.set()
        tokens = await asyncio.gather(*tasks)
        assert {token.client_id for token in tokens} == {"app"}
        assert len(issuer.requests) == 1

    asyncio.run(scenario())


@pytest.mark.parametrize("is_first", [pytest.param(True, id="first keys"), pytest.param(False, id="a new key")])
def test_next_in_line_takes_over_from_a_cancelled_fetch(*, is_first: bool) -> None:
    """
    When the caller that fetches the keys goes away, those who wait for it fetch them.
    """

    async def scenario() -> None:
        issuer = AsyncIssuer()
        verifier = issuer.verifier()
        if not is_first:
            issuer.release.set()
            await verifier.averify(issuer.token())
            issuer.release.clear()
            issuer.clock.advance(10)
            rotate(issuer)
        before = len(issuer.requests)
        tasks = [asyncio.ensure_future(verifier.averify(issuer.token())) for _ in range(5)]
        await turns()
        tasks[0].cancel()
        await turns()
        assert len(issuer.requests) - before == 2
        issuer.release.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert not any(isinstance(result, BaseException) for result in results[1:])
        assert len(issuer.requests) - before == 2

    asyncio.run(scenario())


def test_cancelled_waiter_disturbs_nobody() -> None:
    """
    A caller that waits for somebody else's fetch may go away without ending it.
    """

    async def scenario() -> None:
        issuer = AsyncIssuer()
        verifier = issuer.verifier()
        tasks = [asyncio.ensure_future(verifier.averify(issuer.token())) for _ in range(3)]
        await turns()
        tasks[1].cancel()
        await turns()
        issuer.release.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(result, BaseException) for result in results] == [False, True, False]
        assert len(issuer.requests) == 1

    asyncio.run(scenario())


def test_cancelled_refreshes_are_nearly_as_rare_as_others() -> None:
    """
    Callers that ask for an unknown key and hang up can't make the issuer be asked at every turn.
    """

    async def scenario() -> None:
        issuer = AsyncIssuer()
        verifier = issuer.verifier()
        issuer.release.set()
        await verifier.averify(issuer.token())
        issuer.clock.advance(10)
        issuer.release.clear()
        for _ in range(10):
            task = asyncio.ensure_future(verifier.averify(issuer.token(header={"kid": "bogus"})))
            await turns()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert len(issuer.requests) == 1 + MOST_CUT_OFF
        assert (await verifier.averify(issuer.token())).client_id == "app"

    asyncio.run(scenario())


def test_threads_and_tasks_share_one_fetch() -> None:
    """
    A thread that needs the keys while an event loop fetches them waits for that one.
    """

    async def scenario() -> None:
        issuer = AsyncIssuer()
        verifier = issuer.verifier()
        task = asyncio.ensure_future(verifier.averify(issuer.token()))
        await turns()
        thread = asyncio.get_running_loop().run_in_executor(None, verifier.verify, issuer.token())
        while not _waiting(verifier):  # noqa: ASYNC110 - a thread that begins to wait sets no event
            await asyncio.sleep(0.001)
        issuer.release.set()
        assert (await thread).client_id == (await task).client_id == "app"
        assert len(issuer.requests) == 1

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE_SECONDS))


@pytest.mark.parametrize("late", ["threads", "tasks"])
def test_waiting_is_bounded(monkeypatch: pytest.MonkeyPatch, late: str) -> None:
    """
    Nobody waits for ever for somebody else's fetch: it ends as 503.
    """
    monkeypatch.setattr(fetching, "_LONGEST_WAIT_SECONDS", 0.01)

    async def scenario() -> None:
        issuer = AsyncIssuer()
        verifier = issuer.verifier()
        task = asyncio.ensure_future(verifier.averify(issuer.token()))
        await turns()
        compact = issuer.token()
        in_thread = late == "threads"
        call = asyncio.to_thread(verifier.verify, compact) if in_thread else verifier.averify(compact)
        with pytest.raises(KeysUnavailable) as caught:
            await call
        assert caught.value.detail == "waited too long for the key set"
        issuer.release.set()
        await task

    asyncio.run(asyncio.wait_for(scenario(), DEADLINE_SECONDS))


def test_interrupted_fetch_leaves_the_verifier_usable(issuer: FakeIssuer, verifier: Verifier) -> None:
    """
    An interrupt in the middle of a fetch does not leave a fetch that everybody waits for.
    """

    def interrupt(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    issuer.failing = interrupt
    with pytest.raises(KeyboardInterrupt) as kept:  # and with it every frame of the call
        verifier.verify(issuer.token())
    issuer.failing = None
    assert verifier.verify(issuer.token()).client_id == "app"
    assert kept.tb is not None


def test_log_holds_no_token(issuer: FakeIssuer, verifier: Verifier, caplog: pytest.LogCaptureFixture) -> None:
    """
    Whatever happens to a token, no record repeats it.
    """
    tokens = [issuer.token(), issuer.token(exp=0), issuer.token(header={"kid": "hush"})]
    with caplog.at_level(logging.DEBUG):
        for failing in (unreachable, None):
            issuer.failing = failing
            for token in tokens:
                with pytest.raises(AccessDenied):
                    verifier.verify(token, scopes="not granted")
            issuer.clock.advance(10)
    assert not any(segment in caplog.text for token in tokens for segment in token.split(".")[1:])


def _waiting(verifier: Verifier) -> int:
    flight = verifier._keys._flight
    return 0 if flight is None else len(flight._waiters)
