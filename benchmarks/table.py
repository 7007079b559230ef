"""
Owns the table as people read it: a line for each row, a group of columns for each number of connections.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.bars import Bar, bars_of
from benchmarks.figures import Report
from benchmarks.rows import Row

_LABEL = 30
_HEADS = ("tokens/s", "ratio", "p99 ms")
_WIDTHS = (9, 6, 8)
_LEGEND = """\
ratio: to the sign-only app beside it, in the same round: one process on one core, behind the same nginx where the row
       has one. start: median seconds until ready. MiB: largest resident memory after any load, all processes.
       Rates, ratios and p99 are medians over the rounds ({rounds})."""


def as_text(report: Report) -> str:
    """
    The report for people: conditions, the table, and the bars.
    """
    bars = bars_of(report)
    rounds = max(len(report.blocks_of(row)) for row in report.rows)
    tokens, records, lines = report.counts()
    return "\n".join(
        [
            *(f"{name}: {value}" for name, value in report.conditions.items()),
            "",
            *_table(report, bars),
            "",
            _LEGEND.format(rounds=rounds),
            f"tokens answered: {tokens:,}; audit records: {records:,}; request lines: {lines:,}",
            "",
            *(bar.line for bar in bars),
        ]
    )


def _table(report: Report, bars: Sequence[Bar]) -> list[str]:
    connections = report.connections
    groups = "".join(f"{_count(number):>{sum(_WIDTHS)}}" for number in connections)
    heads = _cells(_HEADS) * len(connections)
    return [
        f"{'':{_LABEL}}{groups}",
        f"{'':{_LABEL}}{heads}{'start':>7}{'MiB':>6}  bars",
        *(_row_line(report, row, bars) for row in report.rows),
        *(_floor_line(report, name) for name in report.floors()),
    ]


def _row_line(report: Report, row: Row, bars: Sequence[Bar]) -> str:
    line = f"{row.name:{_LABEL}}"
    for connections in report.connections:
        cell = report.cell(row, connections)
        line += (
            _cells((f"{cell.tokens_per_second:,.0f}", f"{cell.ratio_to_sign_only:.2f}", f"{cell.p99_ms:.1f}"))
            if cell
            else _cells(("", "", ""))
        )
    start, resident = report.cold_start_seconds(row) or 0.0, report.resident_mib(row) or 0.0
    return f"{line}{start:>7.2f}{resident:>6.0f}  {verdict_of(row, bars)}".rstrip()


def _floor_line(report: Report, name: str) -> str:
    rates = report.floors()[name]
    groups = (
        _cells((f"{rates[connections]:,.0f}", "1", f"{report.floor_p99_ms(name, connections):.1f}"))
        for connections in report.connections
    )
    return f"{name:{_LABEL}}{''.join(groups)}"


def verdict_of(row: Row, bars: Sequence[Bar]) -> str:
    """
    Say whether a row met all bars of its own that were measured; nothing where it has none.
    """
    measured = [bar for bar in bars if bar.row == row and bar.measured is not None]
    if not measured:
        return ""
    return "MISSED" if any(bar.missed for bar in measured) else "met"


def _count(connections: int) -> str:
    return "1 connection" if connections == 1 else f"{connections} connections"


def _cells(texts: Sequence[str]) -> str:
    return "".join(f"{text:>{width}}" for text, width in zip(texts, _WIDTHS, strict=True))
