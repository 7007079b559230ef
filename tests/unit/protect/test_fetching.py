"""
How a key set is fetched: no redirects, no large, packed or endless answers, no crash on a broken connection.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from tests.unit.protect.issuer import ISSUER, FakeIssuer
from watchword.protect import KeysUnavailable, Verifier, fetching

LARGE = b" " * 131_073
Verify = Callable[[Verifier, str], object]


def sync(verifier: Verifier, token: str) -> object:
    """
    Verify in this thread.
    """
    return verifier.verify(token)


def on_a_loop(verifier: Verifier, token: str) -> object:
    """
    Verify on an event loop.
    """
    return asyncio.run(verifier.averify(token))


both_ways = pytest.mark.parametrize("verify", [sync, on_a_loop])


class Drip(httpx.SyncByteStream, httpx.AsyncByteStream):
    """
    A body that comes in small pieces and never ends by itself.
    """

    def __init__(self, piece: bytes) -> None:
        self.piece = piece
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.sent += len(self.piece)
            yield self.piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


@both_ways
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(
            lambda: httpx.Response(302, headers={"Location": "https://attacker.example"}), "status 302", id="redirect"
        ),
        pytest.param(
            lambda: httpx.Response(307, headers={"Location": f"{ISSUER}/other"}), "status 307", id="redirect to itself"
        ),
        pytest.param(lambda: httpx.Response(500), "status 500", id="server error"),
        pytest.param(lambda: httpx.Response(200, content=LARGE), "larger than 131072 bytes", id="large"),
        pytest.param(
            lambda: httpx.Response(200, content=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}),
            "compressed",
            id="packed",
        ),
        pytest.param(lambda: httpx.Response(200, text="no"), "no JSON", id="no JSON"),
    ],
)
def test_bad_answer_is_no_key_set(
    issuer: FakeIssuer,
    verifier: Verifier,
    verify: Verify,
    answer: Callable[[], httpx.Response],
    reason: str,
) -> None:
    """
    Nothing but a small plain 200 from the very URL is read; nothing else is asked for.
    """
    issuer.failing = lambda _: answer()
    with pytest.raises(KeysUnavailable) as caught:
        verify(verifier, issuer.token())
    assert reason in str(caught.value.detail)
    assert len(issuer.requests) == 1


@both_ways
def test_endless_answer_is_cut(issuer: FakeIssuer, verifier: Verifier, verify: Verify) -> None:
    """
    A body without end is read no further than the limit.
    """
    drip = Drip(b" " * 1000)
    issuer.failing = lambda _: httpx.Response(200, stream=drip)
    with pytest.raises(KeysUnavailable):
        verify(verifier, issuer.token())
    assert drip.sent == 132_000


@both_ways
def test_slow_answer_is_cut(
    issuer: FakeIssuer, verifier: Verifier, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A body that keeps coming in small pieces ends at the deadline.
    """
    monkeypatch.setattr(fetching, "_LONGEST_FETCH_SECONDS", -1.0)
    drip = Drip(b" ")
    issuer.failing = lambda _: httpx.Response(200, stream=drip)
    with pytest.raises(KeysUnavailable) as caught:
        verify(verifier, issuer.token())
    assert "takes longer" in str(caught.value.detail)
    assert drip.sent == 1


@both_ways
@pytest.mark.parametrize(
    "error", [httpx.ConnectTimeout, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ConnectError]
)
def test_broken_connection_is_503(
    issuer: FakeIssuer, verifier: Verifier, verify: Verify, error: type[httpx.TransportError]
) -> None:
    """
    Whatever breaks on the way, the answer is 503, with the reason for the log.
    """

    def fail(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    issuer.failing = fail
    with pytest.raises(KeysUnavailable) as caught:
        verify(verifier, issuer.token())
    assert caught.value.detail == f"{error.__name__}: broken"


@both_ways
def test_requests_have_a_timeout(issuer: FakeIssuer, verifier: Verifier, verify: Verify) -> None:
    """
    Every step of a fetch is bounded, whatever the client's own settings are.
    """
    verify(verifier, issuer.token())
    timeouts = issuer.requests[0].extensions["timeout"]
    assert set(timeouts) == {"connect", "read", "write", "pool"}
    assert all(0 < seconds <= 10 for seconds in timeouts.values())


def test_clients_that_follow_redirects_do_not_here(issuer: FakeIssuer) -> None:
    """
    A client that was set up to follow redirects still takes keys from the issuer alone.
    """

    def redirecting() -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(issuer.answer), follow_redirects=True)

    issuer.failing = lambda _: httpx.Response(302, headers={"Location": "https://attacker.example/jwks"})
    with pytest.raises(KeysUnavailable):
        issuer.verifier(http=redirecting).verify(issuer.token())
    assert [str(request.url) for request in issuer.requests] == [f"{ISSUER}/jwks"]


@both_ways
def test_content_encoding_identity_is_plain(issuer: FakeIssuer, verifier: Verifier, verify: Verify) -> None:
    """
    An answer that says it is not packed is read.
    """
    body = json.dumps({"keys": issuer.published}).encode()
    issuer.failing = lambda _: httpx.Response(200, content=body, headers={"Content-Encoding": "identity"})
    verify(verifier, issuer.token())
