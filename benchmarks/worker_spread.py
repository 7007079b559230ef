"""
Measures how workers share connections: `python benchmarks/worker_spread.py --runs 20`.

wrk opens all its connections at once, as a client does that starts, and the most that one worker holds is noted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

# Run by its path, it finds the other modules of this folder where its folder is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load_generator import wrk_script
from benchmarks.pinned_server import choose_cores
from benchmarks.watchword_under_test import find_executable, initialise, prepare

_LOOK_AFTER_SECONDS = 1.0
_ESTABLISHED = "01"


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, and print a line of JSON.
    """
    parser = argparse.ArgumentParser(prog="worker_spread.py", description="Measure how workers share connections.")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--one-core", action="store_true", help="pin all workers to one core")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="watchword-benchmark-") as folder:
        most = measure(Path(folder), given)
    print(json.dumps({"most": sorted(most), "median": statistics.median(most), "worst": max(most)}))
    return 0


def measure(folder: Path, given: argparse.Namespace) -> list[int]:
    """
    Return, for each run, how many connections the worker with the most of them holds.
    """
    installation = replace(initialise(find_executable(), folder / "home"), workers=given.workers)
    cores = (choose_cores().server,) if given.one_core else ()
    with installation.served(cores, folder / "server.log") as server:
        post = prepare(installation).post
        script = folder / "post.lua"
        script.touch(mode=0o600)
        script.write_text(wrk_script(post))
        load = ["wrk", "-t1", f"-c{given.connections}", "-d2s", "-s", str(script), f"{server.origin}{post.path}"]
        return [_most_while(load, server.pid, installation.port, given.connections) for _ in range(given.runs)]


def _most_while(load: Sequence[str], supervisor: int, port: int, connections: int) -> int:
    running = subprocess.Popen(load, stdout=subprocess.DEVNULL)
    time.sleep(_LOOK_AFTER_SECONDS)
    held = [len(_sockets_of(worker) & _connected(port)) for worker in _children(supervisor)]
    running.wait()
    if sum(held) != connections:
        print(f"the workers hold {held}", file=sys.stderr)
    return max(held)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _sockets_of(pid: int) -> set[str]:
    names = (entry.readlink().name for entry in Path(f"/proc/{pid}/fd").iterdir())
    return {name.removeprefix("socket:[").removesuffix("]") for name in names if name.startswith("socket:[")}


def _connected(port: int) -> set[str]:
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {line[9] for line in lines if line[1].endswith(f":{port:04X}") and line[3] == _ESTABLISHED}


if __name__ == "__main__":
    sys.exit(main())
