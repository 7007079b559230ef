"""
Writing the token log: what a record is, and what both databases promise who writes them.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from watchword.server.domain.view import Moment

Row = tuple[str, str, str | None, str | None, str, int]
Use = tuple[str, str, str, int]


class RecordRefused(Exception):
    """
    The database will never keep a record of the batch, whatever it is asked: the others may be kept without it.
    """


class Record(msgspec.Struct, frozen=True):
    """
    What one request adds: its row, and what it was decided by.

    Attributes:
        row: Tenant, key, application, user, payload (JSON text), time (microseconds since 1970).
        moment: The moment of the view that granted a token; None where nothing was granted.
    """

    row: Row
    moment: Moment | None


class TokenRecords(Protocol):
    """
    The writing end of the token log. One thread uses it.
    """

    def commit(self, records: Sequence[Record]) -> None:
        """
        Make records durable, all or none.

        Raises:
            StorageUnavailable: They can't be written now.
            RecordRefused: One of them can't be kept.
        """

    def note(self, uses: Sequence[Use]) -> None:
        """
        Note when secrets were used, all or none; of each, the newest use counts.

        Args:
            uses: Tenant, application, secret, time (microseconds since 1970).

        Raises:
            StorageUnavailable: They can't be written now.
        """

    def close(self) -> None:
        """
        Close the connection; the next commit opens another.
        """
