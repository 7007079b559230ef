"""
Overload: who is let in when more comes than can be done.

Work that is accepted should be done soon. So the time that a newcomer would wait is estimated, from how long those
before it have waited, each in its place of the queue; where that is too long the newcomer is sent away, which costs
little. Those who came first are served as if there were no crowd.

A few are let in however long it takes, since much of what a request waits for is shared: a commit that takes a tenth of
a second takes that for one as for hundreds. After somebody was sent away with all of these places taken, half of them
are let in for a while: the event loop works on all that has come in one turn, and answers nobody before the next one,
so all who are in wait for each other and for the sending away.

Who is sent away hears of it a moment later. Callers who ask again at once would otherwise have the server do nothing
else than send them away.
"""

FEW = 256
MOST_WAIT_SECONDS = 0.05
HELD_SECONDS = 0.1  # until who was sent away hears of it
_CROWD_LASTS = 8192  # requests let in, since the last that was sent away with all places taken: seconds
_FIRST_ESTIMATE = 0.000_1
_WEIGHT = 1 / 32


class Backlog:
    """
    The requests that are being worked on, by one process.

    Args:
        few: So many are let in however long it takes: a slow machine with few callers refuses none.
        most_wait_seconds: Beyond these, nobody is let in who would have to wait longer.
    """

    __slots__ = ("_always", "_crowd", "_few", "_most_wait_seconds", "_seconds_a_place", "in_flight")

    def __init__(self, *, few: int = FEW, most_wait_seconds: float = MOST_WAIT_SECONDS) -> None:
        self._few = few
        self._most_wait_seconds = most_wait_seconds
        self._seconds_a_place = _FIRST_ESTIMATE
        self._crowd = 0
        self._always = few  # are let in, and half of them in a crowd
        self.in_flight = 0

    def turns_away(self) -> bool:
        """
        Tell whether a newcomer, who is there, would have to wait too long and is to be sent away.
        """
        place = self.in_flight + 1
        if place <= self._always or place * self._seconds_a_place <= self._most_wait_seconds:
            return False
        if place > self._few:  # or a crowd would keep itself alive
            self._crowd = _CROWD_LASTS
            self._always = self._few // 2
        return True

    def enter(self) -> int:
        """
        Let a request in, and return its place in the queue. Who is in must `leave`, or `give_up` its place.
        """
        self.in_flight += 1
        if self._crowd:
            self._crowd -= 1
            if not self._crowd:
                self._always = self._few
        return self.in_flight

    def leave(self, place: int, seconds: float) -> None:
        """
        Let a request out, that had this place and took so long: what each place in front of it has cost.
        """
        self.in_flight -= 1
        # With few in front, what it took says more about the request than about the queue.
        if place > self._always // 2:
            self._seconds_a_place += (seconds / place - self._seconds_a_place) * _WEIGHT

    def give_up(self) -> None:
        """
        Let a request out that was not done as all others are: what it took says nothing about them.
        """
        self.in_flight -= 1
