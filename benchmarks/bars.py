"""
Owns the bars that figures are held against.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import Report
from benchmarks.rows import POSTGRESQL, SQLITE, SQLITE_1M, SQLITE_1M_RANDOM, SQLITE_2, Row

# Raise them when a release has stood well above them; never lower one to make a run pass.
RATIO_BARS: Mapping[int, float] = {16: 0.45, 64: 0.52}
P99_BAR_MS = 10.0
POSTGRESQL_BAR = 0.80
TWO_WORKERS_BAR = 1.7
HOT_BAR = 0.90
RANDOM_BAR = 0.25
COLD_START_BAR_SECONDS = 1.0
RESIDENT_BAR_MIB = 110.0
_FEW, _MANY = 16, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """
    One promise. `measured` is `None` when this run did not measure it; `note` says what else belongs to it.
    """

    row: Row
    name: str
    required: float
    measured: float | None
    at_most: bool = False
    unit: str = ""
    note: str = ""

    @property
    def missed(self) -> bool:
        """
        Whether the figure was measured and is on the wrong side.
        """
        if self.measured is None:
            return False
        return self.measured > self.required if self.at_most else self.measured < self.required

    @property
    def verdict(self) -> str:
        """
        `met`, `MISSED` or `not measured`.
        """
        return "not measured" if self.measured is None else "MISSED" if self.missed else "met"

    @property
    def line(self) -> str:
        """
        The bar as one line for people.
        """
        figure = "" if self.measured is None else f"{self.measured:.2f}{self.unit}, "
        side = "at most" if self.at_most else "at least"
        note = f" ({self.note})" if self.note and self.measured is not None else ""
        return f"{self.verdict:<12} {self.name}: {figure}{side} {self.required:g}{self.unit}{note}"

    def as_json(self) -> dict[str, Any]:
        """
        The bar for programs.
        """
        met = None if self.measured is None else not self.missed
        figures = {"required": self.required, "at_most": self.at_most, "measured": self.measured, "met": met}
        return {"name": self.name, "row": self.row.key, **figures, "note": self.note}


def bars_of(report: Report) -> list[Bar]:
    """
    Hold a run's figures against the bars.
    """
    few = report.cell(SQLITE, _FEW)
    return [
        *(_ratio_bar(report, connections, required) for connections, required in RATIO_BARS.items()),
        Bar(
            row=SQLITE,
            name=f"p99 at {_FEW} connections",
            required=P99_BAR_MS,
            measured=few.p99_ms if few else None,
            at_most=True,
            unit=" ms",
        ),
        Bar(
            row=SQLITE,
            name="cold start, median",
            required=COLD_START_BAR_SECONDS,
            measured=report.cold_start_seconds(SQLITE),
            at_most=True,
            unit=" s",
        ),
        Bar(
            row=SQLITE,
            name="resident memory (Rss) under load, all processes",
            required=RESIDENT_BAR_MIB,
            measured=report.resident_mib(SQLITE),
            at_most=True,
            unit=" MiB",
        ),
        _compared_bar(report, POSTGRESQL, "PostgreSQL to SQLite", POSTGRESQL_BAR),
        _workers_bar(report),
        _compared_bar(report, SQLITE_1M, "the same hot applications among 1M, to 1k", HOT_BAR),
        _compared_bar(report, SQLITE_1M_RANDOM, "applications drawn from all of 1M, to 1k", RANDOM_BAR),
    ]


def _ratio_bar(report: Report, connections: int, required: float) -> Bar:
    cell = report.cell(SQLITE, connections)
    return Bar(
        row=SQLITE,
        name=f"ratio to the sign-only app at {connections} connections",
        required=required,
        measured=cell.ratio_to_sign_only if cell else None,
        note=f"to raw signing {cell.ratio_to_raw_signing:.2f}" if cell else "",
    )


def _compared_bar(report: Report, row: Row, name: str, required: float) -> Bar:
    measured = report.compared(row, SQLITE, _MANY)
    return Bar(row=row, name=f"{name}, at {_MANY} connections", required=required, measured=measured)


def _workers_bar(report: Report) -> Bar:
    factor, cell = report.compared(SQLITE_2, SQLITE, _MANY), report.cell(SQLITE_2, _MANY)
    return Bar(
        row=SQLITE_2,
        name=f"two workers to one, at {_MANY} connections, for two whole cores",
        required=TWO_WORKERS_BAR,
        measured=None if factor is None or cell is None else for_two_cores(factor, cell.cores_left),
        note="" if factor is None or cell is None else _told(factor, cell.cores_left),
    )


def _told(factor: float, cores_left: float) -> str:
    return f"{factor:.2f} with {cores_left:.2f} cores left to them; two_workers.py tells what such cores allow"


def for_two_cores(factor: float, cores_left: float) -> float:
    """
    Reckon what two workers would have made of two whole cores: what they made of each core that was left, twice.
    """
    return factor / cores_left * 2
