"""
Tokens that were issued with less than was asked for: which, lately, and of whom. Who has lost a scope is not refused.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from watchword.protocol.names import GrantType
from watchword.protocol.scopes import parse_scope
from watchword.server.domain.events import CUT, KEYS
from watchword.server.domain.records import LogEntry
from watchword.server.operations.logs import Outcome
from watchword.server.storage import applications, logs
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.transaction import Transaction

MOST_LOOKED_AT = 1_000  # requests; no index knows which were narrowed


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """
    Tokens of one application that lack the same scopes.

    Attributes:
        application_name: None where the application is gone.
        scopes: What was asked for and not granted.
    """

    application_id: str | None
    application_name: str | None
    scopes: Sequence[str]
    count: int
    last_at: datetime


class Narrowings(msgspec.Struct, frozen=True, kw_only=True):
    """
    What was narrowed lately.

    Attributes:
        moments: When each such token was issued, the newest first.
        kinds: The most frequent first.
        since: From when on all requests were looked at.
        too_long: How many of those have more scopes than a record holds.
    """

    moments: Sequence[datetime]
    kinds: Sequence[Narrowing]
    since: datetime
    too_long: int


def not_granted(entry: LogEntry) -> Sequence[str]:
    """
    Return the scopes that a token was asked for with and issued without, as far as the record holds both.
    """
    asked, granted = _asked_and_granted(entry)
    if granted.endswith(CUT):  # what was granted behind that is not known
        return ()
    known = set(parse_scope(granted))
    return tuple(scope for scope in parse_scope(_whole(asked)) if scope not in known)


def lately(tx: Transaction, within: timedelta) -> Narrowings:
    """
    Return what was narrowed within a time, among the newest `MOST_LOOKED_AT` token requests.
    """
    since = tx.now() - within
    asked = LogFilter(key=KEYS[GrantType.CLIENT_CREDENTIALS], since=since)
    looked_at = logs.newest(tx, asked, MOST_LOOKED_AT + 1)
    looked_at, more = looked_at[:MOST_LOOKED_AT], looked_at[MOST_LOOKED_AT:]
    narrowed = [(entry, scopes) for entry in looked_at if (scopes := not_granted(entry))]
    return Narrowings(
        moments=[entry.created_at for entry, _ in narrowed],
        kinds=_named(tx, _kinds(narrowed)),
        since=more[0].created_at if more else since,
        too_long=sum(any(text.endswith(CUT) for text in _asked_and_granted(entry)) for entry in looked_at),
    )


def _kinds(narrowed: Iterable[tuple[LogEntry, Sequence[str]]]) -> list[Narrowing]:
    found: dict[tuple[str | None, Sequence[str]], Narrowing] = {}
    for entry, scopes in narrowed:
        own = entry.payload.get("applicationId")
        application_id = own if isinstance(own, str) else None
        before = found.get((application_id, scopes))
        found[application_id, scopes] = (
            replace(before, count=before.count + 1)
            if before is not None
            else Narrowing(
                application_id=application_id, application_name=None, scopes=scopes, count=1, last_at=entry.created_at
            )
        )
    return sorted(found.values(), key=lambda kind: kind.count, reverse=True)


def _named(tx: Transaction, kinds: Sequence[Narrowing]) -> Sequence[Narrowing]:
    names = applications.names_of(tx, [kind.application_id for kind in kinds])
    return [replace(kind, application_name=names.get(kind.application_id or "")) for kind in kinds]


def _asked_and_granted(entry: LogEntry) -> tuple[str, str]:
    """
    Return both scopes as a record of a token has them; nothing for any other record.
    """
    if entry.payload.get("result") != Outcome.SUCCESS:
        return "", ""
    params = entry.payload.get("params")
    asked = params.get("scope") if isinstance(params, dict) else None
    granted = entry.payload.get("scope")
    return asked if isinstance(asked, str) else "", granted if isinstance(granted, str) else ""


def _whole(scope: str) -> str:
    """
    Drop the last one where it was cut.
    """
    return scope.rpartition(" ")[0] if scope.endswith(CUT) else scope
