"""
Measures the token endpoint: `python benchmarks/token_endpoint.py`.

The server runs on one core with its settings as they come, a real load generator on another. Ratios are taken
in the same run against a fixed sign-only app and against raw signing, so that they can be compared between
machines and days.

Exit codes: 0 measured and every bar met; 1 a bar missed (unless --no-bars); 2 nothing measured, see stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

# Run by its path, it finds the other modules of this folder where its folder is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import Report, Round
from benchmarks.load_generator import LoadError, Post, Tool, find_or_install, run_load
from benchmarks.pinned_server import Cores, PinnedServer, ServerError, choose_cores, running_on
from benchmarks.watchword_under_test import (
    READY_PATH,
    Installation,
    SetupError,
    check_answer,
    check_home_is_free,
    check_whole_answers,
    clean_environment,
    count_audit_records,
    count_lines,
    find_executable,
    initialise,
    prepare,
    version_of,
)
from benchmarks.yardsticks import describe_machine, raw_signatures_per_second, serve_sign_only

_WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    How much is measured, and where. `seconds` is for each single load, a `home` of `None` a temporary folder.
    """

    seconds: int
    rounds: int
    cold_starts: int
    connections: tuple[int, ...]
    home: Path | None
    json_file: Path | None
    bars: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """
    What all rounds gave. `tokens_answered` counts every token the load generator got, warm-up too.
    """

    rounds: list[Round]
    resident_bytes: int
    tokens_answered: int


def parse_options(arguments: Sequence[str] | None) -> Options:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(prog="token_endpoint.py", description="Measure Watchword's token endpoint.")
    add = parser.add_argument
    add("--seconds", type=_positive, help="length of each single load (default 8)")
    add("--rounds", type=_positive, help="how often sign-only app and server take turns (default 3)")
    add("--connections", type=_numbers, default=(1, 16, 64), help="comma-separated (default 1,16,64)")
    add(
        "--home",
        type=Path,
        help="folder for the server's data, absent or empty; kept (default: a temporary one)",
    )
    add("--json", type=Path, dest="json_file", metavar="FILE", help="also write the figures to FILE")
    add("--no-bars", action="store_false", dest="bars", help="exit 0 even when a bar is missed")
    add(
        "--quick",
        action="store_true",
        help="a smoke test: 2 s, 1 round, 2 cold starts; its figures are rough",
    )
    given = parser.parse_args(arguments)
    return Options(
        seconds=given.seconds or (2 if given.quick else 8),
        rounds=given.rounds or (1 if given.quick else 3),
        cold_starts=2 if given.quick else 5,
        connections=given.connections,
        home=given.home,
        json_file=given.json_file,
        bars=given.bars,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, print, and say by the exit code how it went.
    """
    options = parse_options(arguments)
    try:
        report = measure(options)
    except (LoadError, ServerError, SetupError, httpx.HTTPError) as failure:
        print(f"nothing measured: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("nothing measured: interrupted", file=sys.stderr)
        return 2
    print(report.as_text())
    if options.json_file:
        options.json_file.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    return 1 if options.bars and any(bar.missed for bar in report.bars) else 0


def measure(options: Options) -> Report:
    """
    Make an installation, measure it, and check that nothing was left out.

    Raises:
        LoadError, ServerError, SetupError, httpx.HTTPError: It could not be measured.
    """
    check_home_is_free(options.home)
    cores = choose_cores()
    executable = find_executable()
    conditions = describe(options, cores, version_of(executable))
    say("looking for wrk or oha")
    tool = find_or_install()
    with tempfile.TemporaryDirectory(prefix="watchword-benchmark-") as folder, running_on(cores.load):
        output = Path(folder, "output.log")
        installation = initialise(executable, options.home or Path(folder, "home"))
        cold_starts = measure_cold_starts(installation, cores, output, times=options.cold_starts)
        with serve(installation, cores, output) as server:
            measured = prepare(installation)
            lines_before = count_lines(output)
            sign_only_output = Path(folder, "sign-only.log")
            with serve_sign_only(cores.server, sign_only_output, clean_environment()) as sign_only:
                taken = take_rounds(options, tool, cores, (sign_only, server), measured.post)
            audit_records = count_audit_records(installation, measured.application_id)
        lines = count_lines(output) - lines_before
    report = Report(
        conditions={**conditions, "load generator": str(tool)},
        rounds=taken.rounds,
        cold_starts_seconds=cold_starts,
        resident_bytes=taken.resident_bytes,
        tokens_answered=taken.tokens_answered,
        audit_records=audit_records,
        request_lines=lines,
    )
    check_nothing_left_out(report)
    return report


def measure_cold_starts(installation: Installation, cores: Cores, output: Path, *, times: int) -> list[float]:
    """
    Start and stop the server `times` times; give the seconds from exec to the first 200 of `/health/ready`.
    """
    seconds = []
    for number in range(times):
        with serve(installation, cores, output) as server:
            seconds.append(server.seconds_to_ready)
        say(f"cold start {number + 1}/{times}: {seconds[-1]:.2f} s")
    return seconds


@contextmanager
def serve(installation: Installation, cores: Cores, output: Path) -> Iterator[PinnedServer]:
    """
    Run the server on its core, ready.
    """
    started = PinnedServer(
        installation.serve_command,
        core=cores.server,
        port=installation.port,
        output=output,
        environment=clean_environment(),
    )
    with started as server:
        yield server.wait_until_ready(READY_PATH)


def take_rounds(
    options: Options, tool: Tool, cores: Cores, servers: tuple[PinnedServer, PinnedServer], post: Post
) -> Taken:
    """
    Let sign-only app and server take turns under the same load: what disturbs the machine disturbs both.

    Args:
        servers: The sign-only app, then the server.
    """
    server = servers[1]
    body_bytes = check_answer(server.origin, post)
    warm_up = [
        run_load(tool, target.origin, post, connections=max(options.connections), seconds=_WARM_UP_SECONDS)
        for target in servers
    ]
    rounds, resident, answered = [], server.resident_bytes(), warm_up[1].requests
    for number in range(options.rounds):
        for connections in options.connections:
            raw = raw_signatures_per_second(cores.server, seconds=min(1.0, options.seconds / 4))
            loads = [
                run_load(tool, target.origin, post, connections=connections, seconds=options.seconds)
                for target in servers
            ]
            turn = Round(connections=connections, raw_signatures_per_second=raw, sign_only=loads[0], server=loads[1])
            check_whole_answers(turn.server, body_bytes)
            rounds.append(turn)
            answered += turn.server.requests
            resident = max(resident, server.resident_bytes())
            say_round(turn, f"round {number + 1}/{options.rounds}")
    check_answer(server.origin, post)
    return Taken(rounds=rounds, resident_bytes=resident, tokens_answered=answered)


def check_nothing_left_out(report: Report) -> None:
    """
    Hold what was written down against what was answered: a token without its record would flatter us.

    Raises:
        SetupError: There are fewer audit records, or fewer request lines, than tokens.
    """
    for what, count in (("audit records", report.audit_records), ("request lines", report.request_lines)):
        if count < report.tokens_answered:
            raise SetupError(f"{report.tokens_answered} tokens were answered, but there are {count} {what}")


def describe(options: Options, cores: Cores, version: str) -> dict[str, str]:
    """
    Say under which conditions the figures are taken. The load average tells whether others used the machine.
    """
    used = "two threads of one core: expect low figures" if cores.shared else "one core each"
    return {
        "version": version,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "pinned": f"server on core {cores.server}, load generator on core {cores.load} ({used})",
        "load average before": f"{os.getloadavg()[0]:.2f} (above 0.5: something else was running)",
        "taken": f"{options.rounds} x {options.seconds} s for each number of connections",
    }


def say_round(turn: Round, which: str) -> None:
    """
    Show a round's figures as soon as they are there.
    """
    ratio = turn.server.per_second / turn.sign_only.per_second
    say(
        f"{which}, {turn.connections} connections: sign-only {turn.sign_only.per_second:,.0f}/s, "
        f"tokens {turn.server.per_second:,.0f}/s, ratio {ratio:.2f}"
    )


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
