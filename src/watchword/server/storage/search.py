"""
A search as SQL conditions, or, for the pattern modes, on a linear-time engine in this process.
"""

from collections.abc import Callable
from typing import Any

import re2
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from watchword.server.domain.problems import invalid_input
from watchword.server.domain.search import Joint, Match, Mode, Search
from watchword.server.storage import rows
from watchword.server.storage.transaction import Transaction

MOST_ROWS_IN_PROCESS = 10_000
_SIMILAR_OPERATORS = frozenset("|*+?{}()[]-,0123456789")


def matching(tx: Transaction, query: sa.Select[Any], table: sa.Table, search: Search) -> sa.Select[Any]:
    """
    Narrow a list to the rows that a search finds.

    Raises:
        Problem: `request.invalid_input` (400): the pattern is malformed, or too many rows would have to be looked at.
    """
    if not search.groups:
        return query
    groups = [sa.or_(*(_condition(tx, query, table, match, search) for match in group)) for group in search.groups]
    return query.where(sa.and_(*groups) if search.joint is Joint.AND else sa.or_(*groups))


def _condition(
    tx: Transaction, query: sa.Select[Any], table: sa.Table, match: Match, search: Search
) -> sa.ColumnElement[bool]:
    column = table.c[match.field]
    if match.mode in {Mode.POSIX, Mode.SIMILAR_TO}:
        ids = _ids_in_process(tx, query, table, match, search)
        return sa.and_(rows.of_tenant(tx, table), table.c.id.in_(ids))
    if match.mode is Mode.EXACT:
        if search.case_sensitive:
            return column.in_(match.values)
        return _lower(column).in_([value.lower() for value in match.values])
    pattern = match.values[0]
    if not search.case_sensitive:
        return _lower(column).like(_like(pattern.lower()), escape="\\")
    if tx.connection.dialect.name == "sqlite":
        # LIKE ignores case there, GLOB does not.
        return column.op("GLOB")(_glob(pattern))
    return column.like(_like(pattern), escape="\\")


class _lower(FunctionElement[str]):  # noqa: N801 - a function of SQL
    """
    A text in lower case, whatever its alphabet.
    """

    type = sa.String()
    inherit_cache = True


@compiles(_lower, "sqlite")
def _lower_of_ours(element: _lower, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401 - as SQLAlchemy calls it
    return f"unicode_lower({compiler.process(element.clauses, **more)})"


@compiles(_lower)
def _lower_of_the_database(element: _lower, compiler: SQLCompiler, **more: Any) -> str:  # noqa: ANN401 - as above
    return f"lower({compiler.process(element.clauses, **more)})"


def _like(pattern: str) -> str:
    # Written anew: a pattern that ends in a backslash is an error to PostgreSQL.
    return "".join(
        f"\\{character}" if escaped and character in "%_\\" else character
        for character, escaped in _unescape(pattern, literal="\\")
    )


def _glob(pattern: str) -> str:
    return "".join(
        {"%": "*", "_": "?"}.get(character, character) if not escaped else _glob_literal(character)
        for character, escaped in _unescape(pattern, literal="*?[")
    )


def _glob_literal(character: str) -> str:
    return f"[{character}]" if character in "*?[" else character


def _unescape(pattern: str, *, literal: str) -> list[tuple[str, bool]]:
    """
    Split a LIKE pattern into characters, each with whether it stands for itself.
    """
    characters: list[tuple[str, bool]] = []
    escaped = False
    for character in pattern:
        if character == "\\" and not escaped:
            escaped = True
            continue
        characters.append((character, escaped or character in literal))
        escaped = False
    return characters


def _ids_in_process(tx: Transaction, query: sa.Select[Any], table: sa.Table, match: Match, search: Search) -> list[str]:
    found = _matcher(match, case_sensitive=search.case_sensitive)
    candidates = query.with_only_columns(table.c.id, table.c[match.field]).limit(MOST_ROWS_IN_PROCESS + 1)
    fetched = tx.connection.execute(candidates).all()
    if len(fetched) > MOST_ROWS_IN_PROCESS:
        raise invalid_input(
            f"Search mode `{match.mode}` looks at no more than {MOST_ROWS_IN_PROCESS} records: narrow the list first.",
            data={},
        )
    return [row_id for row_id, value in fetched if value is not None and found(value)]


def _matcher(match: Match, *, case_sensitive: bool) -> Callable[[str], bool]:
    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = 1 << 20
    pattern = match.values[0]
    try:
        if match.mode is Mode.POSIX:
            compiled = re2.compile(pattern, options)
            return lambda value: compiled.search(value) is not None
        similar = re2.compile(_similar_to_regex(pattern), options)
    except re2.error as error:
        raise invalid_input(f"The search pattern is not a valid expression: {error}.", data={}) from None
    return lambda value: similar.fullmatch(value) is not None


def _similar_to_regex(pattern: str) -> str:
    return "".join(
        _similar_character(character, escaped=escaped) for character, escaped in _unescape(pattern, literal="")
    )


def _similar_character(character: str, *, escaped: bool) -> str:
    if not escaped and character in {"%", "_"}:
        return {"%": ".*", "_": "."}[character]
    if not escaped and character in _SIMILAR_OPERATORS:
        return character
    return str(re2.escape(character))
