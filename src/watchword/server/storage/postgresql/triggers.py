"""
The change triggers of PostgreSQL, one run a statement: with one a row, a statement of many rows takes quadratic time.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from watchword.server.storage.schema import WATCHED, Watched

PREFIX = "watch_"
# The bits of pg_trigger.tgtype: none for "each row" or "before".
_EVENTS = {"INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}
_TRANSITIONS = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "TRUNCATE": "",
}
# Temporary tables come last, else whoever makes one called `changes` would be heard by nobody.
_PATH = "quote_ident(current_schema()) || ', pg_temp'"
_PRESENT = f"""
SELECT tgname AS name, relname AS table_name, tgtype AS event, prosrc AS body
FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid
WHERE starts_with(tgname, '{PREFIX}') AND pg_table_is_visible(tgrelid) AND NOT tgisinternal
  AND tgenabled = 'A' AND tgqual IS NULL AND tgattr = '' AND proconfig = ARRAY['search_path=' || {_PATH}]
"""
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


@dataclass(frozen=True, slots=True)
class Definition:
    """
    A trigger, and what its function does.

    Attributes:
        event: As pg_trigger has it.
    """

    name: str
    table: str
    event: int
    body: str


def create(connection: sa.Connection, definition: Definition) -> None:
    """
    Create a trigger and its function.

    It finds its tables whatever the writer's search path is, and fires whatever its `session_replication_role` is.
    """
    path = connection.exec_driver_sql(f"SELECT {_PATH}").scalar_one()
    event = next(name for name, bit in _EVENTS.items() if bit == definition.event)
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {definition.name}() RETURNS trigger LANGUAGE plpgsql "
        f"SET search_path TO {path} AS $body${definition.body}$body$"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {definition.name} AFTER {event} ON {definition.table} {_TRANSITIONS[event]} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {definition.name}()"
    )
    connection.exec_driver_sql(f"ALTER TABLE {definition.table} ENABLE ALWAYS TRIGGER {definition.name}")


def drop_all(connection: sa.Connection) -> None:
    """
    Drop all change triggers that are there, in whatever state.
    """
    rows = connection.exec_driver_sql(
        "SELECT tgname AS name, tgrelid::regclass AS table_name FROM pg_trigger "
        f"WHERE starts_with(tgname, '{PREFIX}') AND pg_table_is_visible(tgrelid) AND NOT tgisinternal"
    ).all()
    for row in rows:
        connection.exec_driver_sql(f'DROP TRIGGER "{row.name}" ON {row.table_name}')


def present(connection: sa.Connection) -> dict[str, Definition]:
    """
    Return the change triggers that are there and enabled, by name.
    """
    rows = connection.exec_driver_sql(_PRESENT)
    return {row.name: Definition(row.name, row.table_name, row.event, row.body) for row in rows}


def definitions() -> dict[str, Definition]:
    """
    Return the change triggers that there should be, by name.
    """
    wanted: dict[str, Definition] = {}
    for watched in WATCHED:
        for event, bit in _EVENTS.items():
            name = f"{PREFIX}{watched.table}_{watched.kind}_{event.lower()}"
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
