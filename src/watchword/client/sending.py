"""
Does what a flow of the token source asks for: once for threads, once for asyncio.

A flow is a generator without I/O: it yields what has to be done and receives what came of it.
"""

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import httpx

from watchword import outbound
from watchword.client.errors import ClientError
from watchword.client.exchange import LARGEST_ANSWER, Token, TokenRequest
from watchword.outbound import Answer, Request, Unreachable

T = TypeVar("T")
Flight: TypeAlias = "Future[Token | ClientError | None]"
_TIMEOUT_SECONDS = 10.0
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


Step: TypeAlias = Send | Pause | Wait
Outcome: TypeAlias = Answer | Unreachable | None
Flow: TypeAlias = Generator[Step, Outcome, T]


def run(flow: Flow[T], open_client: Callable[[], httpx.Client]) -> T:
    """
    Run a flow to its end in this thread.
    """

    def perform(step: Step) -> Outcome:
        if isinstance(step, Send):
            return outbound.send(_request(step.request), open_client)
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        return outbound.wait_for(step.landed, _LONGEST_WAIT_SECONDS)

    return outbound.run(flow, perform)


async def arun(flow: Flow[T], open_client: Callable[[], httpx.AsyncClient]) -> T:
    """
    Run a flow to its end on this event loop; does not touch the loop where the flow needs nothing.
    """

    async def perform(step: Step) -> Outcome:
        if isinstance(step, Send):
            return await outbound.asend(_request(step.request), open_client)
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        return await outbound.wait_for_async(step.landed, _LONGEST_WAIT_SECONDS)

    return await outbound.arun(flow, perform)


def _request(request: TokenRequest) -> Request:
    return Request(
        method="POST",
        url=request.url,
        headers=request.headers,
        body=request.body,
        timeout_seconds=_TIMEOUT_SECONDS,
        longest_seconds=_LONGEST_EXCHANGE_SECONDS,
        largest_answer=LARGEST_ANSWER,
    )
