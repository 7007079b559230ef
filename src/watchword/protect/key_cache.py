"""
The keys of one issuer: what is known of them, and when to ask again.

Sans-I/O: `KeyCache.find` is a generator that yields what has to be done and receives what came of it;
`fetching` does it, for threads and for asyncio alike. One fetch is under way at most, whoever needs it; a
flood of unknown key ids makes no flood of fetches; while the issuer can't be reached, the last good set
stands in for a bounded time.
"""

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TypeAlias, TypeVar

from watchword.outbound import Answer, Unreachable
from watchword.protect.errors import KeysUnavailable
from watchword.protect.jwks import KeySet, read_key_set
from watchword.protocol.errors import InvalidToken
from watchword.protocol.jose import VerificationKey
from watchword.protocol.names import Algorithm

T = TypeVar("T")
REFRESH_INTERVAL = timedelta(seconds=10)
FIRST_FETCH_INTERVAL = timedelta(seconds=1)
STALE_FOR = timedelta(hours=1)
# So many fetches in a row may be cut off, by callers that go away, before the next one has to wait its time.
MOST_CUT_OFF = 3
_log = logging.getLogger("watchword.protect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """
    Get this URL; send back an `Answer` or `Unreachable`. Others may wait for it to land.
    """

    url: str
    landed: "Future[None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """
    Wait for a fetch that somebody else has begun; send back None, or `Unreachable` when it takes too long.
    """

    landed: "Future[None]"


Step: TypeAlias = Fetch | Wait
Outcome: TypeAlias = Answer | Unreachable | None
Flow: TypeAlias = Generator[Step, Outcome, T]


class KeyCache:
    """
    Remembers an issuer's published keys. Safe for use from several threads and event loops at once.

    Args:
        url: Where the JWK set is.
        clock: Returns the current time, an aware UTC datetime.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime]) -> None:
        self.url = url
        self._clock = clock
        self._lock = Lock()
        self._set: KeySet | None = None
        self._flight: Future[None] | None = None
        self._attempted_at: datetime | None = None
        self._failure: str | None = None
        self._cut_off = 0

    def find(self, kid: str, algorithm: Algorithm) -> Flow[VerificationKey]:
        """
        Find the key that checks a token's signature.

        Raises:
            InvalidToken: The issuer publishes no such key.
            KeysUnavailable: The key is not known and the issuer can't be asked.
        """
        while True:
            found = self._decide(kid, algorithm, self._clock())
            if isinstance(found, VerificationKey):
                return found
            if isinstance(found, Fetch):
                yield from self._fetch(found)
            elif (yield found) is not None:
                raise KeysUnavailable(detail="waited too long for the key set", retry_after=1)

    def _decide(self, kid: str, algorithm: Algorithm, now: datetime) -> VerificationKey | Step:
        with self._lock:
            known = self._set if self._set and self._set.is_usable(now, stale_for=STALE_FOR) else None
            key = known.keys.get((kid, algorithm)) if known else None
            may_fetch = self._flight is None and self._may_ask_again(now)
            if known and key and (known.is_fresh(now) or not may_fetch):
                return key
            if self._flight is not None:
                return Wait(landed=self._flight)
            if may_fetch:
                self._flight = Future()
                return Fetch(url=self.url, landed=self._flight)
            if known is None or self._failure is not None:
                raise KeysUnavailable(detail=self._failure or "the key set is too old", retry_after=1)
        raise InvalidToken("the access token is signed with an unknown key", reason="unknown_key")

    def _may_ask_again(self, now: datetime) -> bool:
        if self._attempted_at is None:
            return True
        interval = FIRST_FETCH_INTERVAL if self._set is None else REFRESH_INTERVAL
        return not timedelta(0) <= now - self._attempted_at < interval

    def _fetch(self, step: Fetch) -> Flow[None]:
        outcome: Outcome = None
        try:
            outcome = yield step
        finally:  # also when whoever fetches is cancelled: the next in line then takes over
            self._land(step, outcome, self._clock())

    def _land(self, step: Fetch, outcome: Outcome, now: datetime) -> None:
        fresh, failure = _judge(outcome, now)
        with self._lock:
            self._flight = None
            if fresh is not None:
                self._set = fresh
            # One that was cut off says nothing about the issuer: whoever waits for it asks at once.
            self._cut_off = self._cut_off + 1 if outcome is None else 0
            if self._cut_off % MOST_CUT_OFF == 0:
                self._attempted_at, self._failure = now, failure
        step.landed.set_result(None)
        if failure is not None:
            _log.warning("can't refresh the key set at %s: %s", self.url, failure)


def _judge(outcome: Outcome, now: datetime) -> tuple[KeySet | None, str | None]:
    if outcome is None:
        return None, "the fetch was cut off"
    if isinstance(outcome, Unreachable):
        return None, outcome.reason
    try:
        return read_key_set(outcome, now), None
    except ValueError as error:
        return None, str(error)
