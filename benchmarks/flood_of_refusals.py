"""
Measures what a flood of wrong secrets at one application costs the others: `python benchmarks/flood_of_refusals.py`.

The server runs on one core with its settings as they come, both load generators on another. In every round honest
clients ask for tokens alone, then beside the flood; the figure is the median of the rounds' ratios. What is compared
is tokens per second of the server's CPU time: on a core of its own that is the rate, and on a busy machine it is
steadier than the rate. There the ratio is too bad nevertheless, since the flood comes as fast as ever and the tokens
don't: the part of a whole core that the flood takes is the same on both, and stands beside it.

Exit codes: 0 measured and the bar met; 1 the bar missed; 2 nothing measured, see stderr.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

# Run by its path, it finds the other modules of this folder where its folder is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load_generator import Load, LoadError, Post, Tool, count_answers, find_or_install, run_load
from benchmarks.pinned_server import PinnedServer, ServerError, choose_cores, running_on
from benchmarks.watchword_under_test import (
    RESOURCE,
    Installation,
    SetupError,
    find_executable,
    initialise,
    prepare,
    token_post,
)

BAR = 0.80
_FLOOD_FIRST_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    How much is measured. `seconds` is for each single load.
    """

    seconds: int
    rounds: int
    connections: int
    flood_connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """
    What honest clients got, and the CPU seconds that the server took for all that it did meanwhile.
    """

    load: Load
    cpu_seconds: float

    @property
    def per_cpu_second(self) -> float:
        """
        Tokens for each second of the server's CPU time.
        """
        return self.load.requests / self.cpu_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """
    What honest clients got alone and beside the flood, and what the flood got.
    """

    alone: Served
    beside: Served
    flood: Load

    @property
    def ratio(self) -> float:
        """
        How much is left beside the flood.
        """
        return self.beside.per_cpu_second / self.alone.per_cpu_second

    @property
    def part_of_core(self) -> float:
        """
        How much of a core the flood takes.
        """
        spent = self.beside.cpu_seconds - self.beside.load.requests / self.alone.per_cpu_second
        return spent / self.beside.load.seconds


def parse_options(arguments: Sequence[str] | None) -> Options:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(prog="flood_of_refusals.py", description="Measure a flood of wrong secrets.")
    add = parser.add_argument
    add("--seconds", type=int, default=8, help="length of each single load (default 8)")
    add("--rounds", type=int, default=3, help="how often the two take turns (default 3)")
    add("--connections", type=int, default=64, help="of the honest clients (default 64)")
    add("--flood-connections", type=int, default=64, help="of the flood (default 64)")
    return Options(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, print, and say by the exit code how it went.
    """
    options = parse_options(arguments)
    try:
        rounds = measure(options)
    except (LoadError, ServerError, SetupError, httpx.HTTPError) as failure:
        print(f"nothing measured: {failure}", file=sys.stderr)
        return 2
    print("           tokens/s   per CPU s        p99   wrong tries/s")
    for taken in rounds:
        print(f"alone    {_figures(taken.alone)}")
        told = f"{taken.flood.per_second:12.0f}    ratio {taken.ratio:.2f}    of a core {taken.part_of_core:.2f}"
        print(f"beside   {_figures(taken.beside)} {told}")
    median = statistics.median(taken.ratio for taken in rounds)
    met = median >= BAR
    print(f"{'met   ' if met else 'MISSED'} {median:.2f} is left beside the flood; bar: {BAR:.2f}")
    return 0 if met else 1


def measure(options: Options) -> list[Round]:
    """
    Make an installation, serve it, and let the rounds run.
    """
    tool, cores = find_or_install(), choose_cores()
    with tempfile.TemporaryDirectory(prefix="watchword-benchmark-") as folder, running_on(cores.load):
        installation = initialise(find_executable(), Path(folder, "home"))
        with installation.served([cores.server], Path(folder, "output")) as server:
            honest, wrong = prepare(installation).post, _wrong_try(installation)
            return [_round(tool, server, honest, wrong, options) for _ in range(options.rounds)]


def _wrong_try(installation: Installation) -> Post:
    return token_post(installation.application_id, "wrong", resource=RESOURCE, scope="")


def _round(tool: Tool, server: PinnedServer, honest: Post, wrong: Post, options: Options) -> Round:
    def run_honest() -> Served:
        before = server.cpu_seconds()
        load = run_load(tool, server.origin, honest, connections=options.connections, seconds=options.seconds)
        return Served(load=load, cpu_seconds=server.cpu_seconds() - before)

    def run_flood() -> Load:
        seconds = options.seconds + 2 * _FLOOD_FIRST_SECONDS
        return count_answers(tool, server.origin, wrong, connections=options.flood_connections, seconds=seconds)

    alone = run_honest()
    with ThreadPoolExecutor(1) as beside:
        flood: Future[Load] = beside.submit(run_flood)
        time.sleep(_FLOOD_FIRST_SECONDS)
        measured = run_honest()
        return Round(alone=alone, beside=measured, flood=flood.result())


def _figures(served: Served) -> str:
    return f"{served.load.per_second:10.0f} {served.per_cpu_second:11.0f} {served.load.p99_ms:7.1f} ms"


if __name__ == "__main__":
    sys.exit(main())
