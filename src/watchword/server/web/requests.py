"""
Requests: the parts that every room needs, with the limits on them.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import chain
from typing import Any

import msgspec
from starlette.types import Message, Receive

from watchword.protocol.metadata import TOKEN_PATH
from watchword.protocol.trace_context import HEADER, TraceParent, parse_traceparent
from watchword.server.domain.events import Origin
from watchword.server.domain.redaction import shown_path
from watchword.server.telemetry.instruments import OTHER
from watchword.server.telemetry.tracing import NotedPhases

MOST_HEADER_BYTES = 16 * 1024
MOST_READ = 1024 * 1024
BODY_IS_LATE = "body_is_late"  # in the request's state: the HTTP server has waited long enough for the rest of its body
_TRACEPARENT = HEADER.encode()
_AS_IT_IS = ("identity", "")
CLIENT_GONE = 499  # what a request line says of a client that hung up
# What is known of a token request beyond its headers and body, where it came whole.
TOKEN_SCOPE: Mapping[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": TOKEN_PATH,
    "raw_path": TOKEN_PATH.encode(),
    "query_string": b"",
}
Networks = Sequence[IPv4Network | IPv6Network]


class ClientGone(Exception):
    """
    The client hung up: there is nobody to answer.
    """


class BodyTooLarge(Exception):
    """
    The body is over its limit.
    """


class BodyTooSlow(Exception):
    """
    The rest of the body did not come in time.
    """


class BodyEncoded(Exception):
    """
    The body is compressed, or otherwise encoded: it is not read.
    """


class RequestHeaders:
    """
    Header fields of a request, read once.

    Args:
        raw: Names in lower case, and values, as they came.
    """

    __slots__ = ("_first", "_raw", "size")

    def __init__(self, raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._raw = raw
        self._first = dict(reversed(raw))
        self.size = sum(map(len, chain.from_iterable(raw)))

    def all(self, name: bytes) -> tuple[str, ...]:
        """
        Return all values of a field.
        """
        return tuple([value.decode("latin-1") for field, value in self._raw if field == name])

    def first(self, name: bytes) -> str | None:
        """
        Return the first value of a field, or None.
        """
        value = self._first.get(name)
        return None if value is None else value.decode("latin-1")


class Incoming(msgspec.Struct):
    """
    A request as the server hands it on: its headers are read.

    Attributes:
        body: Where it came whole; else it is still to be received.
        route: What answers it, where that is known: a path with `{parameters}`.
        grant: What kind of grant a token request asks for, as metrics call it.
        phases: How far a token request has come, where somebody wants to know.
    """

    scope: Mapping[str, Any]
    receive: Receive
    headers: RequestHeaders
    request_id: str
    tenant_id: str
    origin: Origin
    body: bytes | None = None
    route: str | None = None
    grant: str = OTHER
    phases: NotedPhases | None = None

    @property
    def method(self) -> str:
        """
        The method, in upper case.
        """
        method: str = self.scope["method"]
        return method

    @property
    def path(self) -> str:
        """
        The path, percent-decoded.
        """
        path: str = self.scope["path"]
        return path

    @property
    def head_bytes(self) -> int:
        """
        How long the path, its query and the headers are together. Answers name the query: pages link to each other.
        """
        raw_path: bytes = self.scope.get("raw_path") or b""
        return self.headers.size + len(raw_path) + len(self.scope["query_string"])

    @property
    def shown_path(self) -> str:
        """
        The path as logs and errors may show it: percent-encoded, without what is too long for an id.
        """
        raw: bytes = self.scope.get("raw_path") or self.path.encode()
        return shown_path(raw.partition(b"?")[0].decode("latin-1"))

    @property
    def trace_parent(self) -> TraceParent | None:
        """
        The caller's span, where it names one.
        """
        if self.headers.first(_TRACEPARENT) is None:
            return None
        return parse_traceparent(self.headers.all(_TRACEPARENT))

    @property
    def trace_id(self) -> str | None:
        """
        The trace that the caller names.
        """
        parent = self.trace_parent
        return None if parent is None else parent.trace_id

    @property
    def is_bare(self) -> bool:
        """
        Whether OAuth errors are wanted as RFC 6749 has them, without the contract's members around them.
        """
        return b"parse_error=false" in self.scope["query_string"].split(b"&")


async def read_body(request: Incoming, *, limit: int) -> bytes:
    """
    Read a request body.

    Args:
        limit: Most bytes that are accepted; up to `MOST_READ` are still read, so that clients see the answer.

    Raises:
        BodyEncoded: It has a content coding (RFC 9110 §8.4).
        BodyTooLarge: It is over the limit.
        BodyTooSlow: It did not come in time, which the HTTP server watches.
        ClientGone: The client hung up.
    """
    coding = request.headers.first(b"content-encoding")
    if coding is not None and coding.strip().lower() not in _AS_IT_IS:
        raise BodyEncoded
    body = request.body
    if body is None:
        message = await request.receive()
        if message["type"] != "http.request" or message.get("more_body"):
            return await _read_rest(message, request, limit)
        body = message.get("body", b"")
    if len(body) > limit:
        raise BodyTooLarge
    return body


async def _read_rest(message: Message, request: Incoming, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] != "http.request":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        if size > MOST_READ:
            raise BodyTooLarge
        if not message.get("more_body"):
            break
        if BODY_IS_LATE in request.scope.get("state", ()):
            raise BodyTooSlow
        message = await request.receive()
    if size > limit:
        raise BodyTooLarge
    return b"".join(chunks)


def came_from(address: str | None, headers: RequestHeaders, trusted: Networks) -> Origin:
    """
    Tell where a request came from. Forwarding headers count only from trusted proxies, read from the nearest hop on.

    Args:
        address: Of the other end of the connection.
    """
    if trusted and address is not None:
        hops = [hop.strip() for value in headers.all(b"x-forwarded-for") for hop in value.split(",")]
        while hops and is_of(address, trusted):
            hop = _address_in(hops.pop())
            if hop is None:
                break
            address = hop
    return Origin(ip=address, user_agent=headers.first(b"user-agent"))


def _address_in(hop: str) -> str | None:
    """
    Return the address of a hop, without the port that some proxies write; None where it is no address.
    """
    text = hop[1:].partition("]")[0] if hop.startswith("[") else hop
    if text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        ip_address(text)
    except ValueError:
        return None
    return text


def is_of(address: str, networks: Networks) -> bool:
    """
    Tell whether an address is one of these networks'.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
