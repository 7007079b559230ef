"""
Answers: a status, headers and a body, sent whole.
"""

import hashlib
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.types import Send

Headers = Sequence[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json; charset=utf-8")
TEXT_TYPE = (b"content-type", b"text/plain; charset=utf-8")
NO_STORE = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
CLOSE = (b"connection", b"close")
_ON_EVERY_ANSWER = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


def common_headers(endpoint: str) -> Headers:
    """
    Return the headers that every answer of a server carries.

    RFC 6797 §7.2: over plain http nobody is told to insist on https.
    """
    return (*_ON_EVERY_ANSWER, _HSTS) if endpoint.startswith("https:") else _ON_EVERY_ANSWER


class RequestIds:
    """
    Makes request ids of 16 characters: random per process, then counted.
    """

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count()

    def next(self) -> str:
        """
        Return the next id.
        """
        return f"{self._prefix}{next(self._numbers):08x}"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An answer that is ready to be sent.
    """

    status: int
    body: bytes
    headers: Headers = ()

    async def send(self, send: Send, common: Headers, request_id: str, *, head: bool = False) -> None:
        """
        Send it.

        Args:
            common: What every answer carries.
            head: Whether the request was HEAD: then the body stays away and its length is told.
        """
        identity = request_id.encode()
        # RFC 9110 §8.6: no Content-Length with 204.
        length = () if self.status == 204 else ((b"content-length", b"%d" % len(self.body)),)  # noqa: PLR2004
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [
                    *self.headers,
                    *length,
                    *common,
                    (b"logto-core-request-id", identity),
                    (b"x-request-id", identity),
                ],
            }
        )
        await send({"type": "http.response.body", "body": b"" if head else self.body})


def json_answer(value: object, *, status: int = 200, headers: Headers = ()) -> Answer:
    """
    Answer with JSON.
    """
    return Answer(status, msgspec.json.encode(value), (JSON_TYPE, *headers))


def text_answer(text: str, *, status: int, headers: Headers = ()) -> Answer:
    """
    Answer with plain text.
    """
    return Answer(status, text.encode(), (TEXT_TYPE, *headers))


def with_etag(answer: Answer, if_none_match: str | None) -> Answer:
    """
    Give an answer an ETag, and turn it into 304 where the client has it already.

    Implements: RFC 9110 §8.8.3, §13.1.2.
    """
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    headers = (*answer.headers, (b"etag", tag.encode()))
    known = [candidate.strip().removeprefix("W/") for candidate in (if_none_match or "").split(",")]
    if tag in known or known == ["*"]:
        return Answer(304, b"", tuple(header for header in headers if header[0] != b"content-type"))
    return Answer(answer.status, answer.body, headers)
