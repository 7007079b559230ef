"""
A clock that a test moves.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

if TYPE_CHECKING:
    from watchword.server.context import Context


class MovedClock:
    """
    Says the next whole second after it was made, until it is moved.
    """

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)

    def __call__(self) -> datetime:
        """
        Return the time, an aware UTC datetime.
        """
        return self.now

    def move(self, **by: float) -> datetime:
        """
        Let time pass; takes what `timedelta` takes.
        """
        self.now += timedelta(**by)
        return self.now


@pytest.fixture
def clock() -> MovedClock:
    """
    Hold the time still.
    """
    return MovedClock()


def with_clock(ctx: Context, clock: MovedClock) -> Context:
    """
    Return a context that asks this clock.
    """
    return replace(ctx, clock=clock)
