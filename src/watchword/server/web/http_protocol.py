"""
HTTP/1.1 on a connection: uvicorn's, but an offered upgrade is ignored, as RFC 9110 §7.8 lets a server do.

The parser takes a request with `Upgrade` for the last one of its connection. Left alone, the application gets no body,
and the body is read as the next request: Java's and Ktor's clients, which offer HTTP/2 with their first request, would
never get a token, and whoever chooses a body would smuggle requests through a proxy.
"""

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_CONNECT = b"CONNECT"


class HttpProtocol(HttpToolsProtocol):
    """
    Reads a request that offers an upgrade once more, without the offer.
    """

    def data_received(self, data: bytes) -> None:
        """
        Take what came over the connection.

        Implements: RFC 9110 §7.8.
        """
        self._unset_keepalive_if_required()
        try:
            self._feed(memoryview(data))
        except HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)

    def on_headers_complete(self) -> None:
        """
        Start answering, unless the request will be read once more.
        """
        if not self._offers_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """
        Tell that the body is complete, unless the request will be read once more.
        """
        if not self._offers_upgrade():
            super().on_message_complete()

    def _offers_upgrade(self) -> bool:
        offers: bool = self.parser.should_upgrade()
        return offers

    def _feed(self, data: memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(data)
                return
            except HttpParserUpgrade as offered:
                data = data[offered.args[0] :]
                head = self._head_without_offer()
                self.parser = HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own parser
                self.parser.feed_data(head)

    def _head_without_offer(self) -> bytes:
        method = self.parser.get_method()
        if method == _CONNECT:  # it is an upgrade whatever its headers say
            raise HttpParserError("CONNECT is for proxies")
        version = self.parser.get_http_version().encode()
        kept = (name + b": " + value for name, value in self.headers if name != b"upgrade")
        return b"\r\n".join((method + b" " + self.url + b" HTTP/" + version, *kept, b"", b""))
