"""
Holding answers back: who waits for an answer asks nothing meanwhile, which keeps a flood off the others.
"""

import asyncio

HOLD_SECONDS = 2.0
# Each costs its connection's state and headers; a body of more than a few KiB is forgotten by then.
MOST_HELD = 2_000


class Holding:
    """
    Holds back a bounded number of answers; the rest goes out at once.
    """

    def __init__(self) -> None:
        self._held = 0

    async def hold(self) -> None:
        """
        Wait a while, where there is a place to wait.
        """
        if self._held >= MOST_HELD:
            return
        self._held += 1
        try:
            await asyncio.sleep(HOLD_SECONDS)
        finally:
            self._held -= 1
