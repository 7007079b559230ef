"""
A token request that came whole, in one piece: it is answered without the messages that ASGI would need.

Between server and application ASGI has two messages for the request, two for the answer, and a description of the
connection with each of them. A request that is there, and an answer that is made at once, need none of that, and a
token costs about a tenth less. Whatever is longer, slower or stranger goes the usual way.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import TypeAlias

from watchword.protocol.metadata import TOKEN_PATH
from watchword.server.web.answers import Written

_TARGET = TOKEN_PATH.encode()
_METHOD = b"POST"
MOST_BODY = 4 * 1024  # it stays until the answer is written: an answer that is held back must cost little
RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]
# An answer that is there, or one that is still to be made.
WholeAnswer: TypeAlias = Written | Coroutine[None, None, Written]
# From headers, body and the address of the other end.
AnswerWhole: TypeAlias = Callable[[RawHeaders, bytes, str | None], WholeAnswer]


def is_wanted(method: bytes, target: bytes) -> bool:
    """
    Tell whether a request is one of those that may come whole.
    """
    return target == _TARGET and method == _METHOD


class _NobodyWaits:
    def set(self) -> None:
        """
        Wake nobody: all of the body is there.
        """


class WholeRequest:
    """
    The request under way, to uvicorn's protocol what a cycle of its own is.

    Attributes:
        body: What of it has come.
        keep_alive: Whether the connection goes on after the answer.
        disconnected: Whether there is nobody any more to answer.
        task: What answers it.
    """

    __slots__ = ("body", "disconnected", "headers", "keep_alive", "response_complete", "task")

    task: "asyncio.Task[None]"

    more_body = False
    message_event = _NobodyWaits()

    def __init__(self, headers: RawHeaders, *, keep_alive: bool) -> None:
        self.headers = headers
        self.keep_alive = keep_alive
        self.body = b""
        self.disconnected = False
        self.response_complete = False
