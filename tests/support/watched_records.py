"""
The writing end of a token log, under the test's eyes and control.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from watchword.server.storage.token_records import Record, Row, TokenRecords, Use

if TYPE_CHECKING:
    from watchword.server.context import Context, TokenLog
    from watchword.server.domain.events import Event


class Watched(TokenRecords):
    """
    Remembers what each commit held, and can hold commits up or let them fail.

    Attributes:
        commits: How many records each held.
        keys: The keys of the records that each held.
        gate: Closed, no commit goes through.
        seconds: How long each takes besides.
        after: Called when a commit is done.
        refuse_row: Gives the fault of a batch that has such a row.
    """

    def __init__(self, ctx: Context) -> None:
        self.records = ctx.database.token_records()
        self.commits: list[int] = []
        self.keys: list[set[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Event()
        self.fail_with: Exception | None = None
        self.refuse_row: Callable[[Row], Exception | None] = lambda _: None
        self.seconds = 0.0
        self.after: Callable[[], None] = lambda: None

    def commit(self, records: Sequence[Record]) -> None:
        """
        Commit as usual, once the gate is open.
        """
        self.began.set()
        self.gate.wait(10)
        if self.fail_with is not None:
            raise self.fail_with
        for record in records:
            if (refused := self.refuse_row(record.row)) is not None:
                raise refused
        time.sleep(self.seconds)
        self.records.commit(records)
        self.commits.append(len(records))
        self.keys.append({record.row[1] for record in records})
        self.after()

    def note(self, uses: Sequence[Use]) -> None:
        """
        Note uses as usual.
        """
        if self.fail_with is not None:
            raise self.fail_with
        self.records.note(uses)

    def close(self) -> None:
        """
        Close as usual.
        """
        self.records.close()


async def append(log: TokenLog, event: Event, **more: Any) -> None:  # noqa: ANN401 - handed on
    """
    Append a record, and make nothing meanwhile.
    """
    await log.append("default", event, meanwhile=lambda: None, **more)
