"""
Owns how a row is measured: the server started, loaded turn and turn about with the sign-only app, counted, stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Block, Turn
from benchmarks.homes import HOT, PERMISSIONS, Seeded
from benchmarks.load_generator import Load, Post, Tool, count_answers, cpu_of_loads, run_load
from benchmarks.pinned_server import Cores, PinnedServer, cpu_seconds
from benchmarks.postgres_server import PostgresServer
from benchmarks.rows import Row
from benchmarks.tls_proxy import serve_tls
from benchmarks.watchword_under_test import (
    SetupError,
    check_answer,
    check_whole_answers,
    count_audit_records,
    count_lines,
    management,
)
from benchmarks.yardsticks import raw_signatures_per_second

# So many tokens for each hot application before anything is measured: what is asked for once is read and noted once.
_WARM_UP_TIMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """
    What all rows share: load generator, cores, the sign-only app, PostgreSQL if any, and how long a load takes.

    `folder` is for files of this run alone, `warm_ups` how many loads of a second a server may have before the first.
    """

    tool: Tool
    cores: Cores
    sign_only: PinnedServer
    postgres: PostgresServer | None
    connections: Sequence[int]
    seconds: int
    warm_ups: int
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """
    What is loaded: the sign-only app's origin, and the server's, with the answer's length in bytes.
    """

    row: Row
    post: Post
    sign_only: str
    server: str
    body_bytes: int


def take_block(bench: Bench, row: Row, seeded: Seeded) -> Block:
    """
    Measure a row once at each number of connections.

    Raises:
        LoadError, ServerError, SetupError: It could not be measured, or a token has no record.
    """
    raw = raw_signatures_per_second(bench.cores.server, seconds=min(1.0, bench.seconds / 4))
    installation, post = seeded.served_by(row.workers), seeded.post_of(row)
    output = bench.folder / "output.log"
    output.unlink(missing_ok=True)
    with installation.served(bench.cores.of_workers(row.workers), output) as server, management(installation) as api:
        body_bytes = check_answer(server.origin, seeded.hot, PERMISSIONS)
        records = count_audit_records(api)
        with _origins(bench, row, server) as (sign_only, origin):
            target = _Target(row=row, post=post, sign_only=sign_only, server=origin, body_bytes=body_bytes)
            answered, turns, resident = _warm_up(bench, target), [], server.resident_bytes()
            for connections in bench.connections:
                turns.append(_take_turn(bench, target, connections))
                resident = max(resident, server.resident_bytes())
        records = count_audit_records(api) - records
    block = Block(
        row=row,
        seconds_to_ready=server.seconds_to_ready,
        resident_bytes=resident,
        raw_signatures_per_second=raw,
        turns=turns,
        tokens_answered=answered + sum(turn.server.requests for turn in turns),
        audit_records=records,
        request_lines=count_lines(output),
    )
    check_nothing_left_out(block)
    return block


def check_nothing_left_out(block: Block) -> None:
    """
    Hold what was written down against what was answered: a token without its record would flatter us.

    Raises:
        SetupError: There are fewer audit records, or fewer request lines, than tokens.
    """
    for what, count in (("audit records", block.audit_records), ("request lines", block.request_lines)):
        if count < block.tokens_answered:
            raise SetupError(
                f"{block.row.name}: {block.tokens_answered} tokens were answered, but there are {count} {what}"
            )


def _warm_up(bench: Bench, target: _Target) -> int:
    """
    Load the server for seconds at a time until its hot applications are known to it; return the tokens answered.
    """
    answered = 0
    for _ in range(bench.warm_ups):
        # Not one answer in a second is no failure here: a disk that was just written to may need that long.
        load = count_answers(bench.tool, target.server, target.post, connections=max(bench.connections), seconds=1)
        answered += load.requests - load.refused
        if answered >= _WARM_UP_TIMES * HOT:
            break
    return answered


def _take_turn(bench: Bench, target: _Target, connections: int) -> Turn:
    sign_only = _load(bench, target.sign_only, target.post, connections, bench.seconds)
    cores = bench.cores.of_workers(target.row.workers)
    with _counting(bench, target.row, cores) as spent:
        server = _load(bench, target.server, target.post, connections, bench.seconds)
    check_whole_answers(server, target.body_bytes)
    return Turn(
        connections=connections,
        sign_only=sign_only,
        server=server,
        cores=len(cores),
        others_cpu_seconds=spent[0],
    )


@contextmanager
def _origins(bench: Bench, row: Row, server: PinnedServer) -> Iterator[tuple[str, ...]]:
    origins = (bench.sign_only.origin, server.origin)
    if not row.tls:
        yield origins
        return
    with serve_tls(origins, bench.cores.server) as proxied:
        yield proxied


@contextmanager
def _counting(bench: Bench, row: Row, cores: Sequence[int]) -> Iterator[list[float]]:
    """
    Count the CPU seconds that load generator and PostgreSQL spend meanwhile on cores that the server may use.
    """
    spent: list[float] = []
    if bench.cores.load not in cores:
        yield spent
        spent.append(0.0)
        return
    before = _cpu_of_others(bench, row)
    yield spent
    spent.append(_cpu_of_others(bench, row) - before)


def _cpu_of_others(bench: Bench, row: Row) -> float:
    database = cpu_seconds(bench.postgres.pid) if bench.postgres and row.postgresql else 0.0
    return cpu_of_loads() + database


def _load(bench: Bench, origin: str, post: Post, connections: int, seconds: int) -> Load:
    return run_load(bench.tool, origin, post, connections=connections, seconds=seconds)
