"""
Measures what happens beyond capacity: `python benchmarks/overload.py`.

First a closed load finds the capacity, then an open one offers a multiple of it. What is accepted must be answered
soon, and the rest be refused quickly. Last twice as many connections ask again as soon as they were refused: a part of
the capacity must be left.

Exit codes: 0 measured and the bar met; 1 the bar missed; 2 nothing measured, see stderr.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx

# Run by its path, it finds the other modules of this folder where its folder is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load_generator import LoadError, Post, Tool, count_answers, find_or_install, run_load
from benchmarks.open_loop import Answers, OpenLoop, percentile
from benchmarks.pinned_server import Cores, ServerError, choose_cores, running_on
from benchmarks.watchword_under_test import (
    SetupError,
    find_executable,
    initialise,
    prepare,
)

MOST_P99_MS = 250.0
LEAST_LEFT = 0.25
_CLOSED_CONNECTIONS = 256
_WARM_UP_SECONDS = 2
_QUIET_SECONDS = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Measure, print, and say by the exit code how it went.
    """
    parser = argparse.ArgumentParser(prog="overload.py", description="Measure the token endpoint beyond its capacity.")
    parser.add_argument("--times", type=float, default=2.0, help="offered, as a multiple of the capacity (default 2)")
    parser.add_argument("--seconds", type=int, default=10, help="length of each load (default 10)")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="watchword-benchmark-") as folder:
            return measure(Path(folder), choose_cores(), options.times, options.seconds)
    except (LoadError, ServerError, SetupError, httpx.HTTPError) as failure:
        print(f"nothing measured: {failure}", file=sys.stderr)
        return 2


def measure(folder: Path, cores: Cores, times: float, seconds: int) -> int:
    """
    Find the capacity, offer a multiple of it, and print both.

    Raises:
        LoadError, ServerError, SetupError: It could not be measured.
    """
    tool = find_or_install()
    with running_on(cores.load):
        installation = initialise(find_executable(), folder / "home")
        with installation.served([cores.server], folder / "server.log") as server:
            post = prepare(installation).post
            capacity = find_capacity(tool, server.origin, post, seconds)
            time.sleep(_QUIET_SECONDS)
            answers = OpenLoop(installation.port, post).run(capacity * times, seconds)
            print_answers(answers, seconds)
            time.sleep(_QUIET_SECONDS)
            left = find_left(tool, server.origin, post, seconds) / capacity
    print(f"left       {left:.2f} of the capacity, at least {LEAST_LEFT}")
    in_time = not answers.broken and not answers.unanswered and percentile(answers.tokens, 0.99) <= MOST_P99_MS
    return 0 if in_time and left >= LEAST_LEFT else 1


def find_capacity(tool: Tool, origin: str, post: Post, seconds: int) -> float:
    """
    Measure the tokens a second that a closed load gets, none of which may be refused.
    """
    run_load(tool, origin, post, connections=_CLOSED_CONNECTIONS, seconds=_WARM_UP_SECONDS)
    time.sleep(_QUIET_SECONDS)  # what the warm-up left behind is not counted among the connections
    load = run_load(tool, origin, post, connections=_CLOSED_CONNECTIONS, seconds=seconds)
    print(f"capacity   {load.per_second:8,.0f}/s at {_CLOSED_CONNECTIONS} connections, p99 {load.p99_ms:.0f} ms")
    return load.per_second


def find_left(tool: Tool, origin: str, post: Post, seconds: int) -> float:
    """
    Measure the tokens a second that are issued to more connections than are let in, each of which asks again at once.
    """
    connections = 2 * _CLOSED_CONNECTIONS
    load = count_answers(tool, origin, post, connections=connections, seconds=seconds)
    accepted, refused = (number / load.seconds for number in (load.requests - load.refused, load.refused))
    print(f"impatient  {accepted:8,.0f}/s accepted, {refused:,.0f}/s refused, {connections} connections")
    return accepted


def print_answers(answers: Answers, seconds: int) -> None:
    """
    Print what came back.
    """
    print(f"offered    {answers.per_second:8,.0f}/s")
    for name, latencies in (("accepted", answers.tokens), ("refused", answers.refusals)):
        middle, high = percentile(latencies, 0.5), percentile(latencies, 0.99)
        print(f"{name:10} {len(latencies) / seconds:8,.0f}/s, p50 {middle:.0f} ms, p99 {high:.0f} ms")
    print(f"others {answers.others}, broken {answers.broken}, unanswered {answers.unanswered}")


if __name__ == "__main__":
    sys.exit(main())
