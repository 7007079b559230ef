"""
Thousands of clients that stall keep no honest one waiting, whatever the limits of the process are.
"""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.long import IS_LONG
from tests.support.server import MANAGEMENT_RESOURCE, start_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import RunningServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
STALLED = 5_000 if IS_LONG else 1_500
AT_ONCE = 50
HONEST = 20 if IS_LONG else 5
PATIENCE_SECONDS = 1.0
DEADLINE = 60.0
HEAD = b"POST /oidc/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
BODY = HEAD + b"Content-Length: 1000\r\n\r\ngrant_type=client_cred"


@pytest.mark.parametrize(
    "limit", [pytest.param("1024:", id="soft limit of 1,024"), pytest.param("1024:1024", id="hard limit of 1,024")]
)
@pytest.mark.parametrize("stalling", [pytest.param(BODY, id="bodies"), pytest.param(HEAD, id="heads")])
async def test_stalled_clients_keep_nobody_waiting(tmp_path: Path, limit: str, stalling: bytes) -> None:
    """
    While they stay, and while they are sent away, a token on a new connection takes less than a second.
    """
    with start_server(tmp_path / "home", through=("prlimit", f"--nofile={limit}")) as server, raised_file_limit():
        stalled = await asyncio.wait_for(stall(server, stalling), DEADLINE)
        await honest_seconds(server)  # it came after them: once it is answered the server has taken them all in
        waits = [await honest_seconds(server) for _ in range(HONEST)]
        answers = [await asyncio.wait_for(reader.read(), DEADLINE) for reader, _ in stalled[-10:]]
        for _, writer in stalled:
            writer.close()
        assert max(waits) < PATIENCE_SECONDS, waits
        assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)
        assert "Too many open files" not in server.output


class raised_file_limit:  # noqa: N801 - used like a function
    """
    Let this process open as many files as it may, for a while.
    """

    def __enter__(self) -> None:
        self._before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (self._before[1], self._before[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, self._before)


async def stall(server: RunningServer, data: bytes) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """
    Open many connections that send this and then nothing more.
    """
    url = httpx.URL(server.endpoint)
    made = []
    gate = asyncio.Semaphore(AT_ONCE)

    async def connect() -> None:
        async with gate:
            reader, writer = await asyncio.open_connection(url.host, url.port)
            made.append((reader, writer))
            with suppress(ConnectionError):  # it was let go already
                writer.write(data)
                await writer.drain()

    await asyncio.gather(*(connect() for _ in range(STALLED)))
    return made


async def honest_seconds(server: RunningServer) -> float:
    """
    Ask for a token on a new connection, and say how long that took.
    """
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE) as client:
        began = time.monotonic()
        answer = await client.post(
            f"{server.endpoint}/oidc/token", data=form, auth=(server.application_id, server.application_secret)
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        return time.monotonic() - began
