"""
Owns what was measured: medians and ratios, the bars they are held against, and both forms of the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.load_generator import Load

# The first bars. Raise them when a release has stood well above them; never lower one to make a run pass.
RATIO_BARS: Mapping[int, float] = {16: 0.35, 64: 0.40}
COLD_START_BAR_SECONDS = 1.2
RESIDENT_BAR_MIB = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """
    One turn at one number of connections: raw signing, the sign-only app and the server, right after another.
    """

    connections: int
    raw_signatures_per_second: float
    sign_only: Load
    server: Load


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    What a number of connections gave: medians over its rounds. Ratios are medians of the rounds' own ratios.
    """

    connections: int
    tokens_per_second: float
    p50_ms: float
    p99_ms: float
    sign_only_per_second: float
    sign_only_p50_ms: float
    sign_only_p99_ms: float
    ratio_to_sign_only: float
    ratio_to_raw_signing: float
    ratios_to_sign_only: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """
    One promise. `measured` is `None` when this run did not measure it.
    """

    name: str
    required: float
    measured: float | None
    at_most: bool
    unit: str = ""

    @property
    def missed(self) -> bool:
        """
        Whether the figure was measured and is on the wrong side.
        """
        if self.measured is None:
            return False
        return self.measured > self.required if self.at_most else self.measured < self.required

    @property
    def line(self) -> str:
        """
        The bar as one line for people.
        """
        verdict = "not measured" if self.measured is None else "MISSED" if self.missed else "met"
        figure = "" if self.measured is None else f"{self.measured:.2f}{self.unit}, "
        side = "at most" if self.at_most else "at least"
        return f"{verdict:<12} {self.name}: {figure}{side} {self.required:g}{self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    All figures of one run, and under which conditions they were taken.
    """

    conditions: Mapping[str, Any]
    rounds: Sequence[Round]
    cold_starts_seconds: Sequence[float]
    resident_bytes: int
    tokens_answered: int
    audit_records: int
    request_lines: int

    @property
    def rows(self) -> list[Row]:
        """
        One row for each number of connections, in the order they were taken.
        """
        numbers = dict.fromkeys(turn.connections for turn in self.rounds)
        return [summarise([turn for turn in self.rounds if turn.connections == number]) for number in numbers]

    @property
    def resident_mib(self) -> float:
        """
        The largest resident memory (Rss) that was seen, in MiB.
        """
        return self.resident_bytes / 2**20

    @property
    def bars(self) -> list[Bar]:
        """
        The bars, each with what this run measured.
        """
        ratios = {row.connections: row.ratio_to_sign_only for row in self.rows}
        return [
            *(
                Bar(
                    name=f"ratio to the sign-only app at {connections} connections",
                    required=required,
                    measured=ratios.get(connections),
                    at_most=False,
                )
                for connections, required in RATIO_BARS.items()
            ),
            Bar(
                name="cold start, median",
                required=COLD_START_BAR_SECONDS,
                measured=median(self.cold_starts_seconds),
                at_most=True,
                unit=" s",
            ),
            Bar(
                name="resident memory (Rss) under load",
                required=RESIDENT_BAR_MIB,
                measured=self.resident_mib,
                at_most=True,
                unit=" MiB",
            ),
        ]

    def as_text(self) -> str:
        """
        The report for people.
        """
        heads = (
            "connections",
            "tokens/s",
            "p50 ms",
            "p99 ms",
            "sign-only/s",
            "p50 ms",
            "p99 ms",
            "ratio",
            "to raw",
        )
        lines = ["  ".join(f"{head:>11}" for head in heads)]
        lines += ["  ".join(f"{cell:>11}" for cell in _cells(row)) for row in self.rows]
        raw = median(turn.raw_signatures_per_second for turn in self.rounds)
        starts = sorted(self.cold_starts_seconds)
        written = f"audit records: {self.audit_records:,}; request lines: {self.request_lines:,}"
        return "\n".join(
            [
                *(f"{name}: {value}" for name, value in self.conditions.items()),
                "",
                *lines,
                "",
                "ratio: to the sign-only app's answers/s; to raw: to raw signatures/s in one thread",
                f"raw ES256 signatures: {raw:,.0f}/s",
                f"cold start: best {starts[0]:.2f} s, median {median(starts):.2f} s of {len(starts)}",
                f"resident memory (Rss, all processes, largest seen after load): {self.resident_mib:.1f} MiB",
                f"tokens answered: {self.tokens_answered:,}; {written}",
                "",
                *(bar.line for bar in self.bars),
            ]
        )

    def as_json(self) -> dict[str, Any]:
        """
        The report for programs. Keys ending in `_per_second`, `_ms`, `_seconds`, `_mib` carry their unit.
        """
        starts = list(self.cold_starts_seconds)
        return {
            "conditions": dict(self.conditions),
            "connections": [{name: getattr(row, name) for name in Row.__slots__} for row in self.rows],
            "raw_signatures_per_second": median(turn.raw_signatures_per_second for turn in self.rounds),
            "cold_start_seconds": {"best": min(starts), "median": median(starts), "all": starts},
            "resident_mib": self.resident_mib,
            "tokens_answered": self.tokens_answered,
            "audit_records": self.audit_records,
            "request_lines": self.request_lines,
            "bars": [
                {
                    "name": bar.name,
                    "required": bar.required,
                    "at_most": bar.at_most,
                    "measured": bar.measured,
                    "met": None if bar.measured is None else not bar.missed,
                }
                for bar in self.bars
            ],
        }


def summarise(turns: Sequence[Round]) -> Row:
    """
    Put the rounds at one number of connections together.
    """
    ratios = tuple(turn.server.per_second / turn.sign_only.per_second for turn in turns)
    return Row(
        connections=turns[0].connections,
        tokens_per_second=median(turn.server.per_second for turn in turns),
        p50_ms=median(turn.server.p50_ms for turn in turns),
        p99_ms=median(turn.server.p99_ms for turn in turns),
        sign_only_per_second=median(turn.sign_only.per_second for turn in turns),
        sign_only_p50_ms=median(turn.sign_only.p50_ms for turn in turns),
        sign_only_p99_ms=median(turn.sign_only.p99_ms for turn in turns),
        ratio_to_sign_only=median(ratios),
        ratio_to_raw_signing=median(turn.server.per_second / turn.raw_signatures_per_second for turn in turns),
        ratios_to_sign_only=ratios,
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(row.connections),
        f"{row.tokens_per_second:,.0f}",
        f"{row.p50_ms:.2f}",
        f"{row.p99_ms:.2f}",
        f"{row.sign_only_per_second:,.0f}",
        f"{row.sign_only_p50_ms:.2f}",
        f"{row.sign_only_p99_ms:.2f}",
        f"{row.ratio_to_sign_only:.2f}",
        f"{row.ratio_to_raw_signing:.2f}",
    )
