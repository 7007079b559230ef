"""
The HTTP requests that the user libraries make: within bounds of size and time, for threads and for asyncio alike.

Owns sending one request, and driving a flow (a generator that yields what has to be done and receives what came of it).
Leaves to others what to ask, and what an answer means.
"""

from watchword.outbound.flow import arun, run, wait_for, wait_for_async
from watchword.outbound.request import Answer, Request, Unreachable, asend, send

__all__ = ["Answer", "Request", "Unreachable", "arun", "asend", "run", "send", "wait_for", "wait_for_async"]
