"""
A trigger of PostgreSQL: what it is made of, made, found and dropped.
"""

import msgspec
import sqlalchemy as sa

# The bits of pg_trigger.tgtype: none for "each row" or "before".
EVENTS = {"INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}
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
WHERE split_part(tgname::text, '_', 1) = ANY (%s) AND pg_table_is_visible(tgrelid) AND NOT tgisinternal
  AND tgenabled = 'A' AND tgqual IS NULL AND tgattr = '' AND proconfig = ARRAY['search_path=' || {_PATH}]
"""
_IN_ANY_STATE = """
SELECT tgname AS name, tgrelid::regclass AS table_name FROM pg_trigger
WHERE split_part(tgname::text, '_', 1) = ANY (%s) AND pg_table_is_visible(tgrelid) AND NOT tgisinternal
"""


class Definition(msgspec.Struct, frozen=True):
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
    event = next(name for name, bit in EVENTS.items() if bit == definition.event)
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {definition.name}() RETURNS trigger LANGUAGE plpgsql "
        f"SET search_path TO {path} AS $body${definition.body}$body$"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {definition.name} AFTER {event} ON {definition.table} {_TRANSITIONS[event]} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {definition.name}()"
    )
    connection.exec_driver_sql(f"ALTER TABLE {definition.table} ENABLE ALWAYS TRIGGER {definition.name}")


def drop(connection: sa.Connection, families: list[str]) -> None:
    """
    Drop all triggers of these families, the first words of their names, in whatever state.
    """
    for row in connection.exec_driver_sql(_IN_ANY_STATE, (families,)).all():
        connection.exec_driver_sql(f'DROP TRIGGER "{row.name}" ON {row.table_name}')


def find(connection: sa.Connection, families: list[str]) -> dict[str, Definition]:
    """
    Return the triggers that are there and enabled and of these families, by name.
    """
    rows = connection.exec_driver_sql(_PRESENT, (families,))
    return {row.name: Definition(row.name, row.table_name, row.event, row.body) for row in rows}
