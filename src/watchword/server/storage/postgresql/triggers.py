"""
The triggers of PostgreSQL, one run a statement: with one a row, a statement of many rows takes quadratic time.

Those that tell of changes are defined here, those that count in `counting.py`.
"""

import sqlalchemy as sa

from watchword.server.storage.postgresql import counting, trigger
from watchword.server.storage.postgresql.trigger import EVENTS, Definition, create
from watchword.server.storage.watched import WATCHED, Watched

__all__ = ["create", "definitions", "drop_all", "present"]

_FAMILIES = ["watch", "count"]
# The numbers come from the counter's row, whose lock puts the commits in order. A statement changes a key once.
_APPEND = """
BEGIN
  WITH changed AS ({changed}),
  counted AS (SELECT tenant, count(*) AS many FROM changed GROUP BY tenant),
  moved AS (
    UPDATE change_counters SET number = number + many FROM counted WHERE tenant_id = tenant
    RETURNING tenant_id, number - many AS base
  )
  INSERT INTO changes (tenant_id, number, nonce, kind, key)
  SELECT tenant_id, base + row_number() OVER (PARTITION BY tenant_id ORDER BY changed.key),
    replace(gen_random_uuid()::text, '-', ''), '{kind}', changed.key
  FROM changed JOIN moved ON tenant_id = tenant;
  RETURN NULL;
END
"""
_BEGIN_COUNTING = """
BEGIN
  INSERT INTO change_counters (tenant_id, number) SELECT id, 0 FROM new_rows ON CONFLICT (tenant_id) DO NOTHING;"""
# Nobody can tell which rows there were: a gap in every tenant's numbers makes whoever looks forget everything.
_VOID = """
BEGIN
  WITH moved AS (UPDATE change_counters SET number = number + 2 RETURNING tenant_id, number)
  INSERT INTO changes (tenant_id, number, nonce, kind, key)
  SELECT tenant_id, number, replace(gen_random_uuid()::text, '-', ''), 'tenant', tenant_id FROM moved;
  RETURN NULL;
END
"""


def drop_all(connection: sa.Connection) -> None:
    """
    Drop all triggers that are there, in whatever state.
    """
    trigger.drop(connection, _FAMILIES)


def present(connection: sa.Connection) -> dict[str, Definition]:
    """
    Return the triggers that are there and enabled, by name.
    """
    return trigger.find(connection, _FAMILIES)


def pause(connection: sa.Connection) -> None:
    """
    Disable the change triggers, until this transaction enables them again: others see no change of them.
    """
    _switch(connection, "DISABLE")


def resume(connection: sa.Connection) -> None:
    """
    Enable the change triggers that were disabled, whatever a session says.
    """
    _switch(connection, "ENABLE ALWAYS")


def definitions() -> dict[str, Definition]:
    """
    Return the triggers that there should be, by name.
    """
    return {**_changes(), **counting.definitions()}


def _switch(connection: sa.Connection, how: str) -> None:
    for definition in _changes().values():
        connection.exec_driver_sql(f"ALTER TABLE {definition.table} {how} TRIGGER {definition.name}")


def _changes() -> dict[str, Definition]:
    wanted: dict[str, Definition] = {}
    for watched in WATCHED:
        for event, bit in EVENTS.items():
            name = f"watch_{watched.table}_{watched.kind}_{event.lower()}"
            wanted[name] = Definition(name, watched.table, bit, _body(watched, event))
    return wanted


def _body(watched: Watched, event: str) -> str:
    if event == "TRUNCATE":
        return _VOID
    # UNION keeps one of each: a row that stays with its key is one change.
    sources = {"INSERT": ["new_rows"], "DELETE": ["old_rows"], "UPDATE": ["old_rows", "new_rows"]}[event]
    changed = " UNION ".join(
        f"SELECT DISTINCT {watched.tenant} AS tenant, {watched.key} AS key FROM {source}" for source in sources
    )
    body = _APPEND.format(changed=changed, kind=watched.kind)
    if watched.table == "tenants" and event == "INSERT":
        return body.replace("\nBEGIN", _BEGIN_COUNTING, 1)
    return body
