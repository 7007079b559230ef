"""
A search as SQL conditions, or, for the pattern modes, on a linear-time engine in this process.
"""

from typing import Any

import re2
import sqlalchemy as sa

from watchword.server.domain.problems import invalid_input
from watchword.server.domain.search import Joint, Match, Mode, Search, unescape
from watchword.server.storage import rows
from watchword.server.storage.folding import folded
from watchword.server.storage.listed import listed
from watchword.server.storage.sqlite.searching import narrowed
from watchword.server.storage.transaction import Transaction

MOST_ROWS_IN_PROCESS = 10_000
# States of the pattern's machine, times letters that it reads: a step takes 20 ns at the worst, and mostly far less.
MOST_STEPS_IN_PROCESS = 100_000_000
_SIMILAR_OPERATORS = frozenset("|*+?{}()[]-,0123456789")


def matching(tx: Transaction, query: sa.Select[Any], table: sa.Table, search: Search) -> sa.Select[Any]:
    """
    Narrow a list to the rows that a search finds.

    Raises:
        Problem: `request.invalid_input` (400): the pattern is malformed, or it would have to be held against too much.
    """
    if not search.groups:
        return query
    if tx.connection.dialect.name == "sqlite":
        query = narrowed(tx.connection, query, table, search)
    groups = [sa.or_(*(_condition(tx, query, table, match, search) for match in group)) for group in search.groups]
    return query.where(sa.and_(*groups) if search.joint is Joint.AND else sa.or_(*groups))


def _condition(
    tx: Transaction, query: sa.Select[Any], table: sa.Table, match: Match, search: Search
) -> sa.ColumnElement[bool]:
    column = table.c[match.field]
    if match.mode in {Mode.POSIX, Mode.SIMILAR_TO}:
        ids = _ids_in_process(tx, query, table, match, search)
        return sa.and_(rows.of_tenant(tx, table), table.c.id.in_(listed(tx.connection, ids)))
    if match.mode is Mode.EXACT:
        return sa.or_(*(_equal(column, value, case_sensitive=search.case_sensitive) for value in match.values))
    same = _like_in_any_case(tx, column, _like(match.values[0]))
    return sa.and_(same, _like_exactly(tx, column, match.values[0])) if search.case_sensitive else same


def _equal(column: sa.Column[Any], value: str, *, case_sensitive: bool) -> sa.ColumnElement[bool]:
    # The trigram index knows texts without their case.
    same = folded(column) == folded(value)
    return sa.and_(same, column == value) if case_sensitive else same


def _like_in_any_case(tx: Transaction, column: sa.Column[Any], pattern: str) -> sa.ColumnElement[bool]:
    if tx.connection.dialect.name == "sqlite" and pattern.isascii() and "k" not in pattern.lower():
        # LIKE itself ignores the case of ASCII there, quickly; the Kelvin sign alone folds to a letter of ASCII.
        return column.like(pattern, escape="\\")
    return folded(column).like(folded(pattern), escape="\\")


def _like_exactly(tx: Transaction, column: sa.Column[Any], pattern: str) -> sa.ColumnElement[bool]:
    if tx.connection.dialect.name == "sqlite":
        # LIKE ignores case there, GLOB does not.
        return column.op("GLOB")(_glob(pattern))
    return column.like(_like(pattern), escape="\\")


def _like(pattern: str) -> str:
    # Written anew: a pattern that ends in a backslash is an error to PostgreSQL.
    return "".join(
        f"\\{character}" if escaped and character in "%_\\" else character
        for character, escaped in unescape(pattern, literal="\\")
    )


def _glob(pattern: str) -> str:
    return "".join(
        {"%": "*", "_": "?"}.get(character, character) if not escaped else _glob_literal(character)
        for character, escaped in unescape(pattern, literal="*?[")
    )


def _glob_literal(character: str) -> str:
    return f"[{character}]" if character in "*?[" else character


def _ids_in_process(tx: Transaction, query: sa.Select[Any], table: sa.Table, match: Match, search: Search) -> list[str]:
    expression = _expression(match, case_sensitive=search.case_sensitive)
    candidates = query.with_only_columns(table.c.id, table.c[match.field]).limit(MOST_ROWS_IN_PROCESS + 1)
    _demand_little(tx, candidates, match, expression.programsize)
    finds = expression.search if match.mode is Mode.POSIX else expression.fullmatch
    fetched = tx.connection.execute(candidates)
    return [row_id for row_id, value in fetched if value is not None and finds(value) is not None]


def _demand_little(tx: Transaction, candidates: sa.Select[Any], match: Match, states: int) -> None:
    """
    Refuse, before anything is fetched, what would take long.
    """
    texts = candidates.subquery()
    measured = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sa.func.length(texts.c[match.field])), 0))
    number, letters = tx.connection.execute(measured.select_from(texts)).one()
    if number > MOST_ROWS_IN_PROCESS:
        raise invalid_input(
            f"Search mode `{match.mode}` looks at no more than {MOST_ROWS_IN_PROCESS} records: narrow the list first.",
            data={},
        )
    if states * letters > MOST_STEPS_IN_PROCESS:
        raise invalid_input(
            f"The search pattern would take too long among {letters} letters: narrow the list, or shorten the pattern.",
            data={},
        )


def _expression(match: Match, *, case_sensitive: bool) -> Any:  # noqa: ANN401 - re2 has no types
    options = re2.Options()
    options.case_sensitive = case_sensitive
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = 1 << 20
    pattern = match.values[0]
    try:
        return re2.compile(pattern if match.mode is Mode.POSIX else _similar_to_regex(pattern), options)
    except re2.error as error:
        reason = error.args[0].partition(b": ")[0].decode("ascii", "replace")  # behind it comes the pattern
        raise invalid_input(f"The search pattern is not a valid expression: {reason}.", data={}) from None


def _similar_to_regex(pattern: str) -> str:
    return "".join(_similar_character(character, escaped=escaped) for character, escaped in unescape(pattern))


def _similar_character(character: str, *, escaped: bool) -> str:
    if not escaped and character in {"%", "_"}:
        return {"%": ".*", "_": "."}[character]
    if not escaped and character in _SIMILAR_OPERATORS:
        return character
    return str(re2.escape(character))
