"""
Requests that the console sends to its own server, as an application would: to the port that it listens on.

They never leave the machine. Nobody says where to: no form, no header, nothing of the environment. No redirect is
followed.
"""

import time
from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from watchword.server.context import Context
from watchword.server.domain.confidential import Confidential
from watchword.server.domain.problems import Problem

if TYPE_CHECKING:
    import httpx

# The threads that wait for an answer are those that the Management API answers on: some must be left.
MOST_AT_ONCE = 2
_SILENCE_SECONDS = 5.0
_LONGEST_SECONDS = 10.0
_LARGEST_ANSWER = 64 * 1024
_SHOWN = ("content-type", "www-authenticate", "retry-after", "total-number", "cache-control")


class Answered(Confidential, frozen=True, kw_only=True):
    """
    What came back.

    Attributes:
        headers: Those that tell something; names in lower case.
        ms: How long it took, in milliseconds.
    """

    status: int
    headers: Mapping[str, str]
    body: str
    ms: float


class OwnServer:
    """
    Sends requests to this very server, a few at once.
    """

    def __init__(self) -> None:
        self._at_once = BoundedSemaphore(MOST_AT_ONCE)

    def ask(
        self, ctx: Context, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answered:
        """
        Send a request from a thread, and wait for the answer.

        Args:
            path: With its query.

        Raises:
            Problem: This server has no port of its own (501), too many are being sent (503), or no answer came (504).
        """
        if ctx.own_url is None:
            raise Problem(
                "console.no_port", status=501, message="This server listens on no port that it could send a request to."
            )
        if not self._at_once.acquire(blocking=False):
            raise Problem("console.busy", status=503, message="Others try something at this moment. Try again.")
        try:
            return _send(ctx, ctx.own_url + path, method, headers, body)
        finally:
            self._at_once.release()


def _send(ctx: Context, url: str, method: str, headers: Mapping[str, str], body: bytes | None) -> Answered:
    # Loaded with the first request: a server that sends none is smaller.
    from watchword.outbound import Request, Unreachable, send  # noqa: PLC0415

    request = Request(
        method=method,
        url=url,
        # As a request to the public endpoint would say.
        headers={**headers, "host": urlsplit(ctx.settings.public_endpoint).netloc, "user-agent": "watchword-console"},
        body=body,
        timeout_seconds=_SILENCE_SECONDS,
        longest_seconds=_LONGEST_SECONDS,
        largest_answer=_LARGEST_ANSWER,
    )
    began = time.perf_counter()
    answer = send(request, _open_client)
    ms = (time.perf_counter() - began) * 1000
    if isinstance(answer, Unreachable):
        raise Problem("console.no_answer", status=504, message="The server gave itself no answer in time.")
    shown = {name: answer.headers[name] for name in _SHOWN if name in answer.headers}
    return Answered(status=answer.status, headers=shown, body=answer.body.decode("utf-8", "replace"), ms=ms)


def _open_client() -> "httpx.Client":
    import ssl  # noqa: PLC0415 - as above

    import httpx  # noqa: PLC0415

    # No proxy, no netrc: nothing of the environment. Its TLS context trusts nobody, and is never used.
    return httpx.Client(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
