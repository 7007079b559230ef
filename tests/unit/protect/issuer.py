"""
An issuer in memory: its keys, its tokens, its key set for httpx, and a clock that only tests move.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import httpx

from tests.unit.protocol.keys import private_key
from watchword.protect import Verifier
from watchword.protocol.access_token import write_claims
from watchword.protocol.jose import PrivateKey, Signer, base64url, public_jwk
from watchword.protocol.names import Algorithm

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER, AUDIENCE = "https://id.example.com/oidc", "https://shopping.api"


def unreachable(request: httpx.Request) -> httpx.Response:
    """
    Fail as a connection to nowhere does.
    """
    raise httpx.ConnectError("connection refused", request=request)


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


class FakeIssuer:
    """
    Signs tokens and answers requests for its key set, which it counts.

    Attributes:
        published: Members of the key set.
        headers: What its answers carry.
        failing: When set, what a request for the key set gets in place of it.
    """

    def __init__(self, issuer: str = ISSUER, *, first_key: int = 0) -> None:
        self.issuer = issuer
        self.clock = FakeClock()
        self.requests: list[httpx.Request] = []
        self.keys = {algorithm: private_key(algorithm, first_key) for algorithm in Algorithm}
        self.published: list[object] = [public_jwk(key, algorithm) for algorithm, key in self.keys.items()]
        self.headers = {"Cache-Control": "public, max-age=600"}
        self.failing: Callable[[httpx.Request], httpx.Response] | None = None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """
        Answer as the `jwks_uri` does.
        """
        self.requests.append(request)
        if self.failing is not None:
            return self.failing(request)
        return httpx.Response(200, json={"keys": self.published}, headers=self.headers)

    def http(self) -> httpx.Client:
        """
        Open a client that reaches this issuer.
        """
        return httpx.Client(transport=httpx.MockTransport(self.answer))

    def async_http(self) -> httpx.AsyncClient:
        """
        Open an async client that reaches this issuer.
        """
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def verifier(self, **options: object) -> Verifier:
        """
        Make a verifier of this issuer's tokens on this issuer's clock.
        """
        given: dict[str, object] = {
            "issuer": self.issuer,
            "audience": AUDIENCE,
            "http": self.http,
            "async_http": self.async_http,
            "clock": self.clock,
        }
        return Verifier(**(given | options))  # type: ignore[arg-type]  # a test's options

    def kid(self, algorithm: Algorithm = Algorithm.ES256) -> str:
        """
        Return the id of the published key of an algorithm.
        """
        return public_jwk(self.keys[algorithm], algorithm)["kid"]

    def claims(self, **changed: object) -> dict[str, object]:
        """
        Return good claims, with some changed; `...` removes one.
        """
        claims = write_claims(
            issuer=self.issuer,
            subject="app",
            client_id="app",
            audience=AUDIENCE,
            token_id="j" * 43,
            issued_at=SECONDS,
            lifetime=3600,
            scope="read:products",
            custom={},
        )
        return {name: value for name, value in (claims | changed).items() if value is not ...}

    def token(
        self,
        algorithm: Algorithm = Algorithm.ES256,
        *,
        header: Mapping[str, object] | None = None,
        key: PrivateKey | None = None,
        claims: Mapping[str, object] | None = None,
        **changed: object,
    ) -> str:
        """
        Sign a token.

        Args:
            header: Members to change in the header; `...` removes one.
            key: Another key than the published one.
            claims: Claims to change.
            changed: The same, by their names.
        """
        members = {"alg": algorithm.value, "typ": "at+jwt", "kid": self.kid(algorithm), **(header or {})}
        kept = {name: value for name, value in members.items() if value is not ...}
        signer = Signer("", algorithm, key or self.keys[algorithm], base64url(json.dumps(kept).encode()))
        return signer.sign(json.dumps(self.claims(**{**changed, **(claims or {})})).encode())
