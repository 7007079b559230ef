"""
HTTP/1.1 on a connection: uvicorn's, with a bound on what it holds and deaf to offered upgrades.

Neither one connection nor a thousand hold memory or files for nothing: a head has a limit in bytes and in time, a body
in time, few requests may wait for the answer to the one before, whoever does not read answers is let go, and so is who
sends but the rest of a body that nobody wants. What a connection waits for is said here; the sweeper ends the wait.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from watchword.protocol.metadata import TOKEN_PATH
from watchword.server.web.offers import feed
from watchword.server.web.requests import BODY_IS_LATE
from watchword.server.web.stall import Stall
from watchword.server.web.sweeper import Awaits, Sweeper
from watchword.server.web.whole_request import RawHeaders

MOST_HEAD_BYTES = 64 * 1024
LAST_REQUEST_SECONDS = 1.0
MOST_PIPELINED = 100


class HttpProtocol(HttpToolsProtocol):
    """
    Reads requests; answers 431 or 408 by itself where a head never ends, and hangs up on who floods or stalls it.

    Args:
        sweeper: Of this event loop.
        given: What uvicorn hands to every connection.
    """

    awaits = Awaits.HEAD
    awaits_since = 0.0
    _head_bytes = 0
    _head_is_open = True
    _has_progress = False  # whether the piece being read has ended a head, or brought a part of a body
    _fruitless_bytes = 0  # of pieces that did neither: trailers, say
    _is_offer = False
    _is_ending = False
    _is_over = False  # whether what follows is not looked at: the last answer is yet to be sent

    def __init__(self, *, sweeper: Sweeper, **given: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(**given)
        self._sweeper = sweeper

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """
        Start waiting for the first head.
        """
        super().connection_made(transport)
        self.awaits_since = self.loop.time()
        self._stall = Stall(transport, self.loop)
        self._sweeper.watch(self, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """
        Stop waiting.
        """
        self._sweeper.forget(self)
        self._stall.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """
        Take what came over the connection.

        Implements: RFC 9110 §7.8, RFC 6585 §5.
        """
        if self.transport.is_closing() or self._is_over:
            return
        was_open = self._head_is_open
        self._has_progress = False
        try:
            feed(self, data)
        except HttpParserError:
            if self._is_flooded():
                self.transport.abort()
                return
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)
            return
        if self._head_is_open:
            self._head_bytes += len(data) if was_open and not self._has_progress else 0
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
        else:
            self._fruitless_bytes = 0 if self._has_progress else self._fruitless_bytes + len(data)
            if self._fruitless_bytes > MOST_HEAD_BYTES:
                self.transport.abort()
                return
        self._end_piece()

    def on_message_begin(self) -> None:
        """
        Begin a request. What ASGI wants to know of it is put together where it goes that way.
        """
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._head_is_open, self._head_bytes = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """
        Take a header. What comes behind the head are trailers, which nobody here wants.
        """
        if self._head_is_open:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """
        Start answering, unless the request will be read once more.

        Raises:
            HttpParserError: Too many requests wait already, or it is not clear which host is meant (RFC 9112 §3.2).
        """
        if self._is_flooded():
            raise HttpParserError("too many requests wait for the answer to the one before them")
        hosts = [name for name, _ in self.headers if name == b"host"]
        if len(hosts) != 1 and (hosts or self.parser.get_http_version() != "1.0"):
            raise HttpParserError("a request names one host")
        if self.transport.is_closing():
            return  # RFC 9112 §9.6: what follows the last request is not looked at
        self._is_offer = self.parser.should_upgrade()
        self._has_progress = True
        if not self._is_offer:
            self._head_is_open = False
            # RFC 9110 §6.5.1: trailers, which the parser tells like headers, are not merged into them.
            headers, self.headers = self.headers, []
            self._begin(headers, keep_alive=self._keeps_alive())

    def on_body(self, body: bytes) -> None:
        """
        Take a part of the body.
        """
        self._has_progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """
        Tell that the body is complete, unless the request will be read once more.
        """
        if not self._is_offer:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """
        Go on to the request that waits already, or wait for one. As uvicorn's, but without a timer for each request.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._await_last_reader()
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        self._settle()

    def shutdown(self) -> None:
        """
        Finish. Whoever has connected and not asked yet may have a request under way: it is answered.
        """
        if self.cycle is None:
            self._is_ending = True  # type: ignore[unreachable]  # None before the first request
            self.loop.call_later(LAST_REQUEST_SECONDS, super().shutdown)
        else:
            super().shutdown()

    def end_wait(self) -> None:
        """
        Give up a head, a body or a next request that did not come in time.
        """
        match self.awaits:
            case Awaits.BODY | Awaits.TOKEN_BODY:
                # Whoever reads the body is woken, and answers in the form that this path has for errors.
                self.cycle.scope["state"][BODY_IS_LATE] = True
                self.cycle.message_event.set()
            case Awaits.HEAD if self._head_bytes:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT)
            case _:
                self._close()

    def send_400_response(self, msg: str) -> None:
        """
        Refuse what is no request, and hang up: behind the answers that are under way, where there are some.
        """
        if self._is_idle():
            super().send_400_response(msg)
            self._await_last_reader()
        else:
            self._end_after_answer()

    def drop(self) -> None:
        """
        Let the connection go at once.
        """
        self.transport.abort()

    def pause_writing(self) -> None:
        """
        Wait until what is written is read.
        """
        super().pause_writing()
        self._stall.begin()
        self._settle()

    def resume_writing(self) -> None:
        """
        Go on writing.
        """
        self._stall.end()
        super().resume_writing()
        self._settle()

    def _close(self) -> None:
        self.transport.close()
        self._await_last_reader()

    def _await_last_reader(self) -> None:
        """
        Give who does not read the last answer no longer than who does not read another one.
        """
        if self.transport.get_write_buffer_size():
            self.awaits, self.awaits_since = Awaits.READER, self.loop.time()
            self._stall.begin()

    def _end_after_answer(self) -> None:
        """
        Answer what is under way and what waits behind it, and read nothing more.
        """
        self._is_over = True
        self.transport.pause_reading()
        self.cycle.keep_alive = False  # the last of them

    def _keeps_alive(self) -> bool:
        return not self._is_ending and self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]  # None before the first

    def _begin(self, headers: RawHeaders, *, keep_alive: bool) -> None:
        """
        Hand a request on to ASGI: its head is complete.
        """
        url, expects = self.url, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.scope["headers"] = headers
        super().on_headers_complete()
        self.cycle.keep_alive = keep_alive

    def _is_flooded(self) -> bool:
        return len(self.pipeline) >= MOST_PIPELINED

    def _end_piece(self) -> None:
        """
        See what is waited for now.
        """
        self._settle()

    def _settle(self) -> None:
        """
        Say what is waited for. The time of a wait runs on until something else is.
        """
        if self.transport.is_closing():
            return
        awaits = self._awaited()
        if awaits is not self.awaits:
            self.awaits, self.awaits_since = awaits, self.loop.time()

    def _awaited(self) -> Awaits:
        cycle = self.cycle
        if self._is_idle():
            # Nothing less than a new request keeps an idle connection: the rest of a body that was answered does not.
            return Awaits.HEAD if self._head_is_open else Awaits.REQUEST
        if not cycle.more_body or self.pipeline:
            # Who does not read is waited for like any other: else answers to nobody would take all connections.
            return Awaits.READER if self.flow.write_paused else Awaits.NOTHING
        return Awaits.TOKEN_BODY if cycle.scope["path"] == TOKEN_PATH else Awaits.BODY

    def _refuse(self, status: HTTPStatus) -> None:
        """
        Refuse a head, and hang up: RFC 9112 §9.3, nothing that follows could be told from the rest of it.
        """
        if self.transport.is_closing():
            return
        if not self._is_idle():
            self._end_after_answer()
            return
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        self.transport.write(head.encode("ascii"))
        self._close()
