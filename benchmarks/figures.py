"""
Owns what was measured, and what it comes to: medians over rounds, ratios within a round, cores that were left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.load_generator import Load
from benchmarks.rows import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """
    One row at one number of connections in one round: the sign-only app and the server, right after another.

    `cores` is how many the server was allowed, `others_cpu_seconds` the CPU time that the load generator and
    PostgreSQL spent on them while the server was measured.
    """

    connections: int
    sign_only: Load
    server: Load
    cores: int = 1
    others_cpu_seconds: float = 0.0

    @property
    def ratio(self) -> float:
        """
        The server's rate, in rates of the sign-only app.
        """
        return self.server.per_second / self.sign_only.per_second

    @property
    def cores_left(self) -> float:
        """
        How many cores the others left to the server.
        """
        return self.cores - self.others_cpu_seconds / self.server.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    One row in one round: the server started, measured at each number of connections, and stopped.

    `tokens_answered` counts every token that the load generator got, warm-up too; `audit_records` and
    `request_lines` are what the server wrote of them.
    """

    row: Row
    seconds_to_ready: float
    resident_bytes: int
    raw_signatures_per_second: float
    turns: Sequence[Turn]
    tokens_answered: int
    audit_records: int
    request_lines: int

    def turn_at(self, connections: int) -> Turn | None:
        """
        Give what was measured at a number of connections.
        """
        return next((turn for turn in self.turns if turn.connections == connections), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """
    What a row gave at a number of connections: medians over its rounds. Ratios are medians of the rounds' own.
    """

    connections: int
    tokens_per_second: float
    p50_ms: float
    p99_ms: float
    sign_only_per_second: float
    sign_only_p99_ms: float
    ratio_to_sign_only: float
    ratio_to_raw_signing: float
    cores_left: float
    ratios_to_sign_only: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    All figures of one run, and under which conditions they were taken.
    """

    conditions: Mapping[str, str]
    blocks: Sequence[Block]

    @property
    def rows(self) -> list[Row]:
        """
        The rows that were measured, in the order they were taken.
        """
        return list(dict.fromkeys(block.row for block in self.blocks))

    @property
    def connections(self) -> list[int]:
        """
        The numbers of connections that were measured, in the order they were taken.
        """
        return list(dict.fromkeys(turn.connections for block in self.blocks for turn in block.turns))

    def blocks_of(self, row: Row) -> list[Block]:
        """
        Give a row's rounds.
        """
        return [block for block in self.blocks if block.row == row]

    def cell(self, row: Row, connections: int) -> Cell | None:
        """
        Put a row's rounds at one number of connections together.
        """
        taken = [(block, turn) for block in self.blocks_of(row) if (turn := block.turn_at(connections))]
        return summarise(taken) if taken else None

    def floors(self) -> dict[str, dict[int, float]]:
        """
        Give the rates of the sign-only app beside the rows, by its name and the number of connections.
        """
        names = dict.fromkeys(row.floor for row in self.rows)
        return {
            name: {
                connections: median(
                    turn.sign_only.per_second
                    for block in self.blocks
                    if block.row.floor == name and (turn := block.turn_at(connections))
                )
                for connections in self.connections
            }
            for name in names
        }

    def floor_p99_ms(self, name: str, connections: int) -> float:
        """
        Give the p99 of the sign-only app beside the rows that have this one.
        """
        return median(
            turn.sign_only.p99_ms
            for block in self.blocks
            if block.row.floor == name and (turn := block.turn_at(connections))
        )

    def compared(self, over: Row, under: Row, connections: int) -> float | None:
        """
        Divide one row's rate by another's: the median of the rounds' own quotients.

        Each rate is taken in rates of the sign-only app beside it, so that a machine which became slower between
        the two counts for neither.
        """
        pairs = zip(self.blocks_of(over), self.blocks_of(under), strict=False)
        quotients = [
            one.ratio / other.ratio
            for upper, lower in pairs
            if (one := upper.turn_at(connections)) and (other := lower.turn_at(connections))
        ]
        return median(quotients) if quotients else None

    def cold_start_seconds(self, row: Row) -> float | None:
        """
        Give the median time from exec to the first 200 of `/health/ready`.
        """
        blocks = self.blocks_of(row)
        return median(block.seconds_to_ready for block in blocks) if blocks else None

    def resident_mib(self, row: Row) -> float | None:
        """
        Give the largest resident memory that was seen after any load, all processes added up.
        """
        return max((block.resident_bytes / 2**20 for block in self.blocks_of(row)), default=None)

    def counts(self) -> tuple[int, int, int]:
        """
        Add up the tokens answered, and the audit records and request lines that tell of them.
        """
        return (
            sum(block.tokens_answered for block in self.blocks),
            sum(block.audit_records for block in self.blocks),
            sum(block.request_lines for block in self.blocks),
        )

    def as_json(self) -> dict[str, Any]:
        """
        The figures for programs. Keys ending in `_per_second`, `_ms`, `_seconds`, `_mib` carry their unit.
        """
        tokens, records, lines = self.counts()
        return {
            "conditions": dict(self.conditions),
            "rows": [
                {
                    "key": row.key,
                    "name": row.name,
                    "cold_start_seconds": self.cold_start_seconds(row),
                    "resident_mib": self.resident_mib(row),
                    "connections": [
                        {name: getattr(cell, name) for name in Cell.__slots__}
                        for connections in self.connections
                        if (cell := self.cell(row, connections))
                    ],
                }
                for row in self.rows
            ],
            "sign_only_per_second": self.floors(),
            "tokens_answered": tokens,
            "audit_records": records,
            "request_lines": lines,
        }


def summarise(taken: Sequence[tuple[Block, Turn]]) -> Cell:
    """
    Put the rounds of one row at one number of connections together.
    """
    turns = [turn for _, turn in taken]
    ratios = tuple(turn.ratio for turn in turns)
    return Cell(
        connections=turns[0].connections,
        tokens_per_second=median(turn.server.per_second for turn in turns),
        p50_ms=median(turn.server.p50_ms for turn in turns),
        p99_ms=median(turn.server.p99_ms for turn in turns),
        sign_only_per_second=median(turn.sign_only.per_second for turn in turns),
        sign_only_p99_ms=median(turn.sign_only.p99_ms for turn in turns),
        ratio_to_sign_only=median(ratios),
        ratio_to_raw_signing=median(turn.server.per_second / block.raw_signatures_per_second for block, turn in taken),
        cores_left=median(turn.cores_left for turn in turns),
        ratios_to_sign_only=ratios,
    )
