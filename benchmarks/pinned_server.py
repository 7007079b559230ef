"""
Owns processes on cores: which core is whose, a server pinned to one, how soon it is ready, how large it is.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
READY_DEADLINE_SECONDS = 60.0
STOP_DEADLINE_SECONDS = 20.0
_POLL_SECONDS = 0.002


class ServerError(Exception):
    """
    A server did not start, did not become ready or did not stop.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """
    One core for the server, another for all else; `spare` are those that are left over.

    `shared` says that the first two are threads of one physical core.
    """

    server: int
    load: int
    spare: tuple[int, ...] = ()
    shared: bool

    def of_workers(self, number: int) -> tuple[int, ...]:
        """
        Give so many workers a core each, as far as there are; they take the load generator's last.
        """
        return (self.server, *self.spare, self.load)[:number]

    @property
    def of_database(self) -> tuple[int, ...]:
        """
        PostgreSQL shares the load generator's core, and has what two workers leave.
        """
        return (self.load, *self.spare[1:])


def choose_cores() -> Cores:
    """
    Choose two of the cores that this process may use, on different physical cores where there are such.

    Raises:
        ServerError: There is one core only.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise ServerError(
            "two cores are needed, one for the server and one for the load generator, and this process may "
            "use one only: there the two take turns, and the figures say nothing about the server"
        )
    server, others = allowed[0], allowed[1:]
    siblings = _thread_siblings(server)
    apart = [core for core in others if core not in siblings]
    load = (apart or others)[0]
    spare = tuple(core for core in others if core != load)
    return Cores(server=server, load=load, spare=spare, shared=not apart)


def _thread_siblings(core: int) -> set[int]:
    path = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")
    if not path.exists():
        return set()
    found: set[int] = set()
    for part in path.read_text().strip().split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


@contextmanager
def running_on(*cores: int) -> Iterator[None]:
    """
    Pin this process, and whatever it starts meanwhile, to these cores; to all that it may use, where none is named.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    """
    Name a TCP port of 127.0.0.1 that nobody listens on at this moment.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class PinnedServer:
    """
    A server process, pinned to its cores if any are named, with all that it starts; a context manager that ends it.

    What it prints is appended to `output`. `seconds_to_ready` is the time from exec to the first 200.
    """

    def __init__(
        self, command: Sequence[str], *, cores: Sequence[int], port: int, output: Path, environment: Mapping[str, str]
    ) -> None:
        self.origin = f"http://{HOST}:{port}"
        self.seconds_to_ready = 0.0
        self._port = port
        self._output = output
        with running_on(*cores), output.open("ab") as sink:
            self._started = time.perf_counter()
            # A session of its own: Ctrl-C reaches the benchmark alone, which then ends the server in order.
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """
        The process that was started; those that it starts are not counted here.
        """
        return self._process.pid

    def wait_until_ready(self, path: str) -> Self:
        """
        Wait for the first 200 of `path`.

        Raises:
            ServerError: The server ended, or the deadline passed. The text has the end of what it printed.
        """
        while not _answers_200(self._port, path):
            if self._process.poll() is not None:
                raise ServerError(f"the server ended with {self._process.returncode}:\n{self._last_words()}")
            if time.perf_counter() - self._started > READY_DEADLINE_SECONDS:
                raise ServerError(f"no 200 of {path} in {READY_DEADLINE_SECONDS:.0f} s:\n{self._last_words()}")
            time.sleep(_POLL_SECONDS)
        self.seconds_to_ready = time.perf_counter() - self._started
        return self

    def resident_bytes(self) -> int:
        """
        Add up the resident memory (Rss) of the process and its descendants. Pages that two share count twice.
        """
        return sum(_resident_bytes(pid) for pid in _with_descendants(self.pid))

    def cpu_seconds(self) -> float:
        """
        Add up the CPU time that the process and its descendants have used so far.
        """
        return cpu_seconds(self.pid)

    def stop(self) -> None:
        """
        Ask the server to end and wait for it; kill it, and what it left behind, when it doesn't.

        Raises:
            ServerError: It had to be killed.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
            raise ServerError(f"the server did not stop in {STOP_DEADLINE_SECONDS:.0f} s") from None

    def _last_words(self) -> str:
        return "\n".join(self._output.read_text(errors="replace").splitlines()[-20:])


def cpu_seconds(root: int) -> float:
    """
    Add up the CPU time, threads included, that a process and its descendants have used so far.
    """
    ticks = 0
    for pid in _with_descendants(root):
        try:
            # The name stands in brackets and may hold anything; times are the 12th and 13th field after it.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _answers_200(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _with_descendants(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name stands in brackets and may hold anything; the parent is the second field after it.
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):  # it ended while we looked
                continue
    family = [root]
    for pid in family:
        family.extend(child for child, parent in parents.items() if parent == pid)
    return family


def _resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise ServerError(f"the kernel does not tell the resident memory of process {pid}")
