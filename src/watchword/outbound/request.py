"""
One HTTP request, and its answer or that there was none worth reading.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

import httpx

from watchword.outbound.deadline import Deadline

# httpx lets through what its parts say of a host that no DNS could have.
_UNREACHABLE = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    A request and its bounds. Its `repr` shows neither headers nor body, which may hold credentials.

    Attributes:
        body: None sends none.
        timeout_seconds: Longest silence of the other side.
        longest_seconds: Longest that the whole answer may take.
        largest_answer: Most bytes that the answer's body may have.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_seconds: float
    longest_seconds: float
    largest_answer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    An HTTP answer, whatever its status.

    Attributes:
        headers: Names in lower case.
        body: Within the request's bound.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unreachable:
    """
    There was no answer, or none worth reading.
    """

    reason: str

    def __str__(self) -> str:
        return self.reason


def send(request: Request, open_client: Callable[[], httpx.Client]) -> Answer | Unreachable:
    """
    Send a request from this thread; redirects are not followed.
    """
    deadline = Deadline(request.longest_seconds)
    body = _Body(request, deadline)
    try:
        with (
            deadline.cutting(),
            open_client() as client,
            client.stream(**_arguments(request), extensions={"trace": deadline.trace}) as response,
        ):
            body.refuse_packed(response)
            for chunk in response.iter_bytes():
                body.add(chunk)
    except (*_UNREACHABLE, _Refused) as error:
        return _no_answer(error, deadline)
    return body.of(response)


async def asend(request: Request, open_client: Callable[[], httpx.AsyncClient]) -> Answer | Unreachable:
    """
    Send a request from this event loop; redirects are not followed.
    """
    deadline = Deadline(request.longest_seconds)
    body = _Body(request, deadline)
    try:
        async with (
            asyncio.timeout(request.longest_seconds),
            open_client() as client,
            client.stream(**_arguments(request)) as response,
        ):
            body.refuse_packed(response)
            async for chunk in response.aiter_bytes():
                body.add(chunk)
    except (*_UNREACHABLE, TimeoutError, _Refused) as error:
        return _no_answer(error, deadline)
    return body.of(response)


def _no_answer(error: Exception, deadline: Deadline) -> Unreachable:
    # Whatever it broke off with: that is how it was ended.
    return Unreachable(str(deadline) if deadline.is_over else f"{type(error).__name__}: {error}")


class _Arguments(TypedDict):
    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    auth: None
    follow_redirects: bool
    timeout: httpx.Timeout


def _arguments(request: Request) -> _Arguments:
    return {
        "method": request.method,
        "url": request.url,
        # Plain bytes only: what has to be unpacked first can't be bounded by its size.
        "headers": {**request.headers, "Accept-Encoding": "identity"},
        "content": request.body,
        "auth": None,
        "follow_redirects": False,
        "timeout": httpx.Timeout(request.timeout_seconds),
    }


class _Refused(Exception):
    """
    The answer is not worth reading on.
    """


class _Body:
    """
    Collects an answer's body within bounds of size and time.
    """

    def __init__(self, request: Request, deadline: Deadline) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._request = request
        self._deadline = deadline

    def refuse_packed(self, response: httpx.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise _Refused("the answer is compressed though plain bytes were asked for")

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._request.largest_answer:
            raise _Refused(f"the answer is larger than {self._request.largest_answer} bytes")
        if self._deadline.is_over:
            raise _Refused(str(self._deadline))
        self._chunks.append(chunk)

    def of(self, response: httpx.Response) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=headers, body=b"".join(self._chunks))
