"""
A client that offers another protocol (`Upgrade`) is answered in HTTP/1.1 as if it had not (RFC 9110 §7.8).

Java's and Ktor's clients offer HTTP/2 with their first request over http, and curl does with `--http2`.
"""

import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.support.raw import RawAnswer, raw_answer
from tests.support.shop import BASIC, Shop
from tests.support.wire import FORM

pytestmark = pytest.mark.e2e

H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
WEBSOCKET = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: AAAA", "Sec-WebSocket-Version: 13")
SMUGGLED = b"GET /oidc/jwks HTTP/1.1\r\nHost: x\r\n\r\n"


def request(shop: Shop, *lines: str, body: bytes | None = None) -> bytes:
    """
    Return a token request with these further header lines; the body is an honest form unless given.
    """
    if body is None:
        body = f"grant_type=client_credentials&resource={shop.indicator}".encode()
    length = () if "Transfer-Encoding: chunked" in lines else (f"Content-Length: {len(body)}",)
    sent = (
        "POST /oidc/token HTTP/1.1",
        "Host: x",
        f"Authorization: {shop.authorization(BASIC)}",
        f"Content-Type: {FORM}",
        *length,
        *lines,
    )
    return "\r\n".join(sent).encode() + b"\r\n\r\n" + body


def in_parts(endpoint: str, *parts: bytes) -> RawAnswer:
    """
    Send bytes in parts that arrive one by one, and read what comes back.
    """
    url = urlsplit(endpoint)
    received = bytearray()
    with socket.create_connection((url.hostname or "", url.port or 80), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
            time.sleep(0.02)  # so that the server reads the parts apart; were they joined, the test would pass as well
        connection.settimeout(1.0)
        try:
            while data := connection.recv(65536):
                received += data
        except TimeoutError:
            return RawAnswer(data=bytes(received), closed=False)
        except ConnectionResetError:  # it was closed before the last part arrived; what came before that was read
            pass
    return RawAnswer(data=bytes(received), closed=True)


@pytest.mark.parametrize("offer", [pytest.param(H2C, id="HTTP 2"), pytest.param(WEBSOCKET, id="WebSocket")])
@pytest.mark.parametrize("cut", [0, 10, 200, -20], ids=["in one", "cut early", "cut in the head", "cut in the body"])
def test_request_with_an_offer_gets_its_token(shop: Shop, offer: tuple[str, ...], cut: int) -> None:
    """
    The body reaches the application wherever the packets end, and the connection stays as it is.
    """
    sent = request(shop, *offer)
    answer = in_parts(shop.server.endpoint, sent[:cut], sent[cut:])
    assert answer.statuses == [200]
    assert b'"access_token"' in answer.data
    assert not answer.closed


def test_chunked_request_with_an_offer_gets_its_token(shop: Shop) -> None:
    """
    So does a body in chunks, in packets of their own.
    """
    form = f"grant_type=client_credentials&resource={shop.indicator}".encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (form[:9], form[9:])) + b"0\r\n\r\n"
    sent = request(shop, *H2C, "Transfer-Encoding: chunked", body=chunks)
    split = len(sent) - len(chunks) + 20
    assert in_parts(shop.server.endpoint, sent[:split], sent[split:]).statuses == [200]


@pytest.mark.parametrize("cut", [0, -len(SMUGGLED)], ids=["in one", "body apart"])
def test_body_of_a_request_with_an_offer_is_no_request(shop: Shop, cut: int) -> None:
    """
    Whoever chooses a body chooses no second request: one request, one answer.
    """
    sent = request(shop, *H2C, body=SMUGGLED)
    assert in_parts(shop.server.endpoint, sent[:cut], sent[cut:]).statuses == [400]


def test_requests_that_follow_an_offer_are_answered(shop: Shop) -> None:
    """
    Offers in pipelined requests change nothing: as many answers as requests, in order.
    """
    wrong = request(shop, *H2C, body=b"grant_type=x")
    sent = request(shop, *H2C) + wrong + SMUGGLED + request(shop, *WEBSOCKET)
    assert in_parts(shop.server.endpoint, sent).statuses == [200, 400, 200, 200]


def test_offer_does_not_loosen_framing(shop: Shop) -> None:
    """
    Two framings in a request with an offer are refused as in any other.
    """
    sent = request(shop, *H2C, "Content-Length: 5")
    answer = raw_answer(shop.server.endpoint, sent + SMUGGLED, patience=1.0)
    assert answer.statuses == [400]
    assert answer.closed


@pytest.mark.parametrize("target", ["x.example:443", "/oidc/token"])
def test_tunnel_is_refused(shop: Shop, target: str) -> None:
    """
    CONNECT gets 400, the connection ends, and nothing that follows is read as a request.
    """
    answer = in_parts(shop.server.endpoint, f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), SMUGGLED)
    assert answer.statuses == [400]
    assert answer.closed
