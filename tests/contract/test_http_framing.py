"""
HTTP on the wire: chunked bodies are read, ambiguous framing is refused and the connection closed.

A request whose end can be read in two ways must never produce a second answer.
"""

from __future__ import annotations

import resource
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.raw import raw_answer, raw_exchange
from tests.support.shop import BASIC
from tests.support.wire import FORM

if TYPE_CHECKING:
    from tests.support.shop import Shop

STALLED = 1_500
NEXT = b"GET /oidc/jwks HTTP/1.1\r\nHost: x\r\n\r\n"


def head(shop: Shop, *lines: str) -> bytes:
    """
    Return the head of a token request with the shop's credentials and these further lines.
    """
    sent = (
        "POST /oidc/token HTTP/1.1",
        "Host: x",
        f"Authorization: {shop.authorization(BASIC)}",
        f"Content-Type: {FORM}",
        *lines,
    )
    return "\r\n".join(sent).encode() + b"\r\n\r\n"


def honest_form(shop: Shop) -> bytes:
    """
    Return a form that gets a token.
    """
    return f"grant_type=client_credentials&resource={shop.indicator}".encode()


def chunk(data: bytes) -> bytes:
    """
    Return one chunk of a chunked body.
    """
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_chunked_body_is_read(shop: Shop, size: int) -> None:
    """
    A body in chunks of any size gets its token.
    """
    form = honest_form(shop)
    chunks = b"".join(chunk(form[start : start + size]) for start in range(0, len(form), size))
    request = head(shop, "Transfer-Encoding: chunked", "Connection: close") + chunks + b"0\r\n\r\n"
    answer = raw_exchange(shop.server.endpoint, request)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"access_token"' in answer


@pytest.mark.parametrize(
    ("request_line", "hosts", "status"),
    [
        pytest.param("GET /oidc/jwks HTTP/1.1", ("Host: x",), 200, id="one"),
        pytest.param("GET /oidc/jwks HTTP/1.1", ("Host:",), 200, id="empty"),
        pytest.param("GET /oidc/jwks HTTP/1.1", (), 400, id="none"),
        pytest.param("GET /oidc/jwks HTTP/1.1", ("Host: x", "Host: x"), 400, id="two"),
        pytest.param("GET /oidc/jwks HTTP/1.0", (), 200, id="none in HTTP/1.0"),
        pytest.param("GET /oidc/jwks HTTP/1.0", ("Host: x", "host: y"), 400, id="two in HTTP/1.0"),
        pytest.param("POST /oidc/token HTTP/1.1", ("Host: x", "Host: y"), 400, id="token request"),
    ],
)
def test_request_names_one_host(shop: Shop, request_line: str, hosts: tuple[str, ...], status: int) -> None:
    """
    A proxy may go by the one and a server by the other.

    Implements: RFC 9112 §3.2.
    """
    request = "\r\n".join((request_line, *hosts, "Connection: close", "", "")).encode()
    assert raw_answer(shop.server.endpoint, request).statuses == [status]


def test_two_honest_requests_on_one_connection(shop: Shop) -> None:
    """
    Pipelining is fine where the framing is: two requests, two answers, in order.
    """
    form = honest_form(shop)
    request = head(shop, f"Content-Length: {len(form)}") + form + NEXT
    assert raw_answer(shop.server.endpoint, request, patience=1.5).statuses == [200, 200]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(("Content-Length: 5", "Transfer-Encoding: chunked"), id="length and chunked"),
        pytest.param(("Transfer-Encoding: chunked", "Content-Length: 5"), id="chunked and length"),
        pytest.param(("Content-Length: 5", "Content-Length: 6"), id="two lengths"),
        pytest.param(("Content-Length: 5, 6",), id="two lengths on one line"),
        pytest.param(("Content-Length: -5",), id="negative length"),
        pytest.param(("Content-Length: +5",), id="signed length"),
        pytest.param(("Content-Length: 0x5",), id="hexadecimal length"),
        pytest.param(("Content-Length: 5 5",), id="length with a space"),
        pytest.param(("Content-Length: 99999999999999999999999",), id="length beyond 64 bits"),
        pytest.param(("Transfer-Encoding: xchunked",), id="unknown transfer coding"),
        pytest.param(("Transfer-Encoding: chunked, identity",), id="chunked not last"),
        pytest.param(("Transfer-Encoding : chunked",), id="space before the colon"),
        pytest.param(("Content-Length : 5",), id="space before the colon of the length"),
        pytest.param(("X: y", " Content-Length: 5"), id="folded line"),
        pytest.param(("X: y\nContent-Length: 5",), id="bare line feed"),
        pytest.param(("X: y\rContent-Length: 5",), id="bare carriage return"),
        pytest.param(("X: a\x00b",), id="NUL in a header"),
        pytest.param(("no colon here",), id="line without a colon"),
        pytest.param((": no name",), id="line without a name"),
    ],
)
def test_ambiguous_framing_is_refused(shop: Shop, lines: tuple[str, ...]) -> None:
    """
    One answer of class 4xx, then the connection is closed; what follows is never taken for a request.
    """
    answer = raw_answer(shop.server.endpoint, head(shop, *lines) + b"0\r\n\r\n" + NEXT)
    assert len(answer.statuses) == 1, answer.data
    assert 400 <= answer.statuses[0] < 500
    assert answer.closed
    assert b"access_token" not in answer.data
    shop.assert_still_serves()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"zz\r\nabc\r\n0\r\n\r\n", id="size that is no number"),
        pytest.param(b"-1\r\nabc\r\n0\r\n\r\n", id="negative size"),
        pytest.param(b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n", id="size beyond 64 bits"),
        pytest.param(b"3\r\nabcdef\r\n0\r\n\r\n", id="chunk longer than its size"),
        pytest.param(b"0x3\r\nabc\r\n0\r\n\r\n", id="size with a prefix"),
    ],
)
def test_broken_chunks_are_refused(shop: Shop, body: bytes) -> None:
    """
    A chunked body that can't be read ends the connection, with at most one answer of class 4xx.
    """
    request = head(shop, "Transfer-Encoding: chunked") + body + NEXT
    answer = raw_answer(shop.server.endpoint, request)
    assert len(answer.statuses) <= 1, answer.data
    assert all(400 <= status < 500 for status in answer.statuses)
    assert answer.closed
    shop.assert_still_serves()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"BREW /oidc/token HTTP/1.1", id="method nobody knows"),
        pytest.param(b"post /oidc/token HTTP/1.1", id="method in lower case"),
        pytest.param(b"CONNECT /oidc/token HTTP/1.1", id="CONNECT"),
        pytest.param(b"TRACE /oidc/token HTTP/1.1", id="TRACE"),
        pytest.param(b"POST /oidc/token HTTP/9.9", id="version nobody knows"),
        pytest.param(b"POST  /oidc/token HTTP/1.1", id="two spaces"),
        pytest.param(b"POST /oidc/to\x00ken HTTP/1.1", id="NUL in the path"),
        pytest.param(b"POST /oidc/%00 HTTP/1.1", id="%00 in the path"),
        pytest.param(b"POST /oidc/%ff%fe HTTP/1.1", id="no UTF-8 in the path"),
        pytest.param(b"GET /oidc/../oidc/token HTTP/1.1", id="dots in the path"),
        pytest.param(b"GET /oidc/token\xc3\xa9 HTTP/1.1", id="raw UTF-8 in the path"),
        pytest.param(b"GET * HTTP/1.1", id="asterisk"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS hello"),
    ],
)
def test_odd_request_line_is_the_callers_error(shop: Shop, line: bytes) -> None:
    """
    No request line gives a token or a 5xx.
    """
    request = line + b"\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    answer = raw_answer(shop.server.endpoint, request)
    assert all(400 <= status < 500 for status in answer.statuses), answer.data
    assert b"access_token" not in answer.data
    shop.assert_still_serves()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80@127.0.0.1", "", "a b"])
def test_host_header_decides_nothing(shop: Shop, host: str) -> None:
    """
    Every URL that the server writes comes from the configured endpoint.
    """
    request = (
        f"GET /oidc/.well-known/openid-configuration HTTP/1.1\r\nHost: {host}\r\n"
        f"X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nForwarded: host=evil.example\r\n"
        f"Connection: close\r\n\r\n"
    )
    answer = raw_answer(shop.server.endpoint, request.encode())
    assert b"evil.example" not in answer.data
    assert answer.statuses in ([200], [400])
    if answer.statuses == [200]:
        assert f'"issuer":"{shop.server.issuer}"'.encode() in answer.data.replace(b'": "', b'":"')


@pytest.mark.slow
def test_stalled_bodies_keep_nobody_waiting(shop: Shop) -> None:
    """
    1,500 callers that send half a body do not keep an honest token waiting for 2 s.
    """
    raise_descriptor_limit()
    url = urlsplit(shop.server.endpoint)
    request = head(shop, "Content-Length: 1000") + b"grant_type=client_cred"
    with ExitStack() as stack:
        for _ in range(STALLED):
            connection = socket.create_connection((url.hostname or "", url.port or 80), timeout=20)
            stack.enter_context(connection)
            connection.sendall(request)
        for _ in range(5):
            started = time.monotonic()
            answer = raw_exchange_of_honest_token(shop)
            assert answer.startswith(b"HTTP/1.1 200 ")
            assert time.monotonic() - started < 2
    shop.assert_still_serves()


def raw_exchange_of_honest_token(shop: Shop) -> bytes:
    """
    Ask for a token on a new connection.
    """
    form = honest_form(shop)
    return raw_exchange(shop.server.endpoint, head(shop, f"Content-Length: {len(form)}", "Connection: close") + form)


def raise_descriptor_limit() -> None:
    """
    Allow this process as many sockets as it may have.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
