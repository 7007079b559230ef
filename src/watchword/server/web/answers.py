"""
Answers: a status, headers and a body, sent whole.
"""

import asyncio
import hashlib
import itertools
import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from http import HTTPStatus

import msgspec
from starlette.types import Send

Headers = Sequence[tuple[bytes, bytes]]

JSON_TYPE = (b"content-type", b"application/json; charset=utf-8")
TEXT_TYPE = (b"content-type", b"text/plain; charset=utf-8")
HTML_TYPE = (b"content-type", b"text/html; charset=utf-8")
CSS_TYPE = (b"content-type", b"text/css; charset=utf-8")
# Of pages on which nothing runs, and nothing comes from elsewhere.
PLAIN_PAGE_POLICY = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
NO_STORE = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))
CLOSE = (b"connection", b"close")
_WITHOUT_LENGTH = frozenset({204, 304})
_REQUEST_ID = (b"logto-core-request-id", b"x-request-id")
_LINE_BREAK = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
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


class Answer(msgspec.Struct, frozen=True):
    """
    An answer that is ready to be sent.

    Attributes:
        held_seconds: How long it is held back: who waits for an answer asks nothing meanwhile.
    """

    status: int
    body: bytes
    headers: Headers = ()
    held_seconds: float = 0.0

    def held(self, seconds: float) -> "Answer":
        """
        Return the same, to be held back.
        """
        return msgspec.structs.replace(self, held_seconds=seconds)

    async def send(self, send: Send, common: Headers, request_id: str, *, head: bool = False) -> None:
        """
        Send it.

        Args:
            common: What every answer carries.
            head: Whether the request was HEAD: then the body stays away and its length is told.
        """
        if self.held_seconds:
            await asyncio.sleep(self.held_seconds)
        # RFC 9110 §8.6: none with 204, and with 304 that of the answer that it stands for, or none.
        length = () if self.status in _WITHOUT_LENGTH else ((b"content-length", b"%d" % len(self.body)),)
        identity = request_id.encode()
        names = [(name, identity) for name in _REQUEST_ID]
        headers = [*self.headers, *length, *common, *names]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})

    def written(self, common: Headers, request_id: str) -> "Written":
        """
        Write it as it goes over the connection.

        Args:
            common: What every answer carries.
        """
        identity = request_id.encode()
        fields = b"%bcontent-length: %d\r\n%b%b: %b\r\n%b: %b\r\n" % (
            *(_lines(tuple(self.headers)), len(self.body), _lines(tuple(common))),
            *(_REQUEST_ID[0], identity),
            *(_REQUEST_ID[1], identity),
        )
        return Written(_status_line(self.status), fields, self.body, CLOSE in self.headers, self.held_seconds)


class Written(msgspec.Struct, frozen=True):
    """
    An answer as bytes.

    Attributes:
        fields: The lines of its headers, in the order in which `send` tells them: the connection adds lines of its own.
        is_last: Whether the connection ends with it.
        held_seconds: How long it is held back.
    """

    status_line: bytes
    fields: bytes
    body: bytes
    is_last: bool
    held_seconds: float = 0.0

    def joined(self, first: Headers, *, keep_alive: bool) -> bytes:
        """
        Return all of it.

        Args:
            first: What the connection tells before the answer's own headers.
            keep_alive: Whether the connection goes on; where it does not, the answer says so, once.
        """
        last = b"\r\n" if keep_alive or self.is_last else b"%b: %b\r\n\r\n" % CLOSE
        return b"".join((self.status_line, *[b"%b: %b\r\n" % header for header in first], self.fields, last, self.body))


@lru_cache(maxsize=64)
def _status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (status, HTTPStatus(status).phrase.encode("ascii"))


@lru_cache(maxsize=64)
def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """
    Write headers that many answers share.

    Raises:
        ValueError: A value would end its line.
    """
    lines = [b"%b: %b" % header for header in headers]
    if any(_LINE_BREAK.search(line) for line in lines):
        raise ValueError("a header holds a control character")
    return b"\r\n".join([*lines, b""])


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
