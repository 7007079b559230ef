"""
HTTP/1.1 on a connection: uvicorn's, with a bound on heads and deaf to offered upgrades.

A head has a limit in bytes and in time, so that neither one connection nor a thousand hold memory or files for nothing.

An offered upgrade is ignored, as RFC 9110 §7.8 lets a server do. The parser takes a request with `Upgrade` for the last
one of its connection. Left alone, the application gets no body, and the body is read as the next request: Java's and
Ktor's clients, which offer HTTP/2 with their first request, would never get a token, and whoever chooses a body would
smuggle requests through a proxy.
"""

import asyncio
from http import HTTPStatus

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
HEAD_SECONDS = 30.0
_CONNECT = b"CONNECT"


class HttpProtocol(HttpToolsProtocol):
    """
    Reads requests; answers 431 or 408 by itself where a head never ends.
    """

    _head_bytes = 0
    _head_is_open = True
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """
        Start waiting for the first head.
        """
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """
        Stop waiting.
        """
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """
        Take what came over the connection.

        Implements: RFC 9110 §7.8, RFC 6585 §5.
        """
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        was_open = self._head_is_open
        try:
            self._feed(memoryview(data))
        except HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)
            return
        if self._head_is_open:
            self._wait_for_more(len(data) if was_open else 0)

    def on_message_begin(self) -> None:
        """
        Begin a request.
        """
        super().on_message_begin()
        self._head_is_open, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        """
        Start answering, unless the request will be read once more.
        """
        if not self._offers_upgrade():
            self._head_is_open = False
            self._stop_timer()
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """
        Tell that the body is complete, unless the request will be read once more.
        """
        if not self._offers_upgrade():
            super().on_message_complete()

    def _wait_for_more(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self._head_timer = None
        if self._head_bytes:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        # RFC 9112 §9.3: nothing that follows on this connection could be told from the rest of the head.
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        self.transport.write(head.encode("ascii"))
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

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
