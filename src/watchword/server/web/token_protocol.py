"""
HTTP/1.1 on a connection, with a short way for token requests that come whole: in one piece, with all of their body.

Such a request is there before anything waits for it. It is answered without ASGI's messages; all others go the usual
way, and so does one whose body is long, or not there yet when the piece ends.
"""

from typing import Any

from watchword.server.web.answers import Written
from watchword.server.web.http_protocol import HttpProtocol
from watchword.server.web.whole_request import MOST_BODY, AnswerWhole, RawHeaders, WholeAnswer, WholeRequest, is_wanted


class TokenProtocol(HttpProtocol):
    """
    Reads requests as all do, and answers token requests that come whole.

    Args:
        answer_whole: Makes such an answer.
        given: What every connection is given.
    """

    _coming: WholeRequest | None = None  # one whose body may be there in a moment

    def __init__(self, *, answer_whole: AnswerWhole, **given: Any) -> None:  # noqa: ANN401 - as its base's
        super().__init__(**given)
        self._answer_whole = answer_whole

    def on_body(self, body: bytes) -> None:
        """
        Take a part of the body.
        """
        if self._coming is None:
            super().on_body(body)
        else:
            self._has_progress = True
            self._coming.body += body

    def on_message_complete(self) -> None:
        """
        Answer, where all of it came in one piece.
        """
        if self._coming is not None and len(self._coming.body) > MOST_BODY:
            self._hand_on(self._coming)
        if self._coming is None:
            super().on_message_complete()
        else:
            self._begin_whole(self._coming)

    def _begin(self, headers: RawHeaders, *, keep_alive: bool) -> None:
        if self._may_come_whole():
            self._coming = WholeRequest(headers, keep_alive=keep_alive)
        else:
            super()._begin(headers, keep_alive=keep_alive)

    def _end_piece(self) -> None:
        if self._coming is not None:
            self._hand_on(self._coming)
        super()._end_piece()

    def _may_come_whole(self) -> bool:
        wanted = is_wanted(self.parser.get_method(), self.url)
        return wanted and not self.expect_100_continue and self._is_idle()

    def _hand_on(self, request: WholeRequest) -> None:
        """
        Let a request go the usual way after all.
        """
        self._coming = None
        super()._begin(request.headers, keep_alive=request.keep_alive)
        if request.body:
            super().on_body(request.body)

    def _begin_whole(self, request: WholeRequest) -> None:
        self._coming = None
        self.cycle = request  # type: ignore[assignment]  # all that uvicorn's protocol asks of a cycle
        try:
            answer = self._answer_whole(request.headers, request.body, self.client[0] if self.client else None)
        except Exception:  # the parser would take it for the request's fault
            self.logger.exception("a token request failed")
            self.transport.abort()
            return
        if isinstance(answer, Written) and answer.held_seconds:
            self.loop.call_later(answer.held_seconds, self._deliver, answer, request)
        else:
            self._deliver(answer, request)

    def _deliver(self, answer: WholeAnswer, request: WholeRequest) -> None:
        if not isinstance(answer, Written) or self.flow.write_paused:
            request.task = self.loop.create_task(self._answer(request, answer))
            self.tasks.add(request.task)
        elif not request.disconnected:
            self._write(answer, request)

    async def _answer(self, request: WholeRequest, answer: WholeAnswer) -> None:
        try:
            written = answer if isinstance(answer, Written) else await answer
            if self.flow.write_paused and not request.disconnected:
                await self.flow.drain()
            if not request.disconnected:
                self._write(written, request)
        except Exception:
            self.logger.exception("a token request failed")
            self.transport.abort()
        finally:
            self.tasks.discard(request.task)

    def _write(self, written: Written, request: WholeRequest) -> None:
        request.keep_alive = request.keep_alive and not written.is_last
        self.transport.write(written.joined(self.server_state.default_headers, keep_alive=request.keep_alive))
        request.response_complete = True
        if not request.keep_alive:
            self.transport.close()
        self.on_response_complete()
