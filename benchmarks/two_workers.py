"""
Measures what two cores allow, and how much of it two workers make of them: `python benchmarks/two_workers.py`.

Two cores of a virtual machine are seldom twice as fast as one: they share caches, often one physical core, and here the
load generator as well. So beside two workers of one home stand two servers that share nothing, each with a home of its
own, on the same cores and under the same load. Nothing that a server does can make two workers faster than those.

Exit codes: 0 two workers make 0.85 of what the two servers make, or more; 1 less; 2 nothing measured, see stderr.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

# Run by its path, it finds the other modules of this folder where its folder is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bars import TWO_WORKERS_BAR, for_two_cores
from benchmarks.homes import Homes, Seeded
from benchmarks.load_generator import LoadError, Tool, count_answers, cpu_of_loads, find_or_install, run_load
from benchmarks.pinned_server import Cores, ServerError, choose_cores, running_on
from benchmarks.rows import SQLITE
from benchmarks.watchword_under_test import SetupError

# What is asked of two workers, of whole cores: of two that give less, the same share.
BAR = TWO_WORKERS_BAR / 2


@dataclass(frozen=True, slots=True)
class Rate:
    """
    Tokens a second, and how many cores the load generator left.
    """

    per_second: float
    cores_left: float = 1.0

    def beside(self, one: Rate) -> float:
        """
        What it makes of two whole cores, in rates of one server on one core.
        """
        return for_two_cores(self.per_second / one.per_second, self.cores_left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """
    What all measurements share.
    """

    tool: Tool
    cores: Cores
    connections: int
    seconds: int
    warm_ups: int
    output: Path

    def measure(self, homes: Sequence[Seeded], workers: int, cores: Sequence[Sequence[int]]) -> Rate:
        """
        Serve each home on its cores, all at once, and load them alike.
        """
        each = self.connections // len(homes)
        with ExitStack() as stack, ThreadPoolExecutor(len(homes)) as threads:
            served = zip(homes, cores, strict=True)
            origins = [
                stack.enter_context(home.served_by(workers).served(own, self.output)).origin for home, own in served
            ]
            posts = [home.post_of(SQLITE) for home in homes]

            def load(index: int) -> float:
                for _ in range(self.warm_ups):
                    count_answers(self.tool, origins[index], posts[index], connections=each, seconds=1)
                return run_load(
                    self.tool, origins[index], posts[index], connections=each, seconds=self.seconds
                ).per_second

            before = cpu_of_loads()
            rate = sum(threads.map(load, range(len(homes))))
            spent = (cpu_of_loads() - before) / (self.seconds + self.warm_ups)
        all_cores = {core for own in cores for core in own}
        return Rate(rate, len(all_cores) - (spent if self.cores.load in all_cores else 0.0))


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, and print a line for each round and what it comes to.
    """
    parser = argparse.ArgumentParser(prog="two_workers.py", description="Measure what two workers make of two cores.")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=4, help="length of each load (default 4)")
    parser.add_argument("--warm-ups", type=int, default=4, help="loads of a second before that (default 4)")
    parser.add_argument("--connections", type=int, default=64)
    given = parser.parse_args(arguments)
    try:
        return _judge(_measure(given))
    except (LoadError, ServerError, SetupError) as failure:
        print(f"nothing measured: {failure}", file=sys.stderr)
        return 2


def _measure(given: argparse.Namespace) -> list[tuple[float, float]]:
    cores = choose_cores()
    two = cores.of_workers(2)
    found = []
    with tempfile.TemporaryDirectory(prefix="watchword-benchmark-") as name, running_on(cores.load):
        folder = Path(name)
        homes = [Homes(folder / which, None).of(SQLITE) for which in ("one", "other")]
        bench = Bench(
            tool=find_or_install(),
            cores=cores,
            connections=given.connections,
            seconds=given.seconds,
            warm_ups=given.warm_ups,
            output=folder / "output.log",
        )
        for _ in range(given.rounds):
            one = bench.measure(homes[:1], 1, [two[:1]])
            workers = bench.measure(homes[:1], 2, [two])
            servers = bench.measure(homes, 1, [[core] for core in two])
            found.append((workers.beside(one), servers.beside(one)))
            rates = ", ".join(f"{rate.per_second:,.0f}/s" for rate in (one, workers, servers))
            print(f"one server, two workers, two servers: {rates}", flush=True)
    return found


def _judge(found: Sequence[tuple[float, float]]) -> int:
    workers, servers = (statistics.median(side) for side in zip(*found, strict=True))
    share = statistics.median(one / other for one, other in found)
    print(f"in rates of one server, for two whole cores: two workers {workers:.2f}, two servers {servers:.2f}")
    print(f"{'met' if share >= BAR else 'MISSED'}: two workers to two servers: {share:.2f}, at least {BAR:.2f}")
    return 0 if share >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
