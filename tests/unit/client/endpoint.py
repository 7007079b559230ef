"""
A token endpoint in memory, and a clock that only tests move.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

from watchword.client import TokenSource

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
ENDPOINT, RESOURCE = "https://id.example.com", "https://shopping.api"
SECRET = "ww_hush-hush"


def unreachable(request: httpx.Request) -> httpx.Response:
    """
    Fail as a connection to nowhere does.
    """
    raise httpx.ConnectError("connection refused", request=request)


def busy(status: int = 503, **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """
    Answer as a server in trouble does; `retry_after` becomes `Retry-After`.
    """
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, headers=sent, json={"error": "temporarily_unavailable"})


class FakeClock:
    """
    A clock that stands still until it is moved.
    """

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """
        Return the time as it was set.
        """
        return self.now

    def advance(self, seconds: float) -> None:
        """
        Let time pass.
        """
        self.now += timedelta(seconds=seconds)


class FakeEndpoint:
    """
    Issues numbered tokens and counts the requests for them.

    Attributes:
        members: What a token response holds beside the token.
        failing: When set, what a request gets in place of a token; a list is used up first.
    """

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.requests: list[httpx.Request] = []
        self.members: dict[str, object] = {
            "expires_in": 3600,
            "token_type": "Bearer",
            "scope": "read:products",
        }
        self.failing: list[Callable[[httpx.Request], httpx.Response]] = []
        self.always_failing: Callable[[httpx.Request], httpx.Response] | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """
        Answer one token request.
        """
        self.requests.append(request)
        if self.failing:
            return self.failing.pop(0)(request)
        if self.always_failing is not None:
            return self.always_failing(request)
        members = {"access_token": f"token-{len(self.requests)}"} | self.members
        return httpx.Response(200, content=json.dumps({k: v for k, v in members.items() if v is not ...}))

    def http(self) -> httpx.Client:
        """
        Open a client that reaches this endpoint.
        """
        return httpx.Client(transport=httpx.MockTransport(self.answer))

    def async_http(self) -> httpx.AsyncClient:
        """
        Open an async client that reaches this endpoint.
        """
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def source(self, **options: object) -> TokenSource:
        """
        Make a token source on this endpoint's clock.
        """
        given: dict[str, object] = {
            "endpoint": ENDPOINT,
            "client_id": "app",
            "client_secret": SECRET,
            "resource": RESOURCE,
            "scope": "read:products",
            "http": self.http,
            "async_http": self.async_http,
            "clock": self.clock,
        }
        kept = {name: value for name, value in (given | options).items() if value is not ...}
        return TokenSource(**kept)  # type: ignore[arg-type]  # a test's options
