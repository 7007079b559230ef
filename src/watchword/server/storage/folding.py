"""
Texts without their letter case in SQL, whatever their alphabet: as `domain.search.fold_case` has it.

A text of ASCII alone, as most are, is left to the database's own quick function.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

# On SQLite a function of this process; on PostgreSQL one that `postgresql/searching.py` makes.
FOLD_CASE = "unicode_lower"


class folded(FunctionElement[str]):  # noqa: N801 - a function of SQL
    """
    A text without its letter case.
    """

    type = sa.String()
    inherit_cache = True


@compiles(folded, "sqlite")
def _in_this_process(element: folded, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401 - as SQLAlchemy calls it
    text = compiler.process(element.clauses, **more)
    clause = next(iter(element.clauses))
    if isinstance(clause, sa.BindParameter):
        return f"{FOLD_CASE}({text})"
    return f"CASE WHEN length({text}) = length(CAST({text} AS BLOB)) THEN lower({text}) ELSE {FOLD_CASE}({text}) END"


@compiles(folded)
def _in_the_database(element: folded, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401 - as above
    return f"{FOLD_CASE}({compiler.process(element.clauses, **more)})"
