"""
What the last try at something has shown: readiness is judged by it, and a change of it is one line in the log.
"""

import logging
from time import monotonic

_GOOD_FOR_SECONDS = 30.0
_BAD_FOR_SECONDS = 1.0
_SILENT_FOR_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Evidence:
    """
    Whether something works, as it was last tried. Any thread may tell and ask.

    Args:
        what: What it is, for the log.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._tried_at = monotonic()
        self._worked_at = self._tried_at
        self._said_fine = True
        self._silent_until = 0.0
        self.fault: str | None = None

    def succeeded(self) -> None:
        """
        Note that it worked.
        """
        self._tried_at = self._worked_at = monotonic()
        self.fault = None
        if not self._said_fine:
            self._say()

    def failed(self, fault: str) -> None:
        """
        Note that it did not.
        """
        self._tried_at = monotonic()
        self.fault = fault
        if self._said_fine:
            self._say()

    def is_old(self) -> bool:
        """
        Tell whether it is time to try it for the sake of knowing: soon after a failure, rarely while all is well.
        """
        good_for = _GOOD_FOR_SECONDS if self.fault is None else _BAD_FOR_SECONDS
        return monotonic() - self._tried_at >= good_for

    def seconds_since_it_worked(self) -> float:
        """
        Return for how long it has not been seen to work.
        """
        return monotonic() - self._worked_at

    def _say(self) -> None:
        # What fails and works by turns must not fill the log with it.
        if monotonic() < self._silent_until:
            return
        self._silent_until = monotonic() + _SILENT_FOR_SECONDS
        self._said_fine = self.fault is None
        if self.fault is None:
            _log.info("it works again", extra={"what": self._what})
        else:
            _log.error("it does not work", extra={"what": self._what, "reason": self.fault})
