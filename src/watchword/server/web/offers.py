"""
Offered upgrades, which are ignored, as RFC 9110 §7.8 lets a server do.

The parser takes a request with `Upgrade` for the last one of its connection. Left alone, the application gets no body,
and the body is read as the next request: Java's and Ktor's clients, which offer HTTP/2 with their first request, would
never get a token, and whoever chooses a body would smuggle requests through a proxy.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_CONNECT = b"CONNECT"


def feed(protocol: HttpToolsProtocol, data: bytes | memoryview) -> None:
    """
    Let a connection's parser read on. A head that offers an upgrade is read once more, without the offer.

    Raises:
        HttpParserError: It is no request, or one for proxies.
    """
    while True:
        try:
            protocol.parser.feed_data(data)
            return
        except HttpParserUpgrade as offered:
            data = memoryview(data)[offered.args[0] :]
            head = _head_without_offer(protocol)
            protocol.parser = HttpRequestParser(protocol)
            protocol.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own parser
            protocol.parser.feed_data(head)


def _head_without_offer(protocol: HttpToolsProtocol) -> bytes:
    method = protocol.parser.get_method()
    if method == _CONNECT:  # it is an upgrade whatever its headers say
        raise HttpParserError("CONNECT is for proxies")
    version = protocol.parser.get_http_version().encode()
    kept = (name + b": " + value for name, value in protocol.headers if name != b"upgrade")
    return b"\r\n".join((method + b" " + protocol.url + b" HTTP/" + version, *kept, b"", b""))
