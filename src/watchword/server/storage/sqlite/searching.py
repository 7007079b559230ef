"""
The trigram indexes of SQLite: FTS5 tables beside those that are searched, kept by triggers.

They refer to rows by rowid, which neither `VACUUM` nor a backup changes in tables with an index. A batch migration
copies a table: it drops the triggers too, and so the index is made anew.
"""

from typing import Any

import sqlalchemy as sa

from watchword.server.domain.search import Search
from watchword.server.domain.trigrams import alternatives
from watchword.server.storage.listed import listed
from watchword.server.storage.searched import SEARCHED
from watchword.server.storage.sqlite.hints import BY_ROWID_ONLY

# To look a row up by its number takes as long as to read five or so in their order: beyond a share of the table its
# rows are all read. The bounds are where either is quick, and where the numbers would take memory.
CANDIDATES_SHARE = 8
FEWEST_CANDIDATES = 20_000
MOST_CANDIDATES = 200_000
_TRIGGERS = "search_"


def narrowed(connection: sa.Connection, query: sa.Select[Any], table: sa.Table, search: Search) -> sa.Select[Any]:
    """
    Narrow a query to the few rows that a search can find; where they are many, or can't be told, leave it as it is.
    """
    conditions = alternatives(search)
    if not conditions or not _has_table(connection, table.name):
        return query
    expression = " AND ".join(f"({' OR '.join(map(_all_of, condition))})" for condition in conditions)
    candidates = _candidates(connection, table.name, expression)
    if candidates is None:
        return query
    among = sa.literal_column(f"{table.name}.rowid").in_(listed(connection, candidates))
    return query.with_hint(table, BY_ROWID_ONLY, "sqlite").where(among)


def install(connection: sa.Connection) -> None:
    """
    Make the indexes that are missing, or whose triggers are not all as they should be.
    """
    if not is_possible(connection):
        return
    present = _present(connection)
    for table in SEARCHED:
        wanted = _triggers(table)
        if _has_table(connection, table) and all(present.get(name) == sql for name, sql in wanted.items()):
            continue
        for name in wanted.keys() & present.keys():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql(f"DROP TABLE IF EXISTS {_index(table)}")
        connection.exec_driver_sql(
            f"CREATE VIRTUAL TABLE {_index(table)} USING fts5({', '.join(SEARCHED[table])}, content='{table}', "
            "tokenize='trigram', detail=none, columnsize=0)"
        )
        connection.exec_driver_sql(f"INSERT INTO {_index(table)} ({_index(table)}) VALUES ('rebuild')")
        for statement in wanted.values():
            connection.exec_driver_sql(statement)


def suspend(connection: sa.Connection) -> None:
    """
    Leave the indexes as they are: they grow with the rows, at little more than making them anew would cost.
    """
    del connection


def broken(connection: sa.Connection) -> list[str]:
    """
    Name the triggers that an index lacks, or that say something else.
    """
    present = _present(connection)
    tables = [table for table in SEARCHED if _has_table(connection, table)]
    wanted = {name: statement for table in tables for name, statement in _triggers(table).items()}
    return sorted(name for name, statement in wanted.items() if present.get(name) != statement)


def absent(connection: sa.Connection) -> list[str]:
    """
    Name the indexes that are not there and could be.
    """
    if not is_possible(connection):
        return []
    return [_index(table) for table in SEARCHED if not _has_table(connection, table)]


def is_possible(connection: sa.Connection) -> bool:
    """
    Tell whether this SQLite knows trigrams: FTS5, and version 3.34 or newer.
    """
    has_module = connection.exec_driver_sql("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").first() is not None
    version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
    return has_module and tuple(map(int, version.split(".")[:2])) >= (3, 34)


def _candidates(connection: sa.Connection, table: str, expression: str) -> list[int] | None:
    """
    Return the numbers of the rows that may be meant; None where they are too many for the index to be worth it.

    The first of them tell how many there will be, since they come in the order of their numbers.
    """
    first = _numbers(connection, table, expression, after=0, most=FEWEST_CANDIDATES + 1)
    if len(first) <= FEWEST_CANDIDATES:
        return first
    greatest: int = connection.exec_driver_sql(f"SELECT max(rowid) FROM {table}").scalar_one()
    most = min(greatest // CANDIDATES_SHARE, MOST_CANDIDATES)
    if len(first) * greatest // first[-1] > most:
        return None
    others = _numbers(connection, table, expression, after=first[-1], most=most + 1 - len(first))
    found = [*first, *others]
    return None if len(found) > most else found


def _numbers(connection: sa.Connection, table: str, expression: str, *, after: int, most: int) -> list[int]:
    name = _index(table)
    query = sa.text(
        f"SELECT rowid FROM {name} WHERE {name} MATCH :expression AND rowid > :after ORDER BY rowid LIMIT :most"
    )
    return list(connection.execute(query, {"expression": expression, "after": after, "most": most}).scalars())


def _index(table: str) -> str:
    return f"{table}_search"


def _has_table(connection: sa.Connection, table: str) -> bool:
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.exec_driver_sql(query, (_index(table),)).first() is not None


def _present(connection: sa.Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '{_TRIGGERS}%'"
    )
    return {row.name: row.sql for row in rows}


def _triggers(table: str) -> dict[str, str]:
    columns = ", ".join(SEARCHED[table])
    index = _index(table)
    old, new = (", ".join(f"{row}.{column}" for column in SEARCHED[table]) for row in ("OLD", "NEW"))
    forget = f"INSERT INTO {index} ({index}, rowid, {columns}) VALUES ('delete', OLD.rowid, {old});"
    learn = f"INSERT INTO {index} (rowid, {columns}) VALUES (NEW.rowid, {new});"
    bodies = {"INSERT": learn, f"UPDATE OF {columns}": f"{forget}\n  {learn}", "DELETE": forget}
    return {
        (name := f"{_TRIGGERS}{table}_{event.partition(' ')[0].lower()}"): (
            f"CREATE TRIGGER {name} AFTER {event} ON {table}\nBEGIN\n  {body}\nEND"
        )
        for event, body in bodies.items()
    }


def _all_of(trigrams: tuple[str, ...]) -> str:
    quoted = ('"' + trigram.replace('"', '""') + '"' for trigram in trigrams)
    return f"({' AND '.join(quoted)})"
