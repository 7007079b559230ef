"""
Twenty rotations in a row, each as soon as it is allowed, under load: no API refuses a token.

The APIs keep the published keys for five minutes and ask for nothing in between.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import httpx
import jwt
import pytest
from joserfc import jwk
from joserfc import jwt as joserfc_jwt

from tests.support.clock import MovedClock, with_clock
from tests.support.home import ENDPOINT
from tests.support.long import IS_LONG
from tests.support.shopping import INDICATOR, Shopping
from watchword.protect import Verifier
from watchword.protocol.jose import read_token
from watchword.server.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from watchword.server.context import Context

ISSUER = f"{ENDPOINT}/oidc"
ROTATIONS, AT_ONCE = 20, 16 if IS_LONG else 4
CACHED_FOR = 300.0  # seconds
OPENINGS = tuple(map(float, range(0, 310, 62))) if IS_LONG else (0.0, 298.0)  # seconds after the beginning
# When, between two rotations, tokens are fetched and checked; the second is right before the oldest copy is renewed.
MOMENTS = tuple(part / 20 for part in range(1, 21)) if IS_LONG else (0.4, 0.96, 1.0)


class Check(Protocol):
    """
    Checks a token at a time; raises where it does not pass.
    """

    def __call__(self, token: str, now: float) -> None:
        """
        Check; `now` is in seconds since 1970.
        """


def refuse(token: str, now: float) -> None:
    """
    Refuse every token: no keys have been fetched.
    """
    raise AssertionError(f"no keys for {token} at {now}")


@dataclass(slots=True)
class CachingApi:
    """
    An API that fetches the published keys every five minutes and never in between, whatever a token names.

    Attributes:
        reader: Reads a JWK set, to give what checks a token at a time in seconds since 1970.
        opens_at: When its first token arrives.
    """

    client: httpx.AsyncClient
    reader: Callable[[dict[str, Any]], Check]
    opens_at: float
    verify: Check = refuse
    fetched_at: float = 0.0

    async def check(self, token: str, now: float) -> None:
        """
        Verify a token.
        """
        if now < self.opens_at:
            return
        if now - self.fetched_at >= CACHED_FOR:
            self.verify, self.fetched_at = self.reader((await self.client.get("/oidc/jwks")).json()), now
        self.verify(token, now)


def read_with_pyjwt(document: dict[str, Any]) -> Check:
    """
    Verify as an API with PyJWT does. Times are compared here, since PyJWT asks the machine's clock.
    """
    keys = jwt.PyJWKSet.from_dict(document)
    options: Any = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat"]}

    def verify(token: str, now: float) -> None:
        key = keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["ES256"], audience=INDICATOR, issuer=ISSUER, options=options)
        assert claims["iat"] <= now < claims["exp"]

    return verify


def read_with_joserfc(document: Any) -> Check:  # noqa: ANN401 - joserfc's own type of a JWK set
    """
    Verify as an API with joserfc does.
    """
    keys = jwk.KeySet.import_key_set(document)

    def verify(token: str, now: float) -> None:
        claims = joserfc_jwt.decode(token, keys, algorithms=["ES256"]).claims
        assert (claims["iss"], claims["aud"]) == (ISSUER, INDICATOR)
        assert claims["iat"] <= now < claims["exp"]

    return verify


class Server:
    """
    The server at the time that a clock says, and how often its keys were fetched.
    """

    def __init__(self, ctx: Context, clock: MovedClock) -> None:
        self.fetches = 0
        self._app = create_app(with_clock(ctx, clock), lambda: None, local=True)

    def open_client(self) -> httpx.AsyncClient:
        """
        Return a client of it.
        """
        hooks = {"request": [self._count]}
        return httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url=ENDPOINT, event_hooks=hooks)

    async def _count(self, request: httpx.Request) -> None:
        self.fetches += request.url.path == "/oidc/jwks"


@pytest.fixture
def server(ctx: Context, clock: MovedClock) -> Server:
    """
    Serve the home; the Management API takes every caller for the machine's own command line.
    """
    return Server(ctx, clock)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """
    Call the server.
    """
    async with server.open_client() as opened:
        yield opened


@dataclass(slots=True)
class Load:
    """
    Callers that fetch tokens and APIs that check them, the newest ones and the last one of each key.
    """

    client: httpx.AsyncClient
    clock: MovedClock
    credentials: tuple[str, str]
    apis: list[CachingApi]
    verifiers: list[Verifier]
    last_of_key: dict[str, tuple[str, float]] = field(default_factory=dict)
    checked: int = 0

    async def step(self) -> None:
        """
        Fetch tokens, all at once, then let every API check all that must pass.
        """
        now = self.clock().timestamp()
        answers = await asyncio.gather(*(self._fetch() for _ in range(AT_ONCE)))
        for token, lifetime in answers:
            self.last_of_key[read_token(token).kid] = (token, int(now) + lifetime)
        living = [token for token, expires_at in self.last_of_key.values() if now < expires_at]
        for token in {*(token for token, _ in answers), *living}:
            self.checked += 1
            for api in self.apis:
                await api.check(token, now)
            for verifier in self.verifiers:
                await verifier.averify(token, scopes="read:products")

    async def _fetch(self) -> tuple[str, int]:
        form = {"grant_type": "client_credentials", "resource": INDICATOR, "scope": "read:products"}
        answer = await self.client.post("/oidc/token", data=form, auth=self.credentials)
        assert answer.status_code == 200, answer.text
        members = answer.json()
        return members["access_token"], members["expires_in"]


async def rotate(client: httpx.AsyncClient) -> datetime:
    """
    Rotate as soon as it is allowed; return from when on the new key signs.
    """
    answer = await client.post("/api/signing-keys/rotate", json={})
    assert answer.status_code == 200, answer.text
    return max(datetime.fromtimestamp(one["signsFrom"] / 1000, UTC) for one in answer.json() if one["signsFrom"])


@pytest.mark.slow
@pytest.mark.timeout(3600 if IS_LONG else 300)
async def test_twenty_rotations_fail_nobody(
    server: Server, client: httpx.AsyncClient, clock: MovedClock, shopping: Shopping
) -> None:
    """
    Every token passes at every API as long as it lives, and nobody fetches keys more often than every five minutes.

    A rotation is allowed as soon as the one before has taken over: every other one then follows within seconds.
    """
    began = clock().timestamp()
    load = Load(
        client=client,
        clock=clock,
        credentials=(shopping.application_id, shopping.application_secret),
        apis=[
            CachingApi(client, reader, began + opens_after)
            for reader in (read_with_pyjwt, read_with_joserfc)
            for opens_after in OPENINGS
        ],
        verifiers=[Verifier(issuer=ISSUER, audience=INDICATOR, clock=clock, async_http=server.open_client)],
    )
    await load.step()
    for _ in range(ROTATIONS):
        (takes_over_at, _) = await asyncio.gather(rotate(client), load.step())
        before, wait = clock(), takes_over_at - clock()
        for moment in MOMENTS:
            clock.now = before + wait * moment
            await load.step()
    assert len(load.last_of_key) == ROTATIONS + 1
    while clock().timestamp() < began + 7200:
        clock.move(seconds=60 if IS_LONG else 190)
        await load.step()
    passed = clock().timestamp() - began
    assert len((await client.get("/oidc/jwks")).json()["keys"]) == 2  # what signs, and the standby
    # None was needed for a key that a token named and an API did not know.
    assert server.fetches <= (len(load.apis) + len(load.verifiers)) * (passed / CACHED_FOR + 1)
    assert load.checked > ROTATIONS * AT_ONCE
