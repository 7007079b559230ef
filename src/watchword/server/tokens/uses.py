"""
Which secrets were used: noted a moment later, apart from the records of tokens.

A token does not wait for it. What a crash loses of it, the last second's, the records tell too.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from watchword.server.storage.token_records import Use
from watchword.server.storage.types import to_microseconds

_NOTE_EVERY = timedelta(minutes=1)
_MOST_KNOWN = 100_000


class Uses:
    """
    The uses of secrets that are still to be noted: of each secret, one a minute at most.

    One thread adds to them, another one may take them and put them back.
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, str], datetime] = {}
        self._new: deque[Use] = deque(maxlen=_MOST_KNOWN)

    def add(self, tenant_id: str, application_id: str, secret_id: str, now: datetime) -> None:
        """
        Take a use in.

        Args:
            now: An aware UTC datetime.
        """
        secret = (tenant_id, application_id, secret_id)
        last = self._last.get(secret)
        if last is not None and now - last < _NOTE_EVERY:
            return
        if len(self._last) >= _MOST_KNOWN:
            self._last.clear()
        self._last[secret] = now
        self._new.append((*secret, to_microseconds(now)))

    def take(self) -> list[Use]:
        """
        Hand out what is to be noted, and forget it.
        """
        return [self._new.popleft() for _ in range(len(self._new))]

    def put_back(self, uses: Sequence[Use]) -> None:
        """
        Take in again what could not be noted. Beyond a bound, what was put in first goes.
        """
        self._new.extend(uses)
