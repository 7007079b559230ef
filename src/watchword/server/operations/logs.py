"""
The log: list, read, go through and write out. Tokens issued and refused, and every change that an operation made.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from watchword.server.domain import problems
from watchword.server.domain.names import Permission
from watchword.server.domain.records import LogEntry
from watchword.server.operations.operation import reads
from watchword.server.storage import applications, logs
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction

MOST_LOOKED_AT = 5_000  # what no index knows, outcomes among it, is found by reading records
MOST_EXPORTED = 10_000
MOST_EXPORTED_BYTES = 16 * 1024 * 1024
Fits = Callable[[LogEntry], bool]


class Outcome(StrEnum):
    """
    How something that is recorded came out.
    """

    SUCCESS = "Success"
    ERROR = "Error"


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """
    A stretch of the log, newest first.

    Attributes:
        application_names: By id, of the applications that acted and that still exist.
        goes_on_before: The log goes on with what is older than this; None where nothing is.
        is_found: Whether the stretch ends because enough was found, and not because enough was looked at.
    """

    entries: Sequence[LogEntry]
    application_names: Mapping[str, str]
    goes_on_before: datetime | None
    is_found: bool


@reads(Permission.ALL)
def listing(tx: Transaction, wanted: LogFilter, page: Page | None, *, count_up_to: int | None) -> Listing[LogEntry]:
    """
    List entries, newest first.

    Args:
        count_up_to: Where counting stops: a total of one more says that there are more. None counts all.
    """
    return logs.listing(tx, wanted, page, count_up_to=count_up_to)


@reads(Permission.ALL)
def newest(tx: Transaction, wanted: LogFilter, most: int) -> Sequence[LogEntry]:
    """
    Return the newest entries, newest first, without counting the others.
    """
    return logs.newest(tx, wanted, most)


@reads(Permission.ALL)
def read(tx: Transaction, entry_id: str) -> LogEntry:
    """
    Read an entry.

    Raises:
        Problem: There is none.
    """
    entry = logs.find(tx, entry_id)
    if entry is None:
        raise problems.unknown("logs", entry_id)
    return entry


@reads(Permission.ALL)
def read_with_names(tx: Transaction, entry_id: str) -> tuple[LogEntry, Mapping[str, str]]:
    """
    Read an entry, and the name by id of the application that acted, where it still exists.

    Raises:
        Problem: There is no such entry.
    """
    entry = read.body(tx, entry_id)
    return entry, _names(tx, [entry])


@reads(Permission.ALL)
def stretch(tx: Transaction, wanted: LogFilter, fits: Fits | None, *, most: int) -> Stretch:
    """
    Return the newest entries that a filter finds, and where to go on.

    A stretch ends between two moments, never within one: it may have some more than asked, and no entry is lost.

    Args:
        fits: Judges what the filter finds, by what no index knows; None takes all.
        most: About how many entries. To find them, about `MOST_LOOKED_AT` are looked at.
    """
    found: list[LogEntry] = []
    goes_on_before = _take(
        tx, wanted, fits, found.append, lambda looked_at: len(found) >= most or looked_at >= MOST_LOOKED_AT
    )
    return Stretch(
        entries=found,
        application_names=_names(tx, found),
        goes_on_before=goes_on_before,
        is_found=len(found) >= most,
    )


@reads(Permission.ALL)
def lines(tx: Transaction, wanted: LogFilter, fits: Fits | None) -> bytes:
    """
    Write out the newest entries that a filter finds as JSON lines, newest first.

    At most about `MOST_EXPORTED` are looked at, and `MOST_EXPORTED_BYTES` written. Where the log goes on, the last line
    has the one member `goesOnBefore`.

    Args:
        fits: As of `stretch`.
    """
    text = bytearray()

    def write(members: object) -> None:
        text.extend(msgspec.json.encode(members) + b"\n")

    goes_on_before = _take(
        tx, wanted, fits, lambda entry: write(_members(entry)),
        lambda looked_at: looked_at >= MOST_EXPORTED or len(text) >= MOST_EXPORTED_BYTES,
    )  # fmt: skip
    if goes_on_before is not None:
        write({"goesOnBefore": goes_on_before})
    return bytes(text)


def _take(
    tx: Transaction,
    wanted: LogFilter,
    fits: Fits | None,
    take: Callable[[LogEntry], None],
    is_enough: Callable[[int], bool],
) -> datetime | None:
    """
    Take entries, newest first, until it is enough; return before which moment the log goes on, None where it does not.

    Args:
        is_enough: Is told how many were looked at.
    """
    newer = None
    for looked_at, entry in enumerate(logs.walk(tx, wanted)):
        if newer is not None and newer.created_at != entry.created_at and is_enough(looked_at):
            return newer.created_at
        if fits is None or fits(entry):
            take(entry)
        newer = entry
    return None


def _names(tx: Transaction, entries: Sequence[LogEntry]) -> Mapping[str, str]:
    ids = [str(entry.payload["applicationId"]) for entry in entries if entry.payload.get("applicationId")]
    return applications.names_of(tx, ids)


def _members(entry: LogEntry) -> dict[str, object]:
    # As in the stream of the logs, without what that has of a chain.
    return {
        "id": entry.id,
        "tenantId": entry.tenant_id,
        "key": entry.key,
        "createdAt": entry.created_at,
        "payload": entry.payload,
    }
