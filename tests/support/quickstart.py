"""
`watchword quickstart` as a process: started, watched, ended.

Owns: the command line, waiting until it stays up, what it wrote, and which processes of it are left.
"""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from tests.support.server import clean_environment, free_port, watchword_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

START_SECONDS, STOP_SECONDS = 60.0, 60.0
SECRET = re.compile(r"ww_[0-9A-Za-z]{49}")
STAYS_UP = "until Ctrl-C"
NOTHING: Mapping[str, str] = MappingProxyType({})


def free_ports() -> tuple[int, int]:
    """
    Return two different ports that nobody listens on at this moment.
    """
    first = free_port()
    second = free_port()
    while second == first:
        second = free_port()
    return first, second


def quickstart_command(home: Path, *arguments: str, ports: tuple[int, int] | None = None) -> list[str]:
    """
    Return the command line of a quick start in `home`, on these ports or on free ones.
    """
    port, api_port = ports or free_ports()
    options = ["--home", str(home), "--port", str(port), "--api-port", str(api_port)]
    return watchword_command("quickstart", *options, *arguments)


def run_quickstart(
    home: Path,
    *arguments: str,
    ports: tuple[int, int] | None = None,
    environment: Mapping[str, str] = NOTHING,
) -> subprocess.CompletedProcess[str]:
    """
    Run a quick start that ends after its checks.
    """
    return subprocess.run(
        quickstart_command(home, *arguments, ports=ports),
        env={**clean_environment({}), "QUICKSTART_EXIT": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningQuickstart:
    """
    A quick start that stays up. Leaving the block ends it with Ctrl-C.
    """

    process: subprocess.Popen[bytes]
    home: Path
    output_path: Path
    error_path: Path

    @property
    def output(self) -> str:
        """
        Return what it has written to standard output so far.
        """
        return self.output_path.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        """
        Return what it has written to standard error so far.
        """
        return self.error_path.read_text(encoding="utf-8")

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """
        Send a signal and return the exit code.
        """
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def __enter__(self) -> Self:
        """
        Return this quick start.
        """
        return self

    def __exit__(self, *_: object) -> None:
        """
        End it, if it still runs.
        """
        if self.process.poll() is None:
            self.stop()


def start_quickstart(home: Path, *arguments: str) -> RunningQuickstart:
    """
    Start a quick start and wait until it stays up.

    Raises:
        AssertionError: It ended, or was not up in time.
    """
    output_path, error_path = home.parent / f"{home.name}.out", home.parent / f"{home.name}.err"
    with output_path.open("wb") as output, error_path.open("wb") as errors:
        process = subprocess.Popen(
            quickstart_command(home, *arguments),
            env=clean_environment({}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
    running = RunningQuickstart(process=process, home=home, output_path=output_path, error_path=error_path)
    is_up = wait_for(lambda: process.poll() is not None or STAYS_UP in running.output + running.errors)
    if not is_up or process.poll() is not None:
        process.kill()
        raise AssertionError(f"the quick start did not come up\n{running.output}\n{running.errors}")
    return running


def wait_for(is_so: Callable[[], bool], *, seconds: float = START_SECONDS) -> bool:
    """
    Wait until something is so, and tell whether it came to be.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def stored_credentials(home: Path) -> dict[str, str]:
    """
    Read the file of credentials as a shell does.
    """
    lines = (home / "credentials.env").read_text().splitlines()
    pairs = [line.removeprefix("export ").partition("=") for line in lines if not line.startswith("#")]
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}


def child_processes(home: Path) -> dict[int, str]:
    """
    Return the command lines of the processes that live in a home: the children of its quick start.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # it ends while being looked at
            if entry.name.isdigit() and (entry / "cwd").readlink() == home:
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
    return found


def listening_addresses(process_id: int) -> set[str]:
    """
    Return the addresses on which a process listens, as `127.0.0.1:3001`, or as the kernel writes IPv6 ones.
    """
    sockets = set()
    with suppress(OSError):
        sockets = {str(entry.readlink()) for entry in Path(f"/proc/{process_id}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(_readable(fields[1]))
    return found


def _readable(address: str) -> str:
    host, _, port = address.partition(":")
    if len(host) != 8:
        return f"{host}:{int(port, 16)}"
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(host))) + f":{int(port, 16)}"
