"""
Many clients at once, cheap enough to leave the machine to the server: prepared bytes over kept-alive connections.
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Answers:
    """
    What came back: a status for each request, and how long it took in seconds.
    """

    statuses: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def token_request(endpoint: str, client_id: str, secret: str, *, source: str | None = None, **form: str) -> bytes:
    """
    Write a token request.

    Args:
        source: What `X-Forwarded-For` says.
    """
    body = urlencode({"grant_type": "client_credentials", **form})
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    lines = [
        "POST /oidc/token HTTP/1.1",
        f"Host: {urlsplit(endpoint).netloc}",
        f"Authorization: Basic {basic}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        *([f"X-Forwarded-For: {source}"] if source else []),
    ]
    return "\r\n".join([*lines, "", body]).encode()


async def client(
    endpoint: str, next_request: Callable[[], bytes | None], answers: Answers, *, pause: float = 0
) -> None:
    """
    Send requests over one connection, each after the answer to the one before, until there is none.

    Args:
        pause: Seconds between an answer and the next request.
    """
    address = urlsplit(endpoint)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    loop = asyncio.get_running_loop()
    while (request := next_request()) is not None:
        began = loop.time()
        writer.write(request)
        answers.statuses.append(await _read_status(reader))
        answers.seconds.append(loop.time() - began)
        if pause:
            await asyncio.sleep(pause)
    writer.close()
    await writer.wait_closed()


async def _read_status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
    await reader.readexactly(int(fields[b"content-length"]))
    return int(head.split(b" ", 2)[1])
