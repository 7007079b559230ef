"""
The log: list and read. Tokens issued and refused, and every change that an operation made.
"""

from collections.abc import Sequence

from watchword.server.domain import problems
from watchword.server.domain.names import Permission
from watchword.server.domain.records import LogEntry
from watchword.server.operations.operation import reads
from watchword.server.storage import logs
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction


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
