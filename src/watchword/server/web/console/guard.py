"""
What stands before every try of a password: how often it may be tried, and how many at once.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import TypeVar

from watchword.server.domain.limits import source_of
from watchword.server.domain.problems import Problem
from watchword.server.operations import operator_tries
from watchword.server.operations.operator_tries import TooManyTries
from watchword.server.telemetry.meters import Meters, Throttle
from watchword.server.web.answers import Headers
from watchword.server.web.console.visitor import Visitor

T = TypeVar("T")
MOST_AT_ONCE = 2
# What counts as a guess. A name that is taken, say, tells nothing of a password.
_GUESSES = frozenset({"operator.wrong_credentials", "operator.wrong_password", "operator.invalid_invitation"})
_log = logging.getLogger(__name__)


class Guard:
    """
    Stands before the tries that this process makes.
    """

    def __init__(self) -> None:
        # Each takes 50 ms of a processor that issues tokens, and anybody may ask for it.
        self._trying = BoundedSemaphore(MOST_AT_ONCE)

    def attempt(self, visitor: Visitor, name: str, what: Callable[[], T]) -> T:
        """
        Try a password or an invitation, where that may be tried now.

        Args:
            name: Whose password it is, as it was typed.

        Raises:
            Problem: It may not be tried (429, 503), or it is wrong.
        """
        trying, meters = (visitor.ctx, visitor.tenant_id, source_of(visitor.origin.ip), name), visitor.ctx.meters
        with self._turn(meters):
            try:
                operator_tries.begin(*trying)
                done = what()
            except TooManyTries:
                meters.throttled[Throttle.AUTHENTICATION].add()
                raise
            except Problem as problem:
                if problem.code in _GUESSES:
                    _log.warning("a password was refused", extra={"ip": visitor.origin.ip, "reason": problem.code})
                else:
                    operator_tries.take_back(*trying)
                raise
        operator_tries.take_back(*trying)
        return done

    @contextmanager
    def _turn(self, meters: Meters) -> Iterator[None]:
        # Asked before anything is counted: who comes from everywhere must not make the database write more than this.
        if not self._trying.acquire(blocking=False):
            meters.throttled[Throttle.OVERLOAD].add()
            raise Problem("operator.busy", status=503, message="Too many sign in at this moment. Try again.")
        try:
            yield
        finally:
            self._trying.release()


def wait_of(problem: Problem | None) -> Headers:
    """
    Return the header that says how long to wait, where one has to.
    """
    return ((b"retry-after", b"%d" % problem.seconds),) if isinstance(problem, TooManyTries) else ()
