"""
Owns the rows of the table: which settings of the server are measured, and what each is held against.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

THOUSAND, MILLION = 1_000, 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    One setting of the server.

    Attributes:
        key: What `--rows` calls it.
        name: What the table calls it.
        postgresql: Whether its database is PostgreSQL.
        workers: How many processes serve.
        applications: How many there are. The load is drawn from the first thousand, unless `from_all`.
        tls: Whether nginx stands in front, with TLS and a new connection for each request.
    """

    key: str
    name: str
    postgresql: bool = False
    workers: int = 1
    applications: int = THOUSAND
    from_all: bool = False
    tls: bool = False

    @property
    def floor(self) -> str:
        """
        What the table calls the sign-only app that stands beside this row.
        """
        return "sign-only app, the same TLS" if self.tls else "sign-only app"


SQLITE = Row(key="sqlite", name="SQLite")
POSTGRESQL = Row(key="postgresql", name="PostgreSQL", postgresql=True)
SQLITE_2 = Row(key="sqlite-2", name="SQLite, 2 workers", workers=2)
POSTGRESQL_2 = Row(key="postgresql-2", name="PostgreSQL, 2 workers", postgresql=True, workers=2)
TLS = Row(key="tls", name="SQLite, TLS, new connections", tls=True)
SQLITE_1M = Row(key="sqlite-1m", name="SQLite, 1M applications", applications=MILLION)
SQLITE_1M_RANDOM = Row(key="sqlite-1m-random", name="SQLite, 1M, drawn from all", applications=MILLION, from_all=True)
POSTGRESQL_1M = Row(key="postgresql-1m", name="PostgreSQL, 1M applications", postgresql=True, applications=MILLION)
POSTGRESQL_1M_RANDOM = Row(
    key="postgresql-1m-random",
    name="PostgreSQL, 1M, drawn from all",
    postgresql=True,
    applications=MILLION,
    from_all=True,
)
ROWS = (
    SQLITE,
    POSTGRESQL,
    SQLITE_2,
    POSTGRESQL_2,
    TLS,
    SQLITE_1M,
    SQLITE_1M_RANDOM,
    POSTGRESQL_1M,
    POSTGRESQL_1M_RANDOM,
)


def choose(keys: Sequence[str] | None, *, million: bool) -> list[Row]:
    """
    Choose rows by their keys, in the table's order; by default all, those of a million applications if asked for.

    Raises:
        ValueError: A key is none of theirs.
    """
    if keys is None:
        return [row for row in ROWS if million or row.applications == THOUSAND]
    unknown = set(keys) - {row.key for row in ROWS}
    if unknown:
        raise ValueError(f"there is no row {', '.join(sorted(unknown))}; there are {_listed(ROWS)}")
    return [row for row in ROWS if row.key in keys]


def _listed(rows: Iterable[Row]) -> str:
    return ", ".join(row.key for row in rows)
