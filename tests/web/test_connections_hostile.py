"""
Connections that cost the server something for nothing are let go.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from watchword.server.web import sweeper as sweeping
from watchword.server.web.http_protocol import MOST_PIPELINED, HttpProtocol
from watchword.server.web.sweeper import Awaits, ConnectionLimits, Sweeper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

KEPT_ALIVE_SECONDS = 0.3
LARGE = 4 * 1024 * 1024
HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"
REQUEST = HEAD + b"\r\n"
LARGE_REQUEST = b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Answer without reading the body: 204, or 4 MB; what is held when it is let go.
    """
    if scope["path"] == "/held":
        await scope["state"]["held"].wait()
    body = b"x" * LARGE if scope["path"] == "/large" else b""
    headers = [(b"content-length", b"%d" % len(body))] if body else []
    await send({"type": "http.response.start", "status": 200 if body else 204, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def ended() -> asyncio.Event:
    """
    Tell when a connection has ended.
    """
    return asyncio.Event()


@pytest.fixture
def stalled() -> asyncio.Event:
    """
    Tell when an answer waits for its reader.
    """
    return asyncio.Event()


@pytest.fixture
def made() -> list[HttpProtocol]:
    """
    Collect the server's ends of connections.
    """
    return []


@pytest.fixture
async def port(
    stalled: asyncio.Event, ended: asyncio.Event, made: list[HttpProtocol], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[int]:
    """
    Serve on a free port of 127.0.0.1, without patience for idle connections.
    """
    config = Config(app, ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    sweeper = Sweeper(ConnectionLimits(idle_seconds=KEPT_ALIVE_SECONDS))
    monkeypatch.setattr(sweeping, "SWEEP_SECONDS", 0.05)

    class Telling(HttpProtocol):
        def pause_writing(self) -> None:
            super().pause_writing()
            stalled.set()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            ended.set()

    def make() -> HttpProtocol:
        made.append(Telling(sweeper=sweeper, config=config, server_state=state, app_state={}))
        return made[-1]

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    for connection in list(state.connections):
        connection.transport.abort()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(
    ("request_head", "rest"),
    [
        pytest.param(HEAD + b"content-length: 1000000\r\n\r\n", b"a", id="rest of a body"),
        pytest.param(HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n", id="chunks"),
        pytest.param(REQUEST, b"\r\n", id="blank lines"),
    ],
)
async def test_what_comes_after_the_answer_keeps_no_connection(port: int, request_head: bytes, rest: bytes) -> None:
    """
    Only a new request does: one byte, or one each second, of a body that was answered unread held it for ever.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_head)
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 204")

    async def trickle() -> None:
        while True:
            writer.write(rest)
            await asyncio.sleep(KEPT_ALIVE_SECONDS / 5)

    trickling = asyncio.ensure_future(trickle())
    try:
        assert await asyncio.wait_for(reader.read(), 10) == b""
    except ConnectionResetError:
        pass  # let go as well: what was sent last was not read
    finally:
        trickling.cancel()
        writer.close()


async def test_next_request_keeps_the_connection(port: int) -> None:
    """
    Whoever goes on asking is not cut off.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(4):
        writer.write(REQUEST)
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 204")
        await asyncio.sleep(KEPT_ALIVE_SECONDS / 2)
    writer.close()


async def test_flood_of_waiting_requests_ends_the_connection(port: int, ended: asyncio.Event) -> None:
    """
    Requests that wait for the answer to the one before them are few: 250 KB of them took 9 MB of memory.
    """
    with unread_socket(port) as peer:
        await asyncio.get_running_loop().sock_sendall(peer, LARGE_REQUEST + REQUEST * (3 * MOST_PIPELINED))
        await asyncio.wait_for(ended.wait(), 10)


async def test_client_that_does_not_read_is_let_go(
    port: int, ended: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An answer that nobody reads holds memory and a file for so long and no longer.
    """
    monkeypatch.setattr("watchword.server.web.stall.STALL_SECONDS", 0.2)
    with unread_socket(port) as peer:
        await asyncio.get_running_loop().sock_sendall(peer, LARGE_REQUEST)
        await asyncio.wait_for(ended.wait(), 10)


async def test_client_that_does_not_read_makes_room_for_newcomers(
    port: int, stalled: asyncio.Event, ended: asyncio.Event, made: list[HttpProtocol]
) -> None:
    """
    Where there are too many connections: an answer that waits for the one before it to be read is none under way.
    """
    with unread_socket(port) as peer:
        await asyncio.get_running_loop().sock_sendall(peer, LARGE_REQUEST * 2)
        await asyncio.wait_for(stalled.wait(), 10)
        made[0]._sweeper._limits = ConnectionLimits(most=1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 204")
        await asyncio.wait_for(ended.wait(), 10)
        writer.close()


async def test_client_that_reads_slowly_is_served(
    port: int, stalled: asyncio.Event, ended: asyncio.Event, made: list[HttpProtocol]
) -> None:
    """
    However slow, who reads is given time anew.
    """
    with unread_socket(port) as peer:
        await asyncio.get_running_loop().sock_sendall(peer, LARGE_REQUEST)
        await asyncio.wait_for(stalled.wait(), 10)
        (connection,) = made
        connection._stall._judge(connection.transport.get_write_buffer_size() + 1)
        assert not connection.transport.is_closing()
        connection._stall._judge(connection.transport.get_write_buffer_size())
        await asyncio.wait_for(ended.wait(), 10)


async def test_reader_of_a_last_answer_has_no_longer_than_others(
    port: int, ended: asyncio.Event, made: list[HttpProtocol], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An answer behind which the connection closes, and too short to pause the writer, is waited for as others are.
    """
    monkeypatch.setattr("watchword.server.web.stall.STALL_SECONDS", 0.2)
    with unread_socket(port) as peer:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(peer, REQUEST)
        assert (await asyncio.wait_for(loop.sock_recv(peer, 1_000), 10)).startswith(b"HTTP/1.1 204")
        (connection,) = made
        # What the kernel takes of it is its own affair: this much is left here.
        monkeypatch.setattr(connection, "transport", Unread(connection.transport))
        await loop.sock_sendall(peer, HEAD + b"connection: close\r\n\r\n")
        await asyncio.wait_for(ended.wait(), 10)
    assert connection.awaits is Awaits.READER


class Unread:
    """
    A transport that has bytes left which nobody reads, and so stays when it is closed.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._is_closing = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def close(self) -> None:
        """
        Take nothing more.
        """
        self._is_closing = True

    def is_closing(self) -> bool:
        """
        Tell whether it was closed.
        """
        return self._is_closing

    def get_write_buffer_size(self) -> int:
        """
        Tell that something is left.
        """
        return 1000


@pytest.mark.parametrize(
    "trailers",
    [pytest.param(b"a:b\r\n", id="many"), pytest.param(b"a" * 1_000, id="one without end")],
)
async def test_trailers_end_the_connection(
    port: int, ended: asyncio.Event, made: list[HttpProtocol], trailers: bytes
) -> None:
    """
    They are not kept, and there is a limit on them: nobody reads them, so that nothing else has one.
    """
    with unread_socket(port) as peer:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(peer, HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\n")
        with suppress(ConnectionError):
            while not ended.is_set():
                await loop.sock_sendall(peer, trailers * (10_000 // len(trailers)))
                await asyncio.sleep(0)
        await asyncio.wait_for(ended.wait(), 10)
    (connection,) = made
    assert connection.headers == []


async def test_many_small_requests_are_no_long_head(port: int) -> None:
    """
    What is counted is one head, not all that comes in a piece with it.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    padded = HEAD + b"x-padding: " + b"a" * 2_000 + b"\r\n\r\n"
    for _ in range(3):
        writer.write(padded * 45 + padded[:1_500])
        for _ in range(45):
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 204")
        writer.write(padded[1_500:])
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 204")
    writer.close()


@pytest.mark.parametrize(
    ("waiting", "bad"),
    [
        pytest.param(0, b"no request at all\r\n\r\n", id="no request"),
        pytest.param(1, b"no request at all\r\n\r\n", id="no request behind one that waits"),
        pytest.param(3, b"no request at all\r\n\r\n", id="no request behind three that wait"),
        pytest.param(0, HEAD + b"x: " + b"a" * 200_000, id="endless head"),
    ],
)
async def test_refusal_is_not_written_before_the_answers_under_way(
    port: int, waiting: int, bad: bytes, made: list[HttpProtocol]
) -> None:
    """
    The client would take it for one of them. They are all given, and the connection ends with the last.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    (connection,) = made
    held = connection.app_state["held"] = asyncio.Event()
    ended = asyncio.Event()
    tell_of_end(connection, ended)
    writer.write(b"GET /held HTTP/1.1\r\nhost: x\r\n\r\n" + REQUEST * waiting + bad)
    await asyncio.wait_for(ended.wait(), 10)
    held.set()
    with suppress(ConnectionError):
        answer = await asyncio.wait_for(reader.read(), 10)
        assert answer.startswith(b"HTTP/1.1 204")
        assert answer.count(b"HTTP/1.1 204") == answer.count(b"HTTP/1.1") == 1 + waiting
        assert not connection.server_state.connections
    writer.close()


def tell_of_end(connection: HttpProtocol, ended: asyncio.Event) -> None:
    """
    Tell when a connection has given up what follows its request.
    """
    end = connection._end_after_answer

    def telling() -> None:
        end()
        ended.set()

    connection._end_after_answer = telling  # type: ignore[method-assign]  # on this one alone


def unread_socket(port: int) -> socket.socket:
    """
    Connect with little room for what is not read.
    """
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
    peer.connect(("127.0.0.1", port))
    peer.setblocking(False)
    return peer
