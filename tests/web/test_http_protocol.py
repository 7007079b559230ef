"""
Heads have a limit, in bytes and in time, and bodies in time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from watchword.protocol.metadata import TOKEN_PATH
from watchword.server.domain.events import Origin
from watchword.server.web import sweeper as sweeping
from watchword.server.web.http_protocol import MOST_HEAD_BYTES, HttpProtocol
from watchword.server.web.requests import BodyTooSlow, ClientGone, Incoming, RequestHeaders, read_body
from watchword.server.web.sweeper import ConnectionLimits, Sweeper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
SHORT, LONG = 0.3, 60.0
LIMITS = ConnectionLimits(head_seconds=SHORT, token_body_seconds=SHORT, body_seconds=LONG, idle_seconds=SHORT)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Answer 204 to everything, and 408 where the body is read and does not come.
    """
    if scope["path"] == "/slow":
        await asyncio.sleep(2 * (SHORT + sweeping.SWEEP_SECONDS))
    if scope["method"] == "POST":
        incoming = Incoming(scope, receive, RequestHeaders(()), "1", "default", Origin(ip=None, user_agent=None))
        try:
            await read_body(incoming, limit=1000)
        except BodyTooSlow:
            await send({"type": "http.response.start", "status": 408, "headers": [(b"connection", b"close")]})
            await send({"type": "http.response.body", "body": b"late"})
            return
        except ClientGone:
            return
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


def token_head(line: bytes) -> bytes:
    """
    Write the head of a token request.
    """
    return b"POST %s HTTP/1.1\r\nhost: x\r\n%s\r\n\r\n" % (TOKEN_PATH.encode(), line)


@pytest.fixture(autouse=True)
def sweeps_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Look at the connections more often than a server does.
    """
    monkeypatch.setattr(sweeping, "SWEEP_SECONDS", 0.05)


@pytest.fixture
def state() -> ServerState:
    """
    Know the server's connections.
    """
    return ServerState()


@pytest.fixture
async def port(state: ServerState) -> AsyncIterator[int]:
    """
    Serve on a free port of 127.0.0.1.
    """
    config = Config(app, ws="none", lifespan="off", log_config=None)
    config.load()
    sweeper = Sweeper(LIMITS)
    server = await asyncio.get_running_loop().create_server(
        lambda: HttpProtocol(sweeper=sweeper, config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    yield server.sockets[0].getsockname()[1]
    for connection in list(state.connections):
        connection.shutdown()
    server.close()
    await server.wait_closed()


async def exchange(port: int, *pieces: bytes) -> bytes:
    """
    Send pieces, then read until the server closes.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


async def test_endless_head_is_refused(port: int) -> None:
    """
    431, and the connection is closed: memory stays bounded.
    """
    line = b"x-a: " + b"a" * 1000 + b"\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n")
    await writer.drain()
    sent = 0
    while sent <= MOST_HEAD_BYTES + len(line):  # and then no more: what is left unread would reset the connection
        writer.write(line)
        await writer.drain()
        sent += len(line)
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    writer.close()


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        pytest.param((), b"", id="nothing at all"),
        pytest.param((b"GET / HTTP/1.1\r\nhost: x\r\n", b"x-a: b\r\n"), b"HTTP/1.1 408", id="half a head"),
        pytest.param((REQUEST, b"GET / HT"), b"HTTP/1.1 204", id="half a head after a whole request"),
    ],
)
async def test_head_that_does_not_come_is_given_up(port: int, pieces: tuple[bytes, ...], answer: bytes) -> None:
    """
    Whoever does not finish a head is let go.
    """
    assert (await exchange(port, *pieces)).startswith(answer)


@pytest.mark.parametrize(
    ("begin", "piece", "answer"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nx: ", b"a", b"HTTP/1.1 408", id="head"),
        pytest.param(b"", b"\r\n", b"HTTP/1.1 408", id="blank lines"),
        pytest.param(token_head(b"content-length: 1000"), b"a", b"HTTP/1.1 408", id="body of a token request"),
        pytest.param(token_head(b"transfer-encoding: chunked"), b"1\r\na\r\n", b"HTTP/1.1 408", id="chunks"),
        pytest.param(token_head(b"content-length: 1000"), b"", b"HTTP/1.1 408", id="no byte of a body"),
        pytest.param(REQUEST, b"\r\n", b"HTTP/1.1 204", id="blank lines after an answer"),
    ],
)
async def test_trickle_buys_no_time(port: int, begin: bytes, piece: bytes, answer: bytes) -> None:
    """
    The whole wait has a limit, not the time between two bytes.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begin)

    async def trickle() -> None:
        while True:
            writer.write(piece)
            await asyncio.sleep(SHORT / 5)

    trickling = asyncio.ensure_future(trickle())
    try:
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(answer)
    except ConnectionResetError:
        pass  # let go as well: what was sent last was not read
    finally:
        trickling.cancel()
        writer.close()


async def test_other_bodies_have_a_time_of_their_own(port: int) -> None:
    """
    A body that is no token request's may take longer than a token request's may.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /api/roles HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\na")
    await asyncio.sleep(2 * (SHORT + sweeping.SWEEP_SECONDS))
    writer.write(b"b")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 204")
    writer.close()


async def test_answer_under_way_has_no_limit(port: int) -> None:
    """
    While the client waits for the server it is not the client that is late.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\nGET /next HT")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 204")
    writer.close()


async def test_ordinary_requests_share_a_connection(port: int) -> None:
    """
    The limits are those of one head, not of a connection.
    """
    answer = await exchange(port, REQUEST * 50, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 204") == 51


async def test_request_that_comes_while_the_server_stops_is_answered(port: int, state: ServerState) -> None:
    """
    Whoever had connected before the stop may ask once, and is told that the connection ends.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    deadline = asyncio.get_running_loop().time() + 10
    while not state.connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    for connection in list(state.connections):
        connection.shutdown()
    writer.write(REQUEST)
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"connection: close" in answer
    writer.close()
