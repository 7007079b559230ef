"""
Does what a flow of the key cache asks for: once for threads, once for asyncio.
"""

from collections.abc import Callable
from typing import TypeVar

import httpx

from watchword import outbound
from watchword.outbound import Request
from watchword.protect.jwks import LARGEST_DOCUMENT
from watchword.protect.key_cache import Fetch, Flow, Outcome, Step

T = TypeVar("T")
_TIMEOUT_SECONDS = 5.0
_LONGEST_FETCH_SECONDS = 15.0
_LONGEST_WAIT_SECONDS = 20.0


def run(flow: Flow[T], open_client: Callable[[], httpx.Client]) -> T:
    """
    Run a flow to its end in this thread.
    """

    def perform(step: Step) -> Outcome:
        if isinstance(step, Fetch):
            return outbound.send(_request(step.url), open_client)
        return outbound.wait_for(step.landed, _LONGEST_WAIT_SECONDS)

    return outbound.run(flow, perform)


async def arun(flow: Flow[T], open_client: Callable[[], httpx.AsyncClient]) -> T:
    """
    Run a flow to its end on this event loop; does not touch the loop where the flow needs nothing.
    """

    async def perform(step: Step) -> Outcome:
        if isinstance(step, Fetch):
            return await outbound.asend(_request(step.url), open_client)
        return await outbound.wait_for_async(step.landed, _LONGEST_WAIT_SECONDS)

    return await outbound.arun(flow, perform)


def _request(url: str) -> Request:
    return Request(
        method="GET",
        url=url,
        headers={"Accept": "application/jwk-set+json, application/json"},
        timeout_seconds=_TIMEOUT_SECONDS,
        longest_seconds=_LONGEST_FETCH_SECONDS,
        largest_answer=LARGEST_DOCUMENT,
    )
