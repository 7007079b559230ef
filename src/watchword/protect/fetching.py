"""
Does what a flow asks for, with httpx: once for threads, once for asyncio.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import wait
from typing import TypeVar

import httpx

from watchword.protect.jwks import LARGEST_DOCUMENT, Fetched, NotFetched
from watchword.protect.key_cache import Fetch, Flow, Outcome, Step

T = TypeVar("T")
_TIMEOUT = httpx.Timeout(5.0)
_LONGEST_FETCH_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 20.0
# Plain bytes only: what has to be unpacked first can't be bounded by its size.
_HEADERS = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}


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
    if isinstance(step, Fetch):
        return _fetch(step.url, open_client)
    done, _ = wait([step.landed], timeout=_LONGEST_WAIT_SECONDS)
    return None if done else NotFetched(reason="waited too long")


def _fetch(url: str, open_client: Callable[[], httpx.Client]) -> Fetched | NotFetched:
    body = _Body()
    try:
        with (
            open_client() as client,
            client.stream("GET", url, headers=_HEADERS, follow_redirects=False, timeout=_TIMEOUT) as response,
        ):
            body.refuse_packed(response)
            for chunk in response.iter_bytes():
                body.add(chunk)
    except (httpx.HTTPError, _Refused) as error:
        return NotFetched(reason=f"{type(error).__name__}: {error}")
    return body.of(response)


async def _aperform(step: Step, open_client: Callable[[], httpx.AsyncClient]) -> Outcome:
    if isinstance(step, Fetch):
        return await _afetch(step.url, open_client)
    done, _ = await asyncio.wait([asyncio.wrap_future(step.landed)], timeout=_LONGEST_WAIT_SECONDS)
    return None if done else NotFetched(reason="waited too long")


async def _afetch(url: str, open_client: Callable[[], httpx.AsyncClient]) -> Fetched | NotFetched:
    body = _Body()
    try:
        async with (
            open_client() as client,
            client.stream("GET", url, headers=_HEADERS, follow_redirects=False, timeout=_TIMEOUT) as response,
        ):
            body.refuse_packed(response)
            async for chunk in response.aiter_bytes():
                body.add(chunk)
    except (httpx.HTTPError, _Refused) as error:
        return NotFetched(reason=f"{type(error).__name__}: {error}")
    return body.of(response)


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
        self._deadline = time.monotonic() + _LONGEST_FETCH_SECONDS

    def refuse_packed(self, response: httpx.Response) -> None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise _Refused("the answer is compressed though plain bytes were asked for")

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > LARGEST_DOCUMENT:
            raise _Refused(f"the answer is larger than {LARGEST_DOCUMENT} bytes")
        if time.monotonic() > self._deadline:
            raise _Refused(f"the answer takes longer than {_LONGEST_FETCH_SECONDS:.0f} s")
        self._chunks.append(chunk)

    def of(self, response: httpx.Response) -> Fetched:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Fetched(status=response.status_code, headers=headers, body=b"".join(self._chunks))
