"""
What the benchmark reckons and shows: medians, ratios, cores left, bars, the table.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.bars import Bar, bars_of, for_two_cores
from benchmarks.figures import Block, Report, Turn
from benchmarks.load_generator import Load
from benchmarks.pinned_server import Cores
from benchmarks.rows import (
    MILLION,
    POSTGRESQL,
    ROWS,
    SQLITE,
    SQLITE_1M,
    SQLITE_1M_RANDOM,
    SQLITE_2,
    TLS,
    Row,
    choose,
)
from benchmarks.table import as_text
from benchmarks.turns import check_nothing_left_out
from benchmarks.watchword_under_test import SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence

MEETS_ALL = {SQLITE: 0.6, POSTGRESQL: 0.54, SQLITE_2: 0.95, SQLITE_1M: 0.57, SQLITE_1M_RANDOM: 0.3}


def test_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    """
    A disturbed round does not move the ratio, and medians are not divided by each other.
    """
    rounds = [(20_000, 10_000), (10_000, 4_000), (30_000, 3_000)]
    report = a_report(
        [a_block(SQLITE, [a_turn(16, sign_only=one, server=other)]) for one, other in rounds],
    )
    cell = report.cell(SQLITE, 16)
    assert cell is not None
    assert cell.ratios_to_sign_only == pytest.approx((0.5, 0.4, 0.1))
    assert cell.ratio_to_sign_only == pytest.approx(0.4)
    assert cell.tokens_per_second == pytest.approx(4_000)
    assert cell.ratio_to_raw_signing == pytest.approx(0.1)


def test_rows_are_compared_within_a_round_and_beside_their_own_sign_only_app() -> None:
    """
    A machine that is twice as slow for one of the two rows changes nothing; the middle round counts.
    """
    report = a_report(
        [
            a_block(row, [a_turn(64, sign_only=speed, server=speed * ratio)])
            for sqlite, postgresql in ((0.5, 0.4), (0.4, 0.36), (0.5, 0.1))
            for row, speed, ratio in ((SQLITE, 10_000, sqlite), (POSTGRESQL, 5_000, postgresql))
        ]
    )
    assert report.compared(POSTGRESQL, SQLITE, 64) == pytest.approx(0.8)
    assert report.compared(POSTGRESQL, SQLITE, 16) is None
    assert report.compared(SQLITE_2, SQLITE, 64) is None


def test_cores_left_are_those_that_others_did_not_use() -> None:
    """
    Two cores of which the load generator took 0.4 for the whole load leave 1.6, and a factor is told for two.
    """
    turn = a_turn(64, sign_only=10_000, server=10_000, cores=2, others=0.4)
    assert turn.cores_left == pytest.approx(1.6)
    assert for_two_cores(1.36, turn.cores_left) == pytest.approx(1.7)


@pytest.mark.parametrize(
    ("spare", "two", "database"),
    [
        pytest.param((), (0, 1), (1,), id="two cores: all share"),
        pytest.param((2,), (0, 2), (1,), id="three: two workers have their own"),
        pytest.param((2, 3), (0, 2), (1, 3), id="four: the database has one besides"),
    ],
)
def test_workers_take_the_load_generators_core_last(
    spare: tuple[int, ...], two: tuple[int, ...], database: tuple[int, ...]
) -> None:
    """
    One worker always has a core of its own.
    """
    cores = Cores(server=0, load=1, spare=spare, shared=False)
    assert cores.of_workers(1) == (0,)
    assert cores.of_workers(2) == two
    assert cores.of_database == database


@pytest.mark.parametrize(
    ("measured", "at_most", "verdict"),
    [
        pytest.param(0.35, False, "met", id="exactly enough"),
        pytest.param(0.349, False, "MISSED", id="too little"),
        pytest.param(0.35, True, "met", id="exactly at the limit"),
        pytest.param(0.351, True, "MISSED", id="too much"),
        pytest.param(None, False, "not measured", id="not measured"),
    ],
)
def test_bar_says_whether_it_was_met(measured: float | None, at_most: bool, verdict: str) -> None:
    """
    The line begins with the verdict; only a measured figure can miss.
    """
    bar = Bar(row=SQLITE, name="bar", required=0.35, measured=measured, at_most=at_most)
    assert bar.line.startswith(verdict)
    assert bar.missed is (verdict == "MISSED")


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        pytest.param({}, [], id="all met"),
        pytest.param({"ratios": {SQLITE: 0.44}}, ["app at 16 connections", "app at 64 connections"], id="slow"),
        pytest.param({"ratios": {SQLITE: 0.51}}, ["app at 64 connections"], id="slow at 64 connections"),
        pytest.param({"p99_ms": 10.1}, ["p99 at 16"], id="late answers"),
        pytest.param({"cold_start": 1.1}, ["cold start"], id="slow to start"),
        pytest.param({"resident": 111 * 2**20}, ["resident memory"], id="too large"),
        pytest.param({"ratios": {POSTGRESQL: 0.47}}, ["PostgreSQL to SQLite"], id="slow on PostgreSQL"),
        pytest.param({"ratios": {SQLITE_2: 0.91}}, ["two workers"], id="workers in each other's way"),
        pytest.param({"ratios": {SQLITE_1M: 0.53}}, ["the same hot applications"], id="slow among many"),
        pytest.param({"ratios": {SQLITE_1M_RANDOM: 0.14}}, ["drawn from all"], id="slow to read"),
    ],
)
def test_report_holds_each_figure_against_its_bar(changed: dict[str, Any], missed: list[str]) -> None:
    """
    Each bar judges its own figure, and both forms of the report say the same.
    """
    report = a_whole_report(**changed)
    bars = [bar for bar in bars_of(report) if bar.missed]
    assert len(bars) == len(missed)
    assert all(part in bar.name for part, bar in zip(missed, bars, strict=True))
    rows = {bar.row for bar in bars}
    assert as_text(report).count("MISSED") == len(missed) + len(rows)
    assert [bar.as_json()["met"] for bar in bars] == [False] * len(missed)


def test_bars_of_what_was_not_measured_are_neither_met_nor_missed() -> None:
    """
    A narrow run judges only what it has: here one row at one number of connections.
    """
    report = a_report([a_block(TLS, [a_turn(1, sign_only=1_000, server=500)])])
    assert {bar.verdict for bar in bars_of(report)} == {"not measured"}
    line = next(line for line in as_text(report).splitlines() if line.startswith(TLS.name))
    assert line.split()[-5:] == ["500", "0.50", "2.0", "0.90", "90"]


def test_table_has_each_row_and_the_sign_only_apps_beside_them() -> None:
    """
    Rows in their order, a group for each number of connections, the verdict last, the two floors below.
    """
    tls = a_block(TLS, [a_turn(number, sign_only=500, server=400) for number in (16, 64)])
    report = a_report([*a_whole_report().blocks, tls])
    lines = as_text(report).splitlines()
    begin = next(number for number, line in enumerate(lines) if "16 connections" in line)
    labels = [line[:30].strip() for line in lines[begin + 2 :]]
    assert labels[: labels.index("")] == [
        *(row.name for row in MEETS_ALL), TLS.name, "sign-only app", "sign-only app, the same TLS",
    ]  # fmt: skip
    assert lines[begin + 2].split() == ["SQLite", *["6,000", "0.60", "2.0"] * 2, "0.90", "90", "met"]
    assert report.floors() == {"sign-only app": {16: 10_000, 64: 10_000}, TLS.floor: {16: 500, 64: 500}}


def test_figures_for_programs_are_json() -> None:
    """
    Every row has its figures for each number of connections.
    """
    seen = json.loads(json.dumps(a_whole_report().as_json()))
    assert [row["key"] for row in seen["rows"]] == [row.key for row in MEETS_ALL]
    assert [cell["connections"] for cell in seen["rows"][0]["connections"]] == [16, 64]
    assert seen["rows"][0]["connections"][0]["ratio_to_sign_only"] == pytest.approx(0.6)


def test_rows_of_a_million_are_measured_when_asked_for() -> None:
    """
    By default none is; a key chooses it, in the table's order; a wrong key is refused.
    """
    assert all(row.applications < MILLION for row in choose(None, million=False))
    assert choose(None, million=True) == list(ROWS)
    assert choose(["sqlite-1m", "sqlite"], million=False) == [SQLITE, SQLITE_1M]
    with pytest.raises(ValueError, match="no row oracle; there are sqlite, "):
        choose(["oracle"], million=False)


@pytest.mark.parametrize("what", ["audit_records", "request_lines"])
def test_token_that_was_not_written_down_spoils_the_measurement(what: str) -> None:
    """
    One record too few, and the figures mean nothing.
    """
    check_nothing_left_out(a_block(SQLITE, [a_turn(1, sign_only=10, server=10)]))
    with pytest.raises(SetupError, match="10 tokens were answered, but there are 9"):
        check_nothing_left_out(a_block(SQLITE, [a_turn(1, sign_only=10, server=10)], **{what: 9}))


def a_whole_report(
    *,
    ratios: dict[Row, float] | None = None,
    p99_ms: float = 2,
    cold_start: float = 0.9,
    resident: int = 90 * 2**20,
) -> Report:
    """
    Make a report that meets every bar, but for what is asked otherwise. Two workers had 1.8 cores.
    """
    return a_report(
        [
            a_block(
                row,
                [
                    a_turn(
                        number,
                        sign_only=10_000,
                        server=10_000 * ratio,
                        cores=row.workers,
                        others=0.2 * (row.workers - 1),
                        p99_ms=p99_ms,
                    )
                    for number in (16, 64)
                ],
                seconds_to_ready=cold_start,
                resident_bytes=resident,
            )
            for row, ratio in (MEETS_ALL | (ratios or {})).items()
        ]
    )


def a_block(row: Row, turns: Sequence[Turn], **changed: Any) -> Block:  # noqa: ANN401 - fields of a block
    """
    Make a row's round with a raw signing rate of 40,000/s, every token written down.
    """
    tokens = sum(turn.server.requests for turn in turns)
    fields: dict[str, Any] = {
        "seconds_to_ready": 0.9,
        "resident_bytes": 90 * 2**20,
        "raw_signatures_per_second": 40_000,
        "tokens_answered": tokens,
        "audit_records": tokens,
        "request_lines": tokens,
    }
    return Block(row=row, turns=turns, **(fields | changed))


def a_turn(
    connections: int, *, sign_only: float, server: float, cores: int = 1, others: float = 0, p99_ms: float = 2
) -> Turn:
    """
    Make a turn of one second with these rates.
    """
    return Turn(
        connections=connections,
        sign_only=a_load(sign_only, 2),
        server=a_load(server, p99_ms),
        cores=cores,
        others_cpu_seconds=others,
    )


def a_load(per_second: float, p99_ms: float) -> Load:
    """
    Make a clean load of one second.
    """
    return Load(
        requests=round(per_second), seconds=1, p50_ms=1, p99_ms=p99_ms, refused=0, broken=0, bytes_per_answer=700
    )


def a_report(blocks: Sequence[Block]) -> Report:
    """
    Make a report of these blocks.
    """
    return Report(conditions={"version": "1"}, blocks=blocks)
