"""
What a process knows of its own state: whether its time is to be believed, and whether the databases can be used.

It is known by evidence: requests tell how they fared, and what nobody has tried for a while is tried here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from time import monotonic

from watchword.protocol.errors import TemporarilyUnavailable
from watchword.server.domain.clock import DatabaseTime, SteadyClock
from watchword.server.domain.health import Check, public_reason
from watchword.server.storage.database import Database, StorageConflict, StorageUnavailable
from watchword.server.storage.database_time import database_time
from watchword.server.storage.transaction import Upkeep
from watchword.server.storage.upkeep import prove_writing
from watchword.server.tokens.evidence import Evidence
from watchword.server.tokens.token_log import TokenLog

COMPARES_CLOCKS_EVERY_SECONDS = 10.0
STALE_AFTER_SECONDS = 10.0


class Vitals:
    """
    Looks after a process. One thread calls `look_after` each second; everything else may be asked by any.
    """

    def __init__(self, clock: SteadyClock, database: Database, token_log: TokenLog) -> None:
        self._clock = clock
        self._database = database
        self._token_log = token_log
        self._told: DatabaseTime | None = None
        self._told_at = 0.0
        self._took = 0.0
        self._asked_at = -COMPARES_CLOCKS_EVERY_SECONDS
        self.time = Evidence("the clock")
        self.reading = Evidence("reading the database")
        self.writing = Evidence("writing the database")

    @property
    def time_fault(self) -> str | None:
        """
        Why the time is not to be believed; None where it is.
        """
        return self.time.fault

    def demand_time(self) -> None:
        """
        Refuse to go on where the time is not to be believed.

        Raises:
            TemporarilyUnavailable: It is not.
        """
        if self.time.fault is not None:
            raise TemporarilyUnavailable("the server's clock can't be trusted now", detail=self.time.fault)

    def look_after(self) -> None:
        """
        Do what is due: compare clocks, try what nobody has tried, let go of files that are gone.
        """
        self._database.close_lost()
        self._token_log.look_after()
        self.compare_clocks()
        if self.writing.is_old():
            self._try_writing()

    def compare_clocks(self) -> None:
        """
        Compare this process's time with the machine's, and every ten seconds with the database's.
        """
        if monotonic() - self._asked_at >= COMPARES_CLOCKS_EVERY_SECONDS:
            self._asked_at = monotonic()
            self._ask_the_time()
        fault = self._clock.compare(self._told_by_now(), took=self._took)
        if fault is None:
            self.time.succeeded()
        else:
            self.time.failed(fault)

    def note_reading(self, fault: str | None) -> None:
        """
        Take note of how reading the database has just fared; None is well.
        """
        if fault is None:
            self.reading.succeeded()
        else:
            self.reading.failed(fault)

    @contextmanager
    def note_writing(self) -> Iterator[None]:
        """
        See how the writing transaction inside fares. One that is refused, or was in another's way, says nothing.
        """
        try:
            yield
        except StorageConflict:
            raise
        except StorageUnavailable as error:
            self.writing.failed(str(error))
            raise
        self.writing.succeeded()

    def checks(self) -> Sequence[Check]:
        """
        Say what is known of the databases and the clock.
        """
        away = self.reading.seconds_since_it_worked()
        stale = None if away < STALE_AFTER_SECONDS else f"nothing has been read from the database for {away:.0f} s"
        return [
            Check(name="database", reason=_said(self.reading)),
            Check(name="database_writes", reason=_said(self.writing), is_needed=False),
            Check(name="token_log", reason=_said(self._token_log.evidence)),
            Check(name="freshness", reason=stale),
            Check(name="clock", reason=self.time.fault),
        ]

    def _ask_the_time(self) -> None:
        asked = monotonic()
        try:
            with self._database.read() as connection:
                self._told = database_time(connection)
        except StorageUnavailable:
            self._told = None  # what this means for tokens is found out elsewhere
        self._took = monotonic() - asked
        self._told_at = monotonic()

    def _told_by_now(self) -> DatabaseTime | None:
        """
        Return what the database's clock shows by now, or the newest instant that it knew.
        """
        told = self._told
        if told is None or not told.is_exact:
            return told
        return DatabaseTime(time=told.time + timedelta(seconds=monotonic() - self._told_at), is_exact=True)

    def _try_writing(self) -> None:
        with suppress(StorageUnavailable), self.note_writing(), self._database.write() as connection:
            prove_writing(Upkeep(connection), self._clock())


def _said(evidence: Evidence) -> str | None:
    return None if evidence.fault is None else public_reason(evidence.fault)
