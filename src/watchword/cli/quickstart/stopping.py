"""
Stop signals: Ctrl-C, a polite kill, or the terminal going away end the quick start in good order.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """
    Somebody wants this to end. No `Exception`, so that nobody takes it for a thing gone wrong.

    Attributes:
        exit_code: What a shell expects of a program that a signal has ended.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


@contextmanager
def stop_signals() -> Iterator[None]:
    """
    Let the first stop signal raise `StopRequested`; later ones don't disturb the cleaning up.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def stop(number: int, _: FrameType | None) -> NoReturn:
        ignore_stop_signals()
        raise StopRequested(number)

    for number, handler in before.items():
        if number != signal.SIGHUP or handler is not signal.SIG_IGN:  # `nohup` means what it says
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_stop_signals() -> None:
    """
    Hear no stop signal from now on: what is left to do is short.
    """
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
