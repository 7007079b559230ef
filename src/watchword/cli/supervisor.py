"""
What `serve --workers` becomes: it starts the workers, replaces those that end, and stops or renews them all.

Run as a script by a bare Python: it imports nothing of Watchword and no library, so it stays small, and little can go
wrong in it. The sockets that listen are made before and handed down, so that connections which a dead worker has not
taken yet are the others'. Each worker's standard input is a line between the two: the worker says when it serves, the
first to do so is asked to announce it, and either learns of the other's end.

    SIGTERM, SIGINT   stop, once requests in flight are answered
    SIGHUP            renew: one worker after another makes way for a new one, which has read the settings anew
"""

import json
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf

SERVING = b"+"  # what a worker says on its line
ANNOUNCE = b"!"  # and what is said to the first that serves
CAN_NOT_START = frozenset({2, 3})  # exit codes after which another worker would fail the same way
STEADY_SECONDS = 30.0
LONGEST_PAUSE = 30.0
_AFTER_GRACE_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class Worker:
    """
    A worker process.

    Attributes:
        is_leaving: It was told to stop.
        kill_at: When it has had time enough for that, by `time.monotonic`.
    """

    process: "subprocess.Popen[bytes]"
    line: socket.socket
    started_at: float
    is_serving: bool = False
    is_leaving: bool = False
    kill_at: float = inf


class Supervisor:
    """
    Keeps so many workers running.

    Args:
        grace_seconds: How long requests in flight may take after a stop signal.
        kept: File descriptors that workers get: of the sockets that listen, and of the memory that they count in.
        command: What starts a worker.
    """

    def __init__(self, number: int, grace_seconds: float, kept: Sequence[int], command: Sequence[str]) -> None:
        self._number = number
        self._grace_seconds = grace_seconds
        self._kept = kept
        self._command = command
        self._workers: list[Worker] = []
        self._outdated: list[Worker] = []
        self._early_deaths = 0
        self._next_start = 0.0
        self._is_announced = False
        self._is_stopping = False
        self._has_failed = False
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """
        Supervise until a stop signal, and return the exit code: 1 where workers can't start.
        """
        with _signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            self._selector.register(signals, selectors.EVENT_READ)
            self._start_missing()
            while self._workers or not self._is_stopping:
                for key, _ in self._selector.select(self._pause()):
                    if key.data is None:
                        self._heed(signals.recv(64))
                    else:
                        self._hear(key.data)
                self._start_missing()
                self._kill_late()
        return 1 if self._has_failed else 0

    def _heed(self, numbers: bytes) -> None:
        for number in numbers:
            if number != signal.SIGHUP:
                self._stop()
            elif not self._is_stopping:
                self._renew()

    def _renew(self) -> None:
        _log("info", "renewing the workers")
        # The one more of a renewal under way does not serve yet, and may have read the settings of before.
        for worker in self._staying()[self._number :]:
            self._dismiss(worker)
        self._outdated = self._staying()

    def _hear(self, worker: Worker) -> None:
        try:
            said = worker.line.recv(64)
        except ConnectionError:
            said = b""
        if not said:
            self._bury(worker)
            return
        worker.is_serving = True
        self._announce(worker)
        # A signal to renew can come while workers are still starting: those that are to go make nobody dispensable.
        if self._outdated and worker not in self._outdated and not worker.is_leaving:
            self._dismiss(self._outdated.pop(0))

    def _announce(self, worker: Worker) -> None:
        # By a worker, which has the words and the form of the log.
        if not self._is_announced:
            self._is_announced = True
            with suppress(ConnectionError):
                worker.line.send(ANNOUNCE)

    def _bury(self, worker: Worker) -> None:
        self._selector.unregister(worker.line)
        worker.line.close()
        code = worker.process.wait()
        self._workers.remove(worker)
        is_new = worker not in self._outdated
        if not is_new:
            self._outdated.remove(worker)
        if worker.is_leaving:
            return
        _log("warning", "a worker ended", pid=worker.process.pid, code=code)
        if worker.is_serving or not (is_new and self._renewal_failed()):
            self._consider_another(worker, code)

    def _renewal_failed(self) -> bool:
        if not self._outdated:
            return False
        _log("error", "the workers are not renewed: a new one could not start")
        self._outdated.clear()
        return True

    def _consider_another(self, worker: Worker, code: int) -> None:
        # While others serve, one that can't start takes nobody along: what it lacks may come back.
        if code in CAN_NOT_START and not worker.is_serving and not any(each.is_serving for each in self._staying()):
            self._has_failed = True
            self._stop()
            return
        self._start_later(lived=time.monotonic() - worker.started_at)

    def _start_later(self, *, lived: float) -> None:
        self._early_deaths = self._early_deaths + 1 if lived < STEADY_SECONDS else 0
        self._next_start = time.monotonic() + pause_before_start(self._early_deaths)

    def _staying(self) -> list[Worker]:
        return [worker for worker in self._workers if not worker.is_leaving]

    def _start_missing(self) -> None:
        while self._lacks_workers() and time.monotonic() >= self._next_start:
            try:
                self._start()
            except OSError as error:
                _log("error", "a worker could not be started", reason=str(error))
                self._start_later(lived=0.0)

    def _lacks_workers(self) -> bool:
        # While workers are being renewed there is one more: the new one serves before an old one goes.
        return not self._is_stopping and len(self._staying()) < self._number + bool(self._outdated)

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(self._command, stdin=theirs.fileno(), pass_fds=self._kept)  # noqa: S603 - ourselves
            except OSError:
                ours.close()
                raise
        worker = Worker(process, ours, time.monotonic())
        self._workers.append(worker)
        self._selector.register(ours, selectors.EVENT_READ, worker)

    def _stop(self) -> None:
        self._is_stopping = True
        self._outdated.clear()
        for worker in self._workers:
            self._dismiss(worker)

    def _dismiss(self, worker: Worker) -> None:
        worker.is_leaving = True
        worker.kill_at = min(worker.kill_at, time.monotonic() + self._grace_seconds + _AFTER_GRACE_SECONDS)
        worker.process.terminate()

    def _kill_late(self) -> None:
        for worker in self._workers:
            if time.monotonic() >= worker.kill_at:
                worker.process.kill()

    def _pause(self) -> float | None:
        """
        Say how long nothing needs to be done, unless something is heard.
        """
        now = time.monotonic()
        # One that was killed may take a moment to be gone.
        waits = [max(worker.kill_at - now, 0.1) for worker in self._workers if worker.is_leaving]
        if self._lacks_workers():
            waits.append(max(self._next_start - now, 0.0))
        return min(waits, default=None)


def pause_before_start(early_deaths: int) -> float:
    """
    Say how many seconds to wait before the next start, after so many workers in a row that died young.
    """
    return 0.0 if early_deaths < 2 else min(2.0 ** (early_deaths - 2), LONGEST_PAUSE)  # noqa: PLR2004


class _signals:  # noqa: N801 - used like a function
    """
    Let signals be heard on a socket instead of ending this process; a child gets them as ever.
    """

    def __init__(self, *numbers: signal.Signals) -> None:
        self._numbers = numbers

    def __enter__(self) -> socket.socket:
        self._hearing, self._telling = socket.socketpair()
        self._telling.setblocking(False)  # noqa: FBT003 - the call's only argument
        signal.set_wakeup_fd(self._telling.fileno())
        self._before = {number: signal.signal(number, lambda _number, _frame: None) for number in self._numbers}
        return self._hearing

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        self._telling.close()
        self._hearing.close()


def _log(level: str, event: str, **details: int | str) -> None:
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "level": level, "event": event, **details}
    with suppress(OSError):  # nobody reads it: no reason to stop
        sys.stderr.write(json.dumps(line) + "\n")


def main(arguments: Sequence[str]) -> int:
    """
    Run as `supervisor.py NUMBER GRACE_SECONDS DESCRIPTOR[,DESCRIPTOR…] COMMAND…`.
    """
    number, grace_seconds, kept, *command = arguments
    code = Supervisor(int(number), float(grace_seconds), [int(part) for part in kept.split(",")], command).run()
    if code:
        sys.stderr.write("watchword: a worker could not start: the lines above say why\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
