"""
JWK set documents: from an HTTP answer to the keys in it, and to how long they are good.

Owns reading and ages; leaves fetching and remembering to `key_cache` and `fetching`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchword.outbound import Answer
from watchword.protocol.jose import VerificationKey
from watchword.protocol.names import Algorithm

LARGEST_DOCUMENT = 131_072
DEFAULT_AGE = timedelta(seconds=300)
SHORTEST_AGE = timedelta(seconds=10)
LONGEST_AGE = timedelta(hours=1)
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})\"?(?=[,\s]|$)", re.IGNORECASE)
_HTTP_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """
    The keys of an issuer at one moment.

    Attributes:
        keys: By key id and algorithm: a token never gets a key of another algorithm than its own.
        fresh_for: How long after `fetched_at` nothing needs to be asked.
    """

    keys: Mapping[tuple[str, Algorithm], VerificationKey]
    fetched_at: datetime
    fresh_for: timedelta

    def is_fresh(self, now: datetime) -> bool:
        """
        Tell whether the set may be used unasked. A clock that was put back makes it stale.
        """
        return timedelta(0) <= now - self.fetched_at < self.fresh_for

    def is_usable(self, now: datetime, *, stale_for: timedelta) -> bool:
        """
        Tell whether the set may still stand in while the issuer can't be reached (RFC 5861 §4).
        """
        return now - self.fetched_at < self.fresh_for + stale_for


def read_key_set(answer: Answer, now: datetime) -> KeySet:
    """
    Read a JWK set. Members that are no signature key of a known algorithm are left out.

    Raises:
        ValueError: The answer is no JWK set.

    Implements: RFC 7517 §5, RFC 9111 §4.2.1.
    """
    if answer.status != _HTTP_OK:
        raise ValueError(f"HTTP status {answer.status}")
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise ValueError("the answer is no JSON") from None
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise ValueError("the answer is no JWK set")  # noqa: TRY004 - bad data from elsewhere, not a wrong call
    keys: dict[tuple[str, Algorithm], VerificationKey] = {}
    for key in filter(None, map(_read_key, members)):
        keys.setdefault((key.kid, key.algorithm), key)
    return KeySet(keys=keys, fetched_at=now, fresh_for=age_of(answer.headers))


def age_of(headers: Mapping[str, str]) -> timedelta:
    """
    Say for how long an answer may be kept: its `max-age` less its `Age`, within our bounds.

    `no-store` and `no-cache` count as the lower bound: asking at every request would make the issuer part of
    each.
    """
    cache_control = headers.get("cache-control", "")
    if re.search(r"\bno-(?:store|cache)\b", cache_control, re.IGNORECASE):
        return SHORTEST_AGE
    match = _MAX_AGE.search(cache_control)
    if match is None:
        return DEFAULT_AGE
    spent = headers.get("age", "")
    seconds = int(match.group(1)) - (int(spent) if re.fullmatch(r"[0-9]{1,9}", spent) else 0)
    return min(max(timedelta(seconds=seconds), SHORTEST_AGE), LONGEST_AGE)


def _read_key(member: object) -> VerificationKey | None:
    if not isinstance(member, dict):
        return None
    try:
        return VerificationKey.of(member)
    except ValueError:
        return None
