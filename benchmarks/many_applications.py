"""
Measures what a million applications cost: `python benchmarks/many_applications.py --large 1000000`.

Two homes are seeded, a small one and a large one, and served on one core in turns; a load generator on another asks for
tokens as many applications. Three figures come out, each against the small home in the same round: the rate with the
same number of hot applications, the rate with applications drawn at random from all, and start-up and memory.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

# Run by its path, it finds the other modules of this folder where its folder is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.load_generator import Load, LoadError, run_wrk_script, wrk_script
from benchmarks.pinned_server import Cores, PinnedServer, choose_cores, free_port, running_on
from benchmarks.watchword_under_test import (
    READY_PATH,
    clean_environment,
    find_executable,
    run_watchword,
    token_post,
)

HOT = 1_000
# Each thread of wrk draws an application for each request.
_DRAW = """
local lines = {}
for line in io.lines(%s) do lines[#lines + 1] = line end
request = function()
  wrk.headers["Authorization"] = lines[math.random(#lines)]
  return wrk.format()
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """
    A home, and files with the credentials of its applications: of the hot ones, and of all.
    """

    home: Path
    indicator: str
    hot: Path
    everybody: Path
    first: tuple[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Seed, measure, and print a line for each figure.
    """
    parser = argparse.ArgumentParser(prog="many_applications.py", description="Measure what many applications cost.")
    parser.add_argument("--large", type=int, default=1_000_000, help="applications of the large home (default 1000000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8, help="length of each single load (default 8)")
    parser.add_argument("--folder", type=Path, help="where the homes are, and stay (default: a temporary folder)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="watchword-benchmark-") as temporary:
        folder = given.folder or Path(temporary)
        homes = {name: seed(folder / name, number) for name, number in (("small", HOT), ("large", given.large))}
        print(json.dumps(measure(homes, folder, rounds=given.rounds, seconds=given.seconds), indent=2))
    return 0


def seed(folder: Path, number: int) -> Seeded:
    """
    Make a home with so many applications, unless it is there.
    """
    home, secrets, made = folder / "home", folder / "secrets", folder / "made.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not made.exists():
        run_watchword("init", "--home", str(home), "--json")
        told = run_watchword(
            "dev", "seed", "--home", str(home), "--applications", str(number), "--secrets", str(secrets),
            "--yes", "--json",
        )  # fmt: skip
        made.write_text(told)
    lines = [line.partition(":") for line in secrets.read_text().splitlines()]
    headers = ["Basic " + b64encode(f"{one}:{secret}".encode()).decode() for one, _, secret in lines]
    hot, everybody = folder / "hot", folder / "everybody"
    for path, some in ((hot, headers[:HOT]), (everybody, headers)):
        path.touch(mode=0o600)
        path.write_text("\n".join(some) + "\n")
    indicator = json.loads(made.read_text())["resources"][0]
    return Seeded(home=home, indicator=indicator, hot=hot, everybody=everybody, first=(lines[0][0], lines[0][2]))


def measure(homes: dict[str, Seeded], folder: Path, *, rounds: int, seconds: int) -> dict[str, float]:
    """
    Take rounds in which the homes take turns; return the medians of what the large one has against the small one.
    """
    cores = choose_cores()
    taken: dict[str, list[float]] = {"hot": [], "random": [], "cold start": [], "resident MiB more": []}
    with running_on(cores.load):
        for number in range(rounds):
            with ExitStack() as stack:
                small, large = (stack.enter_context(_serve(homes[name], cores, folder)) for name in ("small", "large"))
                taken["cold start"].append(large.seconds_to_ready / small.seconds_to_ready)
                taken["resident MiB more"].append((large.resident_bytes() - small.resident_bytes()) / (1 << 20))
                # Once unmeasured: what is hot is remembered, and what is remembered is what the figures are about.
                for server, name in ((small, "small"), (large, "large")):
                    _load(server, homes[name], homes[name].hot, 2)
                base = _load(small, homes["small"], homes["small"].hot, seconds).per_second
                hot = _load(large, homes["large"], homes["large"].hot, seconds).per_second
                anybody = _load(large, homes["large"], homes["large"].everybody, seconds).per_second
            taken["hot"].append(hot / base)
            taken["random"].append(anybody / base)
            print(f"round {number + 1}: {base:,.0f}/s, hot {hot:,.0f}/s, random {anybody:,.0f}/s", file=sys.stderr)
    return {name: round(statistics.median(values), 3) for name, values in taken.items()}


def _serve(seeded: Seeded, cores: Cores, folder: Path) -> PinnedServer:
    port = free_port()
    command = [find_executable(), "serve", "--home", str(seeded.home), "--port", str(port), "--workers", "1"]
    server = PinnedServer(
        command, core=cores.server, port=port, output=folder / "output.log", environment=clean_environment()
    )
    return server.wait_until_ready(READY_PATH)


def _load(server: PinnedServer, seeded: Seeded, credentials: Path, seconds: int) -> Load:
    post = token_post(*seeded.first, resource=seeded.indicator, scope="read:things write:things")
    script = wrk_script(post) + _DRAW % json.dumps(str(credentials))
    load = run_wrk_script(f"{server.origin}{post.path}", script, connections=64, seconds=seconds)
    if load.refused or load.broken:
        raise LoadError(f"{load.refused} of {load.requests} answers were no tokens, {load.broken} connections broke")
    return load


if __name__ == "__main__":
    sys.exit(main())
