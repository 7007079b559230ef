"""
Child processes: started so that they can't outlive the quick start, stopped in good order, heard when they fail.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from watchword.cli.failures import Failure
from watchword.cli.quickstart.printing import Tick
from watchword.cli.quickstart.stopping import ignore_stop_signals

_STOP_SECONDS, _RUN_SECONDS = 5.0, 60.0
_LOOK_SECONDS = 0.05
_LAST_LINES = 12
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """
    A running child process.

    Attributes:
        name: What it is, in words: "the server".
        log: The file that holds its output.
    """

    name: str
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def is_running(self) -> bool:
        """
        Whether it still runs.
        """
        return self.process.poll() is None

    def failure(self) -> Failure:
        """
        Say how it ended, with the last lines that it wrote.
        """
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        told = "".join(f"\n    {line}" for line in lines) or " nothing"
        code = self.process.poll()
        return Failure(f"{self.name} ended unexpectedly (exit code {code}). It wrote last, to {self.log}:{told}")

    def signal(self, number: int) -> None:
        """
        Send a signal to it and to all that it has started.
        """
        if self.is_running:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


@dataclass(slots=True)
class Children:
    """
    All child processes. Leaving the block ends them: politely, then not.
    """

    environment: Mapping[str, str]
    folder: Path
    _running: list[Child] = field(default_factory=list)

    def start(
        self,
        name: str,
        arguments: Sequence[str],
        log: Path,
        *,
        settings: Mapping[str, str] | None = None,
        output: int | None = None,
    ) -> Child:
        """
        Start one.

        Args:
            arguments: Its command line: no secret goes there, since everybody can read it.
            log: File for its output, made anew.
            settings: Further environment variables.
            output: Where its standard output goes, if not to the log.
        """
        with _open_private(log) as file:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output or file,
                stderr=file,
                cwd=self.folder,
                env={**self.environment, **(settings or {})},
                # Its own group: Ctrl-C reaches the quick start alone, which ends the others in good order.
                start_new_session=True,
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - one system call, and no thread is running
            )
        child = Child(name=name, log=log, process=process)
        self._running.append(child)
        return child

    def run(self, name: str, arguments: Sequence[str], log: Path, tick: Tick) -> str:
        """
        Run one to its end and return what it wrote to standard output.

        Raises:
            Failure: It failed, or took too long.
        """
        child = self.start(name, arguments, log, output=subprocess.PIPE)
        deadline = time.monotonic() + _RUN_SECONDS
        while time.monotonic() < deadline:
            try:
                output, _ = child.process.communicate(timeout=_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                tick()
                continue
            if child.process.returncode != 0:
                raise child.failure()
            self.forget(child)
            return output.decode()
        raise Failure(f"{name} takes longer than {_RUN_SECONDS:.0f} s: see {log}")

    def forget(self, child: Child) -> None:
        """
        Expect nothing more of one that has ended.
        """
        self._running.remove(child)

    def watch(self) -> None:
        """
        Return never, but raise when one of those that should run ends.

        Raises:
            Failure: One has ended.
        """
        while True:
            for child in self._running:
                if not child.is_running:
                    raise child.failure()
            time.sleep(_LOOK_SECONDS * 4)

    def failure(self, error: Exception) -> Failure:
        """
        Say why a call to a child got no answer: most likely because one has ended.
        """
        ended = next((child for child in self._running if not child.is_running), None)
        return Failure(f"no answer: {error}") if ended is None else ended.failure()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        ignore_stop_signals()
        for child in self._running:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for child in self._running:
            try:
                child.process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                child.signal(signal.SIGKILL)
                child.process.wait()


def wait_until(is_so: Callable[[], bool], child: Child, tick: Tick, *, seconds: float) -> bool:
    """
    Wait for something of a child to come true; False when the child ends first.

    Raises:
        Failure: It takes too long.
    """
    deadline = time.monotonic() + seconds
    while child.is_running:
        if is_so():
            return True
        if time.monotonic() > deadline:
            raise Failure(f"{child.name} is not ready after {seconds:.0f} s: see {child.log}")
        tick()
        time.sleep(_LOOK_SECONDS)
    return False


def _open_private(path: Path) -> IO[bytes]:
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600), "ab")


def _die_with_parent() -> Callable[[], None] | None:
    """
    Return what makes a child end when this process does, even when it is killed; None where the kernel can't.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return None
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before the call: too late to be told
            os._exit(1)

    return in_child
