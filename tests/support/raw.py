"""
Raw sockets for tests: bytes out, bytes in, with nothing in between that would make them well-formed.
"""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """
    What came back on a raw socket, and whether the server closed it.
    """

    data: bytes
    closed: bool

    @property
    def statuses(self) -> list[int]:
        """
        Return the status of every HTTP answer in the data, in order.
        """
        return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", self.data)]


def raw_answer(endpoint: str, data: bytes, *, patience: float = 3.0) -> RawAnswer:
    """
    Send bytes as they are and read until the server closes or stays silent.

    The writing side is not closed: half-closing makes servers drop a request that is under way.

    Args:
        endpoint: `http://host:port` of the server.
        data: The bytes of one or more requests.
        patience: Seconds of silence after which reading ends.
    """
    url = urlsplit(endpoint)
    with socket.create_connection((url.hostname or "127.0.0.1", url.port or 80), timeout=10) as connection:
        received = bytearray()
        # A server may refuse before it has read everything: what it answered still counts.
        with suppress(ConnectionError):
            connection.sendall(data)
        connection.settimeout(patience)
        try:
            while part := connection.recv(65536):
                received += part
        except TimeoutError:
            return RawAnswer(data=bytes(received), closed=False)
        except ConnectionError:
            pass
        return RawAnswer(data=bytes(received), closed=True)


def raw_exchange(endpoint: str, data: bytes) -> bytes:
    """
    Send bytes as they are and return all bytes that came back.
    """
    return raw_answer(endpoint, data).data
