"""
Heads have a limit, in bytes and in time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from watchword.server.web import http_protocol
from watchword.server.web.http_protocol import MOST_HEAD_BYTES, HttpProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

REQUEST = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """
    Answer 204 to everything.
    """
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """
    Serve on a free port of 127.0.0.1.
    """
    config = Config(app, ws="none", lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: HttpProtocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
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
async def test_head_that_does_not_come_is_given_up(
    port: int, monkeypatch: pytest.MonkeyPatch, pieces: tuple[bytes, ...], answer: bytes
) -> None:
    """
    Whoever does not finish a head is let go.
    """
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.2)
    assert (await exchange(port, *pieces)).startswith(answer)


async def test_ordinary_requests_share_a_connection(port: int) -> None:
    """
    The limits are those of one head, not of a connection.
    """
    answer = await exchange(port, REQUEST * 50, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 204") == 51
