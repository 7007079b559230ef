"""
Does what a flow asks for, with httpx: once for threads, once for asyncio.

A flow is a generator without I/O: it yields what has to be done and receives what came of it.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import httpx

from watchword.client.errors import ClientError
from watchword.client.exchange import LARGEST_ANSWER, Answer, Token, TokenRequest

T = TypeVar("T")
Flight: TypeAlias = "Future[Token | ClientError | None]"
_TIMEOUT = httpx.Timeout(10.0)
_LONGEST_EXCHANGE_SECONDS = 20.0
_LONGEST_WAIT_SECONDS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """
    Post this request; send back an `Answer`, or `Unreachable`.
    """

    request: TokenRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """
    Let this time pass; send back None.
    """

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """
    Wait for a request that somebody else has begun; send back None, or `Unreachable` when it takes too long.
    """

    landed: Flight


@dataclass(frozen=True, slots=True)
class Unreachable:
    """
    There was no answer, or none worth reading.
    """

    reason: str

    def __str__(self) -> str:
        return self.reason


Step: TypeAlias = Send | Pause | Wait
Outcome: TypeAlias = Answer | Unreachable | None
Flow: TypeAlias = Generator[Step, Outcome, T]


def run(flow: Flow[T], open_client: Callable[[], httpx.Client]) -> T:
    """
    Run a flow to its end in this thread.
    """
    try:
        step = next(flow)
        while True:
            step = flow.send(_perform(step, open_client))
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


async def arun(flow: Flow[T], open_client: Callable[[], httpx.AsyncClient]) -> T:
    """
    Run a flow to its end on this event loop; does not touch the loop where the flow needs nothing.
    """
    try:
        step = next(flow)
        while True:
            step = flow.send(await _aperform(step, open_client))
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


def _perform(step: Step, open_client: Callable[[], httpx.Client]) -> Outcome:
    if isinstance(step, Send):
        return _send(step.request, open_client)
    if isinstance(step, Pause):
        time.sleep(step.seconds)
        return None
    done, _ = wait([step.landed], timeout=_LONGEST_WAIT_SECONDS)
    return None if done else Unreachable("waited too long")


def _send(request: TokenRequest, open_client: Callable[[], httpx.Client]) -> Answer | Unreachable:
    body = _Body()
    try:
        with open_client() as client, _post(client, request) as response:
            body.refuse_packed(response)
            for chunk in response.iter_bytes():
                body.add(chunk)
    except (httpx.HTTPError, _Refused) as error:
        return Unreachable(f"{type(error).__name__}: {error}")
    return body.of(response)


def _post(client: httpx.Client, request: TokenRequest) -> AbstractContextManager[httpx.Response]:
    return client.stream(
        "POST",
        request.url,
        content=request.body,
        headers=request.headers,
        auth=None,
        follow_redirects=False,
        timeout=_TIMEOUT,
    )


async def _aperform(step: Step, open_client: Callable[[], httpx.AsyncClient]) -> Outcome:
    if isinstance(step, Send):
        return await _asend(step.request, open_client)
    if isinstance(step, Pause):
        await asyncio.sleep(step.seconds)
        return None
    done, _ = await asyncio.wait([asyncio.wrap_future(step.landed)], timeout=_LONGEST_WAIT_SECONDS)
    return None if done else Unreachable("waited too long")


async def _asend(request: TokenRequest, open_client: Callable[[], httpx.AsyncClient]) -> Answer | Unreachable:
    body = _Body()
    try:
        async with open_client() as client, _apost(client, request) as response:
            body.refuse_packed(response)
            async for chunk in response.aiter_bytes():
                body.add(chunk)
    except (httpx.HTTPError, _Refused) as error:
        return Unreachable(f"{type(error).__name__}: {error}")
    return body.of(response)


def _apost(client: httpx.AsyncClient, request: TokenRequest) -> AbstractAsyncContextManager[httpx.Response]:
    return client.stream(
        "POST",
        request.url,
        content=request.body,
        headers=request.headers,
        auth=None,
        follow_redirects=False,
        timeout=_TIMEOUT,
    )


class _Refused(Exception):
    """
    The answer is not worth reading on.
    """


class _Body:
    """
    Collects an answer's body within bounds of size and time.
    """

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._deadline = time.monotonic() + _LONGEST_EXCHANGE_SECONDS

    def refuse_packed(self, response: httpx.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise _Refused("the answer is compressed though plain bytes were asked for")

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > LARGEST_ANSWER:
            raise _Refused(f"the answer is larger than {LARGEST_ANSWER} bytes")
        if time.monotonic() > self._deadline:
            raise _Refused(f"the answer takes longer than {_LONGEST_EXCHANGE_SECONDS:.0f} s")
        self._chunks.append(chunk)

    def of(self, response: httpx.Response) -> Answer:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=headers, body=b"".join(self._chunks))
