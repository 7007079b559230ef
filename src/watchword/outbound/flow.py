"""
Driving a flow to its end, in a thread or on an event loop; and waiting for what somebody else has begun.
"""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import Future, wait
from typing import TypeVar

from watchword.outbound.request import Unreachable

Step = TypeVar("Step")
Outcome = TypeVar("Outcome")
T = TypeVar("T")


def run(flow: Generator[Step, Outcome, T], perform: Callable[[Step], Outcome]) -> T:
    """
    Run a flow to its end in this thread.
    """
    try:
        step = next(flow)
        while True:
            step = flow.send(perform(step))
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


async def arun(flow: Generator[Step, Outcome, T], perform: Callable[[Step], Awaitable[Outcome]]) -> T:
    """
    Run a flow to its end on this event loop; does not touch the loop where the flow needs nothing.
    """
    try:
        step = next(flow)
        while True:
            step = flow.send(await perform(step))
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


def wait_for(landed: "Future[T]", longest_seconds: float) -> Unreachable | None:
    """
    Wait in this thread; return what is wrong where it takes too long.
    """
    done, _ = wait([landed], timeout=longest_seconds)
    return None if done else Unreachable("waited too long")


async def wait_for_async(landed: "Future[T]", longest_seconds: float) -> Unreachable | None:
    """
    Wait on this event loop; return what is wrong where it takes too long.
    """
    done, _ = await asyncio.wait([asyncio.wrap_future(landed)], timeout=longest_seconds)
    return None if done else Unreachable("waited too long")
