"""
Owns the load: finds wrk or oha (installs wrk where that is possible), runs it and reads what it says.

Whoever calls `run_load` decides the core: a load generator inherits the affinity of this process.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

HOW_TO_INSTALL = (
    "The benchmark needs a load generator: wrk, or oha. On Debian and Ubuntu: apt-get install wrk. "
    "With a Rust tool chain: cargo install oha."
)

# An answer that takes longer is a failure. A busy machine alone should not make one.
_PATIENCE_SECONDS = 10

# What wrk prints by itself is rounded for people; this line has it exact, and the failures apart.
_WRK_DONE = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'LOAD {"requests":%.0f,"microseconds":%.0f,"bytes":%.0f,"p50":%.0f,"p99":%.0f,' ..
    '"connect":%.0f,"read":%.0f,"write":%.0f,"timeout":%.0f,"status":%.0f}\\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50.0), latency:percentile(99.0),
    e.connect, e.read, e.write, e.timeout, e.status))
end
"""

# Seeded anew for each load: the same draw again would find what the one before has left in memory.
_WRK_DRAW = """
math.randomseed(%d)
local lines = {}
for line in io.lines(%s) do lines[#lines + 1] = line end
request = function()
  wrk.headers["Authorization"] = lines[math.random(#lines)]
  return wrk.format()
end
"""


class LoadError(Exception):
    """
    No load could be made, or what came back can't be counted as answers.
    """


class Tool(StrEnum):
    """
    A load generator that this benchmark can drive.
    """

    WRK = "wrk"
    OHA = "oha"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """
    The one request that is sent over and over. Its headers carry credentials, so they have no repr.

    `drawn` names a file of `Authorization` values, one a line: wrk draws one for each request, oha takes the header
    as it stands.
    """

    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: str
    drawn: Path | None = None

    def on_connections_of_its_own(self) -> Post:
        """
        Ask the server to close the connection after each answer.
        """
        return replace(self, headers={**self.headers, "Connection": "close"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """
    What one run of the load generator saw.

    `seconds` is the time measured, `p50_ms` and `p99_ms` are latencies, `refused` counts answers that are no
    2xx, `broken` connections that failed or timed out. `bytes_per_answer` is a mean: wrk counts headers too.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int
    bytes_per_answer: float

    @property
    def per_second(self) -> float:
        """
        Answers a second.
        """
        return self.requests / self.seconds


def find_or_install() -> Tool:
    """
    Say which load generator there is; without one, install wrk with apt-get where this process may.

    Raises:
        LoadError: There is none and it can't be installed. The text says what to do.
    """
    for tool in Tool:
        if shutil.which(tool):
            return tool
    if not can_install():
        raise LoadError(HOW_TO_INSTALL)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", "wrk"]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise LoadError(f"`{' '.join(command)}` failed: {last}. {HOW_TO_INSTALL}")
    if not shutil.which(Tool.WRK):
        raise LoadError(f"apt-get installed wrk, but it is not on the PATH. {HOW_TO_INSTALL}")
    return Tool.WRK


def can_install() -> bool:
    """
    Say whether apt-get is there and this process is allowed to use it.
    """
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def run_load(tool: Tool, origin: str, post: Post, *, connections: int, seconds: int) -> Load:
    """
    Send the request over `connections` kept-alive connections for `seconds`, and count.

    Args:
        origin: Scheme, host and port, without a slash at the end.

    Raises:
        LoadError: The tool failed, or one answer was not 2xx, or one connection broke.
    """
    load = count_answers(tool, origin, post, connections=connections, seconds=seconds)
    if load.requests == 0:
        raise LoadError(f"{origin} gave no answer in {seconds} s over {connections} connections")
    if load.refused or load.broken:
        raise LoadError(
            f"{origin} over {connections} connections: {load.refused} of {load.requests} answers were no 2xx "
            f"and {load.broken} connections broke or timed out. Figures with failures in them mean nothing."
        )
    return load


def cpu_of_loads() -> float:
    """
    Add up the CPU seconds that load generators have used, of this process and so far.

    Of other children only those count that have ended: between two calls that is none, where servers stay up.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def count_answers(tool: Tool, origin: str, post: Post, *, connections: int, seconds: int) -> Load:
    """
    As `run_load`, and take whatever comes back for an answer: for requests that are meant to be refused.

    Raises:
        LoadError: The tool failed.
    """
    run = _run_wrk if tool is Tool.WRK else _run_oha
    return run(f"{origin}{post.path}", post, connections, seconds)


def parse_wrk(output: str) -> Load:
    """
    Read the line that our script makes wrk print.

    Raises:
        LoadError: The line is not there.
    """
    lines = [line.removeprefix("LOAD ") for line in output.splitlines() if line.startswith("LOAD {")]
    if len(lines) != 1:
        raise LoadError(f"wrk did not print its result: {output[-500:]!r}")
    seen = json.loads(lines[0])
    return Load(
        requests=seen["requests"],
        seconds=seen["microseconds"] / 1e6,
        p50_ms=seen["p50"] / 1e3,
        p99_ms=seen["p99"] / 1e3,
        refused=seen["status"],
        broken=seen["connect"] + seen["read"] + seen["write"] + seen["timeout"],
        bytes_per_answer=seen["bytes"] / max(seen["requests"], 1),
    )


def parse_oha(output: str) -> Load:
    """
    Read oha's JSON report. Requests that were under way when the time was up are neither answers nor errors.

    Raises:
        LoadError: It is no such report.
    """
    try:
        seen = json.loads(output)
        summary, latency, statuses = (
            seen["summary"],
            seen["latencyPercentiles"],
            seen["statusCodeDistribution"],
        )
        errors = seen["errorDistribution"]
    except (ValueError, KeyError, TypeError) as wrong:
        raise LoadError(f"oha did not print its result: {output[-500:]!r}") from wrong
    return Load(
        requests=sum(statuses.values()),
        seconds=summary["total"],
        p50_ms=(latency["p50"] or 0) * 1e3,
        p99_ms=(latency["p99"] or 0) * 1e3,
        refused=sum(count for status, count in statuses.items() if not status.startswith("2")),
        broken=sum(count for message, count in errors.items() if message != "aborted due to deadline"),
        bytes_per_answer=summary["sizePerRequest"] or 0,
    )


def wrk_script(post: Post) -> str:
    """
    Write the Lua that makes wrk send this request and print an exact result.

    Raises:
        LoadError: The request has characters that a Lua string can't hold as they are.
    """
    headers = "".join(f"wrk.headers[{_lua(name)}] = {_lua(value)}\n" for name, value in post.headers.items())
    draw = _WRK_DRAW % (time.time_ns() % 2**31, _lua(str(post.drawn))) if post.drawn else ""
    return f'wrk.method = "POST"\nwrk.body = {_lua(post.body)}\n{headers}{draw}{_WRK_DONE}'


def _lua(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise LoadError("the request has characters that are not printable ASCII")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _run_wrk(url: str, post: Post, connections: int, seconds: int) -> Load:
    # The script holds a secret: a temporary file is readable by its owner alone, an argument by everyone.
    with tempfile.TemporaryDirectory(prefix="watchword-benchmark-") as folder:
        path = Path(folder, "post.lua")
        path.write_text(wrk_script(post))
        arguments = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
        arguments += ["--timeout", f"{_PATIENCE_SECONDS}s"]
        return parse_wrk(_output(["wrk", *arguments, "--script", str(path), url]))


def _run_oha(url: str, post: Post, connections: int, seconds: int) -> Load:
    # oha takes headers as arguments only; the secret in them belongs to an installation made for this run.
    headers = [part for name, value in post.headers.items() for part in ("-H", f"{name}: {value}")]
    arguments = ["-z", f"{seconds}s", "-c", str(connections), "--no-tui", "--output-format", "json"]
    arguments += ["-t", f"{_PATIENCE_SECONDS}s", "--insecure"]  # as wrk: the certificate is the benchmark's own
    return parse_oha(_output(["oha", *arguments, "-m", "POST", *headers, "-d", post.body, url]))


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LoadError(f"{command[0]} failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout
