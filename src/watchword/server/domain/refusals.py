"""
Refusals that get no record of their own: they are counted, and their number is recorded.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from watchword.server.domain.events import Event

MOST_KINDS = 64
EVERYWHERE = ""


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """
    What refusals that are counted together have in common.

    Attributes:
        key: Of their records.
        error: The registered code.
        application_id: The application, where there is one of the id presented.
        source: Where they came from; `EVERYWHERE` where there are too many kinds to tell.
    """

    tenant_id: str
    key: str
    error: str
    status: int
    application_id: str | None
    source: str


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """
    So many refusals of a kind.

    Attributes:
        since: When the first of them was, an aware UTC datetime.
    """

    kind: Kind
    number: int
    since: datetime


class Tally:
    """
    Counts refusals by their kind. Where there are too many kinds, it forgets whose and whence, and never how many.
    """

    def __init__(self) -> None:
        self._counts: dict[Kind, Counted] = {}

    def add(self, counted: Counted) -> None:
        """
        Add some refusals.
        """
        kind = counted.kind
        if kind not in self._counts and len(self._counts) >= MOST_KINDS:
            kind = msgspec.structs.replace(kind, application_id=None, source=EVERYWHERE)
        before = self._counts.get(kind)
        number = counted.number + (0 if before is None else before.number)
        since = counted.since if before is None else min(before.since, counted.since)
        self._counts[kind] = Counted(kind=kind, number=number, since=since)

    def take(self) -> Sequence[Counted]:
        """
        Return what was counted, and begin anew.
        """
        counts, self._counts = self._counts, {}
        return list(counts.values())


def refusals_counted(counted: Counted) -> Event:
    """
    Record how many refusals of a kind got no record of their own.
    """
    kind = counted.kind
    error = {
        "message": kind.error,
        "error": kind.error,
        "error_description": f"{counted.number} refusals of this kind not recorded one by one",
        "statusCode": kind.status,
    }
    payload: dict[str, object] = {
        "result": "Error",
        "error": error,
        **({"ip": kind.source} if kind.source else {}),
        **({"applicationId": kind.application_id} if kind.application_id else {}),
        "params": {},
        "tokenTypes": [],
        "notRecorded": counted.number,
        "since": int(counted.since.timestamp() * 1000),
    }
    return Event(key=kind.key, application_id=kind.application_id, user_id=None, payload=payload)
