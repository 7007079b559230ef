"""
Measures the console: `python benchmarks/console.py`.

Lists of few and of many applications: servers of both homes run at once and are asked in turn, so that whatever else
the machine does meets both. What a page weighs, and when it is first painted. What is left to tokens beside pages that
are reloaded in a loop: the server has one core, all clients another. A page takes the processor; what must not happen
is that it takes more from tokens than that. So the figure is tokens per second of the CPU time that pages leave, beside
them and alone, where what a page costs was measured by itself in the same round.

Exit codes: 0 measured and all bars met; 1 a bar missed; 2 nothing measured, see stderr.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Timer

import httpx

# Run by its path, it finds the other modules of this folder where its folder is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.console_pages import Operator, Reloads
from benchmarks.homes import Homes, Seeded
from benchmarks.load_generator import LoadError, Tool, find_or_install, run_load
from benchmarks.paints import first_paints
from benchmarks.pinned_server import PinnedServer, ServerError, choose_cores, running_on
from benchmarks.rows import Row
from benchmarks.token_endpoint import alone_in
from benchmarks.watchword_under_test import Installation, SetupError

LISTS_BAR = 3.0
WEIGHT_BAR_BYTES = 100 * 1024
PAINT_BAR_MS = 100.0
LEFT_BAR = 0.95
_WITHOUT_BAR = "beyond:"
_PAGE = "/console/applications"
_ONE_WORD = "/health/live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    How much is measured. `seconds` is for each single load, `requests` for each list, `paints` are new windows.
    """

    few: int
    many: int
    requests: int
    paints: int
    seconds: int
    rounds: int
    connections: int
    cache: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """
    Tokens alone, pages alone, and both beside each other: how many, and the CPU seconds of the server.
    """

    tokens_alone: float
    cpu_of_tokens: float
    pages_alone: float
    cpu_of_pages: float
    tokens: float
    pages: float
    cpu: float
    seconds: float

    @property
    def for_pages(self) -> float:
        """
        CPU seconds that pages take beside tokens, by what they take alone.
        """
        return self.pages * self.cpu_of_pages / self.pages_alone

    @property
    def left(self) -> float:
        """
        Tokens per CPU second that pages leave, as a part of tokens per CPU second alone.
        """
        return self.tokens / (self.cpu - self.for_pages) / (self.tokens_alone / self.cpu_of_tokens)


def parse_options(arguments: Sequence[str] | None) -> Options:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(prog="console.py", description="Measure the console.")
    add = parser.add_argument
    add("--few", type=int, default=1_000, help="applications of the small home (default 1000)")
    add("--many", type=int, default=100_000, help="applications of the large home (default 100000)")
    add("--requests", type=int, default=60, help="for each list, in each home (default 60)")
    add("--paints", type=int, default=7, help="windows in which a page is first painted (default 7)")
    add("--seconds", type=int, default=4, help="length of each single load (default 4)")
    add("--rounds", type=int, default=7, help="how often the loads take turns (default 7)")
    add("--connections", type=int, default=64, help="of those who ask for tokens (default 64)")
    add("--cache", type=Path, default=Path(".build/bench"), help="where homes are kept (default .build/bench)")
    return Options(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, print, and say by the exit code how it went.
    """
    options = parse_options(arguments)
    try:
        with alone_in(options.cache):
            bars = [*measure_pages(options), *measure_tokens(options)]
    except (LoadError, ServerError, SetupError, httpx.HTTPError) as failure:
        print(f"nothing measured: {failure}", file=sys.stderr)
        return 2
    return 0 if all(bars) else 1


def measure_pages(options: Options) -> Iterator[bool]:
    """
    Print how long lists take, what pages weigh and when they are seen; say of each bar whether it is met.
    """
    homes = Homes(options.cache, None)
    with ExitStack() as stack:
        few, many = (stack.enter_context(_visited(homes.of(_row(number)))) for number in (options.few, options.many))
        pages = list(zip(few.lists().items(), many.lists().values(), strict=True))
        ratios = {}
        for (name, of_few), of_many in pages:
            small, large = _times((few, of_few), (many, of_many), options.requests)
            ratios[name] = large / small
            print(f"{name:28} p50 {small:7.1f} ms | {large:7.1f} ms | {large / small:5.2f}")
        worst = max(ratio for name, ratio in ratios.items() if not name.startswith(_WITHOUT_BAR))
        yield _bar(worst <= LISTS_BAR, f"{worst:.2f} between {options.few:,} and {options.many:,}; at most {LISTS_BAR}")
        heaviest = max(many.weigh(path) for _, path in pages)
        told = f"{heaviest / 1024:.1f} KiB, the heaviest page with its files; at most {WEIGHT_BAR_BYTES / 1024:.0f}"
        yield _bar(heaviest <= WEIGHT_BAR_BYTES, told)
        paints = first_paints(str(many.http.base_url), _PAGE, _ONE_WORD, dict(many.http.cookies), options.paints)
        if paints is None:
            print("not measured: first paint, which needs Chromium")
        else:
            once = f"a browser that was never here takes {paints.first:.0f} once, {paints.word:.0f} for one word"
            told = f"{paints.pages:.0f} ms to the first paint of a page; less than {PAINT_BAR_MS:.0f}; {once}"
            yield _bar(paints.pages < PAINT_BAR_MS, told)


def measure_tokens(options: Options) -> Iterator[bool]:
    """
    Print what is left to tokens beside pages; say whether the bar is met.
    """
    tool, cores = find_or_install(), choose_cores()
    seeded = Homes(options.cache, None).of(_row(options.few))
    with (
        running_on(cores.load),
        _served(seeded, [cores.server]) as (installation, server),
        Operator(installation) as operator,
    ):
        # Until it knows the applications that ask.
        run_load(tool, server.origin, seeded.hot, connections=options.connections, seconds=options.seconds)
        rounds = [_round(tool, server, seeded, operator, options) for _ in range(options.rounds)]
    for taken in rounds:
        beside, alone = taken.tokens / taken.seconds, taken.tokens_alone / taken.seconds
        share = taken.for_pages / taken.seconds
        told = f"{beside:.0f} beside {taken.pages / taken.seconds:.0f} pages/s, which take {share:.2f} of the core"
        print(f"tokens/s: {alone:.0f} alone, {told}; {taken.left:.2f} per CPU second that they leave")
    median = statistics.median(taken.left for taken in rounds)
    yield _bar(median >= LEFT_BAR, f"{median:.2f} of the tokens per CPU second left by pages; at least {LEFT_BAR}")


def _bar(met: bool, text: str) -> bool:  # noqa: FBT001 - what it says is said beside it
    print(f"{'met   ' if met else 'MISSED'} {text}")
    return met


def _row(applications: int) -> Row:
    return Row(key=f"console-{applications}", name="console", applications=applications)


def _times(few: tuple[Operator, str], many: tuple[Operator, str], requests: int) -> tuple[float, float]:
    """
    Ask in turn; return the p50 of each, in milliseconds.
    """
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(requests):
        for (operator, path), times in zip((few, many), taken, strict=True):
            times.append(operator.time(path))
    return statistics.median(taken[0]), statistics.median(taken[1])


@contextmanager
def _visited(seeded: Seeded) -> Iterator[Operator]:
    with _served(seeded, []) as (installation, _), Operator(installation) as operator:
        yield operator


@contextmanager
def _served(seeded: Seeded, cores: Sequence[int]) -> Iterator[tuple[Installation, PinnedServer]]:
    installation = seeded.served_by(1)
    _let_it_be_its_endpoint(installation)
    with (
        tempfile.TemporaryDirectory(prefix="watchword-benchmark-") as folder,
        installation.served(cores, Path(folder, "output")) as server,
    ):
        yield installation, server


def _let_it_be_its_endpoint(installation: Installation) -> None:
    """
    Name the port of this run in the settings of a kept home: forms are taken from the endpoint's own origin alone.
    """
    file = installation.home / "watchword.toml"
    lines = [line for line in file.read_text().splitlines() if not line.startswith("endpoint")]
    file.write_text("\n".join([f'endpoint = "{installation.origin}"', *lines]) + "\n")


def _round(tool: Tool, server: PinnedServer, seeded: Seeded, operator: Operator, options: Options) -> Round:
    before = server.cpu_seconds()
    alone = run_load(tool, server.origin, seeded.hot, connections=options.connections, seconds=options.seconds)
    after_tokens = server.cpu_seconds()
    pages = _reload_for(operator, options.seconds)
    after_pages = server.cpu_seconds()
    stop = Event()
    with ThreadPoolExecutor(1) as beside:
        reloading = beside.submit(operator.reload, _PAGE, stop)
        load = run_load(tool, server.origin, seeded.hot, connections=options.connections, seconds=options.seconds)
        stop.set()
        reloaded = reloading.result()
    return Round(
        tokens_alone=alone.requests,
        cpu_of_tokens=after_tokens - before,
        pages_alone=pages.pages,
        cpu_of_pages=after_pages - after_tokens,
        tokens=load.requests,
        pages=reloaded.pages,
        cpu=server.cpu_seconds() - after_pages,
        seconds=load.seconds,
    )


def _reload_for(operator: Operator, seconds: float) -> Reloads:
    stop = Event()
    timer = Timer(seconds, stop.set)
    timer.start()
    return operator.reload(_PAGE, stop)


if __name__ == "__main__":
    sys.exit(main())
