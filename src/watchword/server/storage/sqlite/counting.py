"""
The triggers of SQLite that keep row counts.
"""

from collections.abc import Iterator

from watchword.server.storage.counts import COUNTED, Counted

PREFIX = "count_"


def definitions() -> dict[str, str]:
    """
    Return the counting triggers that there should be, by name.
    """
    statements: dict[str, str] = {}
    for counted in COUNTED:
        for event in ("INSERT", "UPDATE", "DELETE"):
            name = f"{PREFIX}{counted.table}_{event.lower()}"
            when = f"AFTER {event}{_columns(counted, event)} ON {counted.table}"
            body = "\n  ".join(_body(counted, event))
            statements[name] = f"CREATE TRIGGER {name} {when}\nBEGIN\n  {body}\nEND"
    return statements


def _columns(counted: Counted, event: str) -> str:
    # An update of other columns moves no count.
    if event != "UPDATE":
        return ""
    columns = ["tenant_id", counted.key, counted.unless[0] if counted.unless else None]
    return f" OF {', '.join(filter(None, columns))}"


def _body(counted: Counted, event: str) -> Iterator[str]:
    if event != "INSERT":
        yield f"UPDATE row_counts SET number = number - 1 WHERE {_place(counted, 'OLD')};"
    if event != "DELETE":
        yield (
            "INSERT INTO row_counts (tenant_id, counted, key, number) "
            f"SELECT NEW.tenant_id, '{counted.table}', {counted.key_of('NEW')}, 0 WHERE {counted.condition('NEW')} "
            f"AND NOT EXISTS (SELECT 1 FROM row_counts WHERE {_place(counted, 'NEW')});"
        )
        yield f"UPDATE row_counts SET number = number + 1 WHERE {_place(counted, 'NEW')};"


def _place(counted: Counted, row: str) -> str:
    return (
        f"tenant_id = {row}.tenant_id AND counted = '{counted.table}' AND key = {counted.key_of(row)} "
        f"AND {counted.condition(row)}"
    )
