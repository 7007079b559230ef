"""
Requests that watchword makes to others: bounded in time as a whole, over real sockets.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from watchword.outbound import Answer, Request, Unreachable, asend, send
from watchword.outbound.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST = 0.3
PIECES = 200
BETWEEN_SECONDS = 0.05  # a whole answer takes ten seconds


def trickle(listening: socket.socket, begin: bytes, piece: bytes) -> None:
    """
    Answer one request a piece at a time, until whoever asked has gone.
    """
    peer, _ = listening.accept()
    gone = threading.Event()
    with closing(peer), suppress(OSError):
        peer.recv(65_536)
        peer.sendall(begin)
        for _ in range(PIECES):
            gone.wait(BETWEEN_SECONDS)
            peer.sendall(piece)


@pytest.fixture
def slow() -> Iterator[Callable[[bytes, bytes], str]]:
    """
    Serve one slow answer, and give its address.
    """
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(begin: bytes, piece: bytes) -> str:
        threading.Thread(target=trickle, args=(listening, begin, piece), daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    with closing(listening):
        yield serve


def ask(url: str, *, is_async: bool) -> Answer | Unreachable:
    """
    Ask for it, from a thread or on an event loop.
    """
    request = Request(
        method="GET", url=url, headers={}, timeout_seconds=5, longest_seconds=LONGEST, largest_answer=100_000
    )
    if is_async:
        return asyncio.run(asend(request, lambda: httpx.AsyncClient(trust_env=False)))
    return send(request, lambda: httpx.Client(trust_env=False))


@pytest.mark.parametrize("is_async", [pytest.param(False, id="thread"), pytest.param(True, id="event loop")])
@pytest.mark.parametrize("host", ["a..b", "x" * 70, "xn--a", "\N{SNOWMAN}\N{ZERO WIDTH SPACE}.example"])
def test_host_that_nobody_can_have_is_not_reached(host: str, *, is_async: bool) -> None:
    """
    A mistyped address is one that does not answer, whichever library finds out.
    """
    assert isinstance(ask(f"https://{host}/", is_async=is_async), Unreachable)


@pytest.mark.parametrize("is_async", [pytest.param(False, id="thread"), pytest.param(True, id="event loop")])
@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n", id="head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x", id="body"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="interim answers"),
    ],
)
def test_answer_that_trickles_is_cut(
    slow: Callable[[bytes, bytes], str], begin: bytes, piece: bytes, *, is_async: bool
) -> None:
    """
    No single read takes long, and all of them together would.
    """
    assert str(ask(slow(begin, piece), is_async=is_async)) == "the answer takes longer than 0 s"


class Connected:
    """
    A connection, as httpcore hands it to whoever traces a request.
    """

    def __init__(self, own: socket.socket) -> None:
        self._own = own

    def get_extra_info(self, _name: str) -> socket.socket:
        """
        Return its socket.
        """
        return self._own


def test_connection_that_comes_too_late_is_cut_at_once() -> None:
    """
    A name was long in being looked up: the time was up before there was anything to cut.
    """
    own, peer = socket.socketpair()
    with closing(own), closing(peer):
        peer.settimeout(5)
        Deadline(0).trace("connection.connect_tcp.complete", {"return_value": Connected(own)})
        assert peer.recv(1) == b""
