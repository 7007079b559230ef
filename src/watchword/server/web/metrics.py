"""
`GET /metrics`: the server's numbers, for whoever knows `metrics_token`. Without that setting there is no such page.
"""

import asyncio
import contextlib
import hmac
import logging
import math
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from starlette.concurrency import run_in_threadpool

from watchword.protocol.bearer import bearer_token, challenge
from watchword.protocol.errors import InvalidRequest, OAuthError
from watchword.protocol.names import Algorithm
from watchword.server.context import Context
from watchword.server.domain.signing_keys import SigningKey, current_key
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.secret_expiries import next_expiries
from watchword.server.telemetry.meters import EXPIRIES_SHOWN
from watchword.server.web.answers import NO_STORE, Answer, text_answer
from watchword.server.web.requests import Incoming

PATH: Final = "/metrics"
_MOST_SECONDS = 2.0  # that a scrape waits for the database: it is away when the numbers are needed most
_EXPIRIES_KEPT_SECONDS = 300.0
_UNAUTHORIZED = ((b"www-authenticate", challenge(None).encode()), *NO_STORE)
_log = logging.getLogger(__name__)


class MetricsPage:
    """
    Answers scrapes: any worker answers for all of them.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        token = ctx.settings.metrics_token
        self._token = None if token is None else token.get_secret_value().encode()
        self._expiries = _Expiries(ctx)

    async def answer(self, incoming: Incoming) -> Answer:
        """
        Answer a scrape.
        """
        if self._token is None:
            return text_answer("Not Found", status=404)
        if not _is_given(self._token, incoming.headers.all(b"authorization")):
            return text_answer("Unauthorized", status=401, headers=_UNAUTHORIZED)
        # Imported here: it takes longer than most of the server, and most servers show no metrics.
        from watchword.server.telemetry.exposition import CONTENT_TYPE, metrics_text

        await self._expiries.note(incoming.tenant_id)
        text = await run_in_threadpool(metrics_text, self._ctx.meters)
        return Answer(200, text, ((b"content-type", CONTENT_TYPE.encode()), *NO_STORE))


def _is_given(token: bytes, authorization: Sequence[str]) -> bool:
    try:
        given = bearer_token(authorization)
    except InvalidRequest:
        return False
    return given is not None and hmac.compare_digest(given.encode(), token)


class _Expiries:
    """
    Looks, for a scrape, when keys and secrets end. What can't be read in time stays as it was.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._reading: asyncio.Task[None] | None = None
        self._secrets_until = -math.inf

    async def note(self, tenant_id: str) -> None:
        """
        Bring the instants up to date, or give up waiting for it.
        """
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._read(tenant_id))
        await asyncio.wait([self._reading], timeout=_MOST_SECONDS)

    async def _read(self, tenant_id: str) -> None:
        try:
            # While the database is away, the other numbers are told.
            with contextlib.suppress(OAuthError, StorageUnavailable):
                await self._read_keys(tenant_id)
                await self._read_secrets()
        except Exception as error:  # noqa: BLE001 - nobody awaits this task for its outcome
            _log.error("expiries could not be read", exc_info=error)

    async def _read_keys(self, tenant_id: str) -> None:
        tenant = await self._ctx.directory.decide(tenant_id, lambda view: view.tenant())
        now = self._ctx.clock()
        for algorithm in Algorithm:
            key = current_key(tenant.keys, algorithm, now)
            self._ctx.meters.key_expiry[algorithm].set(0 if key is None else _end_of(key))

    async def _read_secrets(self) -> None:
        if time.monotonic() < self._secrets_until:
            return
        found = await run_in_threadpool(self._next_expiries)
        for rank in range(EXPIRIES_SHOWN):
            instant = found[rank].timestamp() if rank < len(found) else 0
            self._ctx.meters.secret_expiry[str(rank + 1)].set(instant)
        self._secrets_until = time.monotonic() + _EXPIRIES_KEPT_SECONDS

    def _next_expiries(self) -> Sequence[datetime]:
        with self._ctx.database.read() as connection:
            return next_expiries(connection, self._ctx.clock(), EXPIRIES_SHOWN)


def _end_of(key: SigningKey) -> float:
    ends = [end.timestamp() for end in (key.signs_until, key.dropped_at) if end is not None]
    return min(ends, default=math.inf)
