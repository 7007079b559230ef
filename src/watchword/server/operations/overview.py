"""
How things are: tokens lately, refusals and their reasons, secrets that expire soon, applications that nobody uses.

Each read is bounded, so that it costs the same however many applications there are, and however long the log is. What
it says of more than it has read is marked so.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from watchword.server.domain.names import Permission
from watchword.server.operations import narrowings
from watchword.server.operations.narrowings import Narrowing
from watchword.server.operations.operation import reads
from watchword.server.storage import applications, counts, secret_expiries, token_activity, uses
from watchword.server.storage.counts import Totals
from watchword.server.storage.secret_expiries import Expiring
from watchword.server.storage.token_activity import MINUTE, RefusalRecord
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.types import from_microseconds, to_microseconds
from watchword.server.storage.uses import Unused

MINUTES = 60
FAILURES_SINCE = timedelta(days=1)
EXPIRING_WITHIN = timedelta(days=30)
UNUSED_FOR = timedelta(days=30)
MOST_COUNTED = 50_000
MOST_REFUSALS = 2_000
MOST_SHOWN = 20
LOOKED_AT = 5_000
# Instead of a reason: a flood's records have a number and, of what may be many reasons, none.
COUNTED = "counted, not recorded one by one"


class Minute(msgspec.Struct, frozen=True, kw_only=True):
    """
    A minute of the token endpoint.

    Attributes:
        narrowed: How many of the issued ones were so with less than was asked for, as far as that was looked at.
    """

    at: datetime
    issued: int
    narrowed: int
    refused: int


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """
    Refusals of one application for one reason.

    Attributes:
        key: Of their records in the log.
        reason: What they say beyond the error's code.
        application_name: None where the application is not known, or gone.
    """

    error: str
    reason: str
    key: str
    application_id: str | None
    application_name: str | None
    count: int
    last_at: datetime


class Activity(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the token endpoint did lately.

    Attributes:
        minutes: Of the last hour, the oldest first; the last one is not over.
        is_exact: Whether tokens were counted one by one; else their number is about right.
        failures: Of the last day, the most frequent first.
        has_all_failures: Whether all refusals of that time were read; else there are more.
        has_all_kinds: Whether all that was read is among them; else what is less frequent is left out.
        narrowings: Of the last day, the most frequent first.
        narrowed_since: From when on all requests were looked at for that.
        too_long: How many of those have more scopes than a record holds, and can't be judged whole.
    """

    minutes: Sequence[Minute]
    is_exact: bool
    failures: Sequence[Failure]
    has_all_failures: bool
    has_all_kinds: bool
    narrowings: Sequence[Narrowing]
    narrowed_since: datetime
    too_long: int


@reads(Permission.ALL)
def activity(tx: Transaction) -> Activity:
    """
    Return tokens and refusals, minute by minute, and the reasons.
    """
    now = tx.now()
    refused = token_activity.refusals(tx, now - FAILURES_SINCE, MOST_REFUSALS + 1)
    has_all, refused = len(refused) <= MOST_REFUSALS, refused[:MOST_REFUSALS]
    end = to_microseconds(now) // MINUTE + 1
    first = end - MINUTES
    counted = token_activity.records_by_minute(tx, from_microseconds(first * MINUTE), MOST_COUNTED)
    records = token_activity.about_by_minute(tx, first, end) if counted is None else counted
    narrowed = narrowings.lately(tx, FAILURES_SINCE)
    narrowed_in = Counter(to_microseconds(moment) // MINUTE for moment in narrowed.moments)
    of_refusals: Counter[int] = Counter()
    refusals: Counter[int] = Counter()
    for one in refused:
        minute = to_microseconds(one.created_at) // MINUTE
        of_refusals[minute] += 1
        refusals[minute] += _number_of(one)
    failures = _failures(refused)
    return Activity(
        minutes=[
            Minute(
                at=from_microseconds(minute * MINUTE),
                issued=max(records.get(minute, 0) - of_refusals[minute], 0),
                narrowed=narrowed_in[minute],
                refused=refusals[minute],
            )
            for minute in range(first, end)
        ],
        is_exact=counted is not None,
        failures=_named(tx, failures[:MOST_SHOWN]),
        has_all_failures=has_all,
        has_all_kinds=len(failures) <= MOST_SHOWN,
        narrowings=narrowed.kinds[:MOST_SHOWN],
        narrowed_since=narrowed.since,
        too_long=narrowed.too_long,
    )


@reads(Permission.ALL)
def expiring_secrets(tx: Transaction, most: int = MOST_SHOWN) -> Sequence[Expiring]:
    """
    Return the secrets that expire within thirty days, the first one first.
    """
    return secret_expiries.expiring(tx, tx.now() + EXPIRING_WITHIN, most)


@reads(Permission.ALL)
def unused_applications(tx: Transaction, most: int = MOST_SHOWN) -> Sequence[Unused]:
    """
    Return applications that have had no token for thirty days, among the oldest `LOOKED_AT`.
    """
    return uses.unused(tx, tx.now() - UNUSED_FOR, among=LOOKED_AT, most=most)


@reads(Permission.ALL)
def totals(tx: Transaction) -> Totals:
    """
    Return how many things there are.
    """
    return counts.totals(tx)


def _failures(refused: Sequence[RefusalRecord]) -> list[Failure]:
    found: dict[tuple[str, str, str, str | None], Failure] = {}
    for record in refused:
        error, reason = _reason_of(record)
        key = (error, reason, record.key, record.application_id)
        before = found.get(key)
        if before is None:
            found[key] = Failure(
                error=error, reason=reason, key=record.key, application_id=record.application_id,
                application_name=None, count=_number_of(record), last_at=record.created_at,
            )  # fmt: skip
        else:
            found[key] = replace(before, count=before.count + _number_of(record))
    return sorted(found.values(), key=lambda failure: failure.count, reverse=True)


def _reason_of(record: RefusalRecord) -> tuple[str, str]:
    error = record.payload.get("error")
    if not isinstance(error, dict):
        return "unknown", ""
    text = COUNTED if "notRecorded" in record.payload else error.get("detail") or error.get("error_description") or ""
    return str(error.get("error", "unknown")), str(text)


def _number_of(record: RefusalRecord) -> int:
    number = record.payload.get("notRecorded", 1)
    return number if isinstance(number, int) else 1


def _named(tx: Transaction, failures: Sequence[Failure]) -> Sequence[Failure]:
    names = applications.names_of(tx, [failure.application_id for failure in failures])
    return [replace(failure, application_name=names.get(failure.application_id or "")) for failure in failures]
