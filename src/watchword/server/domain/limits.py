"""
What a refusal costs whom: whether it gets a record of its own, is only counted, or is answered 429.

Asked after a request was refused, and never otherwise: no limit here can keep a good request from its answer.

Whoever is refused chooses ids and, within a network, addresses. So what is remembered is bounded twice. A source has
places for a few ids, and all others of that source share one. And a source takes one place among all sources, however
many ids it names: only as many other sources as there are places can push it out.
"""

import math
from collections import OrderedDict
from datetime import datetime
from enum import Enum, auto
from ipaddress import IPv6Address, ip_address

import msgspec

MOST_SOURCES = 4_096
MOST_IDS = 16  # of one source
UNKNOWN_SOURCE = "unknown"
_MINUTE = 60.0
_ROUNDING = 0.001  # seconds
_LONGEST_ID = 64
# What a source, and all of them together, may have recorded, in allowances of one application id from one source.
_OF_A_SOURCE = 2
_OF_ALL = 5
_TOKENS_FOR_ONE_MORE = 10


class Verdict(Enum):
    """
    What becomes of a refusal.
    """

    RECORD = auto()
    COUNT = auto()
    THROTTLE = auto()  # counted too


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """
    Who was refused.

    Attributes:
        client_id: As presented, whether there is such an application or not; empty where none was.
        source: See `source_of`.
        is_authentication: Whether it is authentication that failed.
    """

    tenant_id: str
    client_id: str
    source: str
    is_authentication: bool


def source_of(ip: str | None) -> str:
    """
    Name the network that counts as one source: an IPv4 address, or the /64 of an IPv6 address.

    Args:
        ip: As the connection or a trusted proxy tells it; it may be no address at all.
    """
    try:
        address = ip_address(ip or "")
    except ValueError:
        return UNKNOWN_SOURCE
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"


class Allowance:
    """
    So many a minute, all of them at once if need be.

    Its whole state is the moment at which it will be whole again. One that is whole is as good as a new one, so it can
    be forgotten at no loss.
    """

    __slots__ = ("_seconds_each", "_whole_at")

    def __init__(self, per_minute: int) -> None:
        self._seconds_each = _MINUTE / per_minute
        self._whole_at = 0.0

    def take(self, now: float) -> bool:
        """
        Take one; False where none is left.

        Args:
            now: Seconds since 1970. A clock that is set back by a minute or more makes the allowance whole.
        """
        begin = now if self.is_whole(now) else self._whole_at
        if begin + self._seconds_each > now + _MINUTE + _ROUNDING:
            return False
        self._whole_at = begin + self._seconds_each
        return True

    def give(self, number: float) -> None:
        """
        Give some back; more than the whole is lost.
        """
        self._whole_at -= number * self._seconds_each

    def is_whole(self, now: float) -> bool:
        """
        Tell whether nothing is missing.
        """
        return not now < self._whole_at <= now + _MINUTE + _ROUNDING


class _Source:
    """
    One source: what it may still have recorded, and what each application id may still fail from there.
    """

    __slots__ = ("_others", "_per_minute", "_tried", "records")

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._tried: dict[tuple[str, str], Allowance] = {}
        self._others = Allowance(per_minute)
        self.records = Allowance(per_minute * _OF_A_SOURCE)

    def tries(self, application: tuple[str, str], now: float) -> Allowance:
        """
        Return the allowance of an application id; ids that find no place share one.
        """
        found = self._tried.get(application)
        if found is not None:
            return found
        if len(self._tried) >= MOST_IDS:
            self._tried = {name: tries for name, tries in self._tried.items() if not tries.is_whole(now)}
        if len(self._tried) >= MOST_IDS:
            return self._others
        made = self._tried[application] = Allowance(self._per_minute)
        return made


class Limits:
    """
    The limits of one process.

    Args:
        per_minute: Refusals of one application id from one source that are treated one by one.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._sources: OrderedDict[str, _Source] = OrderedDict()
        self._records = Allowance(per_minute * _OF_ALL)
        # By then one more try is treated by itself again.
        self.retry_after = math.ceil(_MINUTE / per_minute)

    def judge(self, refused: Refused, now: datetime, *, tokens: int) -> Verdict:
        """
        Say what becomes of a refusal.

        Args:
            now: Aware UTC datetime.
            tokens: How many were issued since the last refusal. The more there are, the more refusals may have records.

        Implements: RFC 6749 §2.3.1, the protection from brute force.
        """
        seconds = now.timestamp()
        self._records.give(tokens / _TOKENS_FOR_ONE_MORE)
        source = self._source(refused.source)
        if not source.tries((refused.tenant_id, refused.client_id[:_LONGEST_ID]), seconds).take(seconds):
            return Verdict.THROTTLE if refused.is_authentication else Verdict.COUNT
        if source.records.take(seconds) and self._records.take(seconds):
            return Verdict.RECORD
        return Verdict.COUNT

    def _source(self, name: str) -> _Source:
        found = self._sources.get(name)
        if found is not None:
            self._sources.move_to_end(name)
            return found
        if len(self._sources) >= MOST_SOURCES:
            self._sources.popitem(last=False)
        made = self._sources[name] = _Source(self._per_minute)
        return made
