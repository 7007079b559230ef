"""
How often a password may be tried: by one source for one name, and by one source in all.

Unlike a limit of refusals this one is asked first: behind it nobody learns whether a password was right.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

MOST_TRIES = 10
MOST_TRIES_OF_A_SOURCE = 50
_WINDOW_SECONDS = 60.0
_MOST_KNOWN = 4_096
_ALL_NAMES = "\0all"
Key = tuple[str, str]


class Attempts:
    """
    Counts tries that did not succeed, for a minute each, on any thread.

    What is remembered is bounded: the oldest tries are forgotten first.

    Args:
        uptime: Returns seconds of a clock that never goes back.
    """

    def __init__(self, uptime: Callable[[], float]) -> None:
        self._uptime = uptime
        self._lock = Lock()
        self._tries: OrderedDict[Key, list[float]] = OrderedDict()

    def begin(self, source: str, name: str) -> int:
        """
        Count a try and return 0, or return how many whole seconds must pass before it may be made.

        It counts from now on, not from when it has failed: many at once must not all pass.
        """
        with self._lock:
            now, bounds = self._uptime(), self._bounds(source, name)
            wait = max(self._wait(key, most, now) for key, most in bounds.items())
            if not wait:
                for key in bounds:
                    self._tries[key] = [*self._recent(key, now), now]
                    self._tries.move_to_end(key)
                while len(self._tries) > _MOST_KNOWN:
                    self._tries.popitem(last=False)
            return wait

    def succeeded(self, source: str, name: str) -> None:
        """
        Take a try back.
        """
        with self._lock:
            for key in self._bounds(source, name):
                if key in self._tries:
                    self._tries[key] = self._tries[key][:-1]

    def _bounds(self, source: str, name: str) -> dict[Key, int]:
        return {(source, name): MOST_TRIES, (source, _ALL_NAMES): MOST_TRIES_OF_A_SOURCE}

    def _wait(self, key: Key, most: int, now: float) -> int:
        recent = self._recent(key, now)
        return 0 if len(recent) < most else int(recent[-most] + _WINDOW_SECONDS - now) + 1

    def _recent(self, key: Key, now: float) -> list[float]:
        return [moment for moment in self._tries.get(key, ()) if now - moment < _WINDOW_SECONDS]
