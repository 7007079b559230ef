"""
What `serve --workers` becomes: it starts the workers, replaces those that end, and stops or renews them all.

Run as a script by a bare Python: it imports nothing of Watchword and no library, so it stays small, and little can go
wrong in it. The sockets that listen are made before and handed down, so that connections which a dead worker has not
taken yet are the others'. Each worker's standard input is a line between the two: the worker says when it serves, and
either learns of the other's end.

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
from dataclasses import dataclass

SERVING = b"+"  # what a worker says on its line
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
    """

    process: "subprocess.Popen[bytes]"
    line: socket.socket
    started_at: float
    is_serving: bool = False
    is_leaving: bool = False


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
        self._kill_at: float | None = None
        self._has_failed = False
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """
        Supervise until a stop signal, and return the exit code: 1 where workers can't start.
        """
        with _signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            self._selector.register(signals, selectors.EVENT_READ)
            self._start_missing()
            while self._workers or self._kill_at is None:
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
            elif self._kill_at is None:
                _log("info", "renewing the workers")
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
        # A signal to renew can come while the first workers are still starting: they make nobody dispensable.
        if self._outdated and worker not in self._outdated:
            _dismiss(self._outdated.pop(0))

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
        if code in CAN_NOT_START and not worker.is_serving:
            self._has_failed = True
            self._stop()
            return
        lived = time.monotonic() - worker.started_at
        self._early_deaths = self._early_deaths + 1 if lived < STEADY_SECONDS else 0
        self._next_start = time.monotonic() + pause_before_start(self._early_deaths)

    def _staying(self) -> list[Worker]:
        return [worker for worker in self._workers if not worker.is_leaving]

    def _start_missing(self) -> None:
        # While workers are being renewed there is one more: the new one serves before an old one goes.
        wanted = self._number + bool(self._outdated)
        while self._kill_at is None and len(self._staying()) < wanted and time.monotonic() >= self._next_start:
            ours, theirs = socket.socketpair()
            process = subprocess.Popen(self._command, stdin=theirs.fileno(), pass_fds=self._kept)  # noqa: S603 - ourselves
            theirs.close()
            worker = Worker(process, ours, time.monotonic())
            self._workers.append(worker)
            self._selector.register(ours, selectors.EVENT_READ, worker)

    def _stop(self) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._grace_seconds + _AFTER_GRACE_SECONDS
            self._outdated.clear()
        for worker in self._workers:
            _dismiss(worker)

    def _kill_late(self) -> None:
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            for worker in self._workers:
                worker.process.kill()

    def _pause(self) -> float | None:
        """
        Say how long nothing needs to be done, unless something is heard.
        """
        if self._kill_at is not None:
            return max(self._kill_at - time.monotonic(), 0.1)
        if len(self._staying()) < self._number:
            return max(self._next_start - time.monotonic(), 0.0)
        return None


def pause_before_start(early_deaths: int) -> float:
    """
    Say how many seconds to wait before the next start, after so many workers in a row that died young.
    """
    return 0.0 if early_deaths < 2 else min(2.0 ** (early_deaths - 2), LONGEST_PAUSE)  # noqa: PLR2004


def _dismiss(worker: Worker) -> None:
    worker.is_leaving = True
    worker.process.terminate()


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


def _log(level: str, event: str, **details: int) -> None:
    line = {**details, "event": event, "level": level, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
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
