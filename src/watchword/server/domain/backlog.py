"""
Overload: who is let in when more comes than can be done.

Work that is accepted should be done soon. So the time that a newcomer would wait is estimated, from how long those
before it have waited, each in its place of the queue; where that is too long the newcomer is sent away at once, which
costs little. Those who came first are served as if there were no crowd.

A few are let in however long it takes. Where somebody was sent away lately, that is an eighth of what it is else: the
event loop works on all that has come in one turn, and answers nobody before the next one. With many let in and many
sent away in a turn, all would wait for long turns.

Who is sent away hears of it a moment later. Callers who ask again at once would otherwise have the server do nothing
else than send them away.
"""

FEW = 256
MOST_WAIT_SECONDS = 0.05
HELD_SECONDS = 0.1  # until who was sent away hears of it
_IN_A_CROWD = 8  # of the few, one in so many
_CROWD_LASTS = 1024  # requests let in, since the last that was sent away
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
        self._always = few  # are let in, and an eighth of them in a crowd
        self.in_flight = 0

    def turns_away(self) -> bool:
        """
        Tell whether a newcomer, who is there, would have to wait too long and is to be sent away.
        """
        place = self.in_flight + 1
        if place <= self._always or place * self._seconds_a_place <= self._most_wait_seconds:
            return False
        self._crowd = _CROWD_LASTS
        self._always = self._few // _IN_A_CROWD
        return True

    def enter(self) -> int:
        """
        Let a request in, and return its place in the queue. Who is in must `leave`.
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
