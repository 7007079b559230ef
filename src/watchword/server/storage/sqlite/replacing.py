"""
The triggers of SQLite that tell of rows whose place another row may take.

A row that goes for another one, as with `REPLACE INTO`, fires no trigger by that, unless its client wants it to. So who
finds a place taken leaves a gap in the tenant's history: whoever looks next drops all that it remembers of the tenant.
What becomes of either row is not known before, and can't be seen afterwards.
"""

from collections.abc import Iterator

import sqlalchemy as sa

from watchword.server.storage import schema
from watchword.server.storage.watched import WATCHED, Watched

PREFIX = "watch_"
_KEYS = (sa.PrimaryKeyConstraint, sa.UniqueConstraint)
_OTHER_ROWS = {"INSERT": "", "UPDATE": "rowid <> OLD.rowid AND "}


def definitions() -> dict[str, str]:
    """
    Return the triggers that there should be, by name.
    """
    statements: dict[str, str] = {}
    for watched in {watched.table: watched for watched in WATCHED}.values():
        for event, other_rows in _OTHER_ROWS.items():
            name = f"{PREFIX}{watched.table}_taken_{event.lower()}"
            taken = "\n  OR ".join(
                f"EXISTS (SELECT 1 FROM {watched.table} WHERE {other_rows}{same})" for same in sorted(_same(watched))
            )
            statements[name] = f"CREATE TRIGGER {name} BEFORE {event} ON {watched.table}\n{_body(watched, taken)}"
    return statements


def _same(watched: Watched) -> Iterator[str]:
    """
    Say for each key that no two rows share, as SQL, that a row has NEW's.
    """
    table = schema.metadata.tables[watched.table]
    for constraint in table.constraints:
        if isinstance(constraint, _KEYS):
            yield _equal(constraint.columns.keys())
    for index in table.indexes:
        if index.unique:
            where = str(index.dialect_options["sqlite"]["where"])
            yield f"{_equal(index.columns.keys())} AND {where} AND {where.replace(f'{table.name}.', 'NEW.')}"


def _equal(columns: list[str]) -> str:
    return " AND ".join(f"{column} = NEW.{column}" for column in columns)


def _body(watched: Watched, taken: str) -> str:
    tenant = f"WHERE tenant_id = NEW.{watched.tenant}"
    return f"""WHEN {taken}
BEGIN
  UPDATE change_counters SET number = number + 2 {tenant};
  INSERT INTO changes (tenant_id, number, nonce, kind, key)
  SELECT tenant_id, number, lower(hex(randomblob(8))), 'tenant', tenant_id FROM change_counters {tenant};
END"""
