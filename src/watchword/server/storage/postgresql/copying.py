"""
Many rows in one statement, by COPY: triggers of statements run once for all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa


def copy_rows(connection: sa.Connection, table: sa.Table, values: Sequence[Mapping[str, object]]) -> None:
    """
    Add rows that all have values for the same columns.
    """
    names = list(values[0])
    converters = [_converter(table.c[name], connection.dialect) for name in names]
    columns = ", ".join(names)
    driver: Any = connection.connection.cursor()
    with driver, driver.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
        for row in values:
            copy.write_row([convert(row[name]) for name, convert in zip(names, converters, strict=True)])


def _converter(column: sa.Column[Any], dialect: sa.Dialect) -> Callable[[object], object]:
    converter: Callable[[object], object] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return converter or _as_it_is


def _as_it_is(value: object) -> object:
    return value
