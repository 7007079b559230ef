"""
Many values in one parameter: a statement may have 65,535 of them on PostgreSQL, and half as many on SQLite.
"""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa


def listed(connection: sa.Connection, values: Sequence[int] | Sequence[str]) -> sa.Select[Any]:
    """
    Select values, for `IN`. PostgreSQL has them all as texts.
    """
    text = sa.bindparam(None, json.dumps(values), sa.Text)
    if connection.dialect.name == "sqlite":
        return sa.select(sa.func.json_each(text).table_valued("value").c.value)
    return sa.select(sa.func.json_array_elements_text(sa.cast(text, sa.JSON)).table_valued("value").c.value)
