"""
The triggers of PostgreSQL that keep row counts, one run a statement.
"""

from watchword.server.storage.counts import COUNTED, Counted
from watchword.server.storage.postgresql.trigger import EVENTS, Definition

PREFIX = "count_"
# The tenant's change counter is taken first: whoever writes takes that lock and then those of counts, whatever tables
# a transaction writes and in which order, so two writers never wait for each other.
_COUNT = """
BEGIN
  PERFORM 1 FROM change_counters WHERE tenant_id IN (SELECT tenant_id FROM ({rows}) AS moved)
    ORDER BY tenant_id FOR UPDATE;
  INSERT INTO row_counts AS kept (tenant_id, counted, key, number)
  SELECT tenant_id, '{table}', key, sum(many) FROM ({rows}) AS moved
    GROUP BY tenant_id, key HAVING sum(many) <> 0 ORDER BY tenant_id, key
  ON CONFLICT (tenant_id, counted, key) DO UPDATE SET number = kept.number + excluded.number;
  RETURN NULL;
END
"""
_EMPTY = """
BEGIN
  DELETE FROM row_counts WHERE counted = '{table}';
  RETURN NULL;
END
"""


def definitions() -> dict[str, Definition]:
    """
    Return the counting triggers that there should be, by name.
    """
    wanted: dict[str, Definition] = {}
    for counted in COUNTED:
        for event, bit in EVENTS.items():
            name = f"{PREFIX}{counted.table}_{event.lower()}"
            wanted[name] = Definition(name, counted.table, bit, _body(counted, event))
    return wanted


def _body(counted: Counted, event: str) -> str:
    if event == "TRUNCATE":
        return _EMPTY.format(table=counted.table)
    sources = {"INSERT": [("new_rows", 1)], "DELETE": [("old_rows", -1)], "UPDATE": [("new_rows", 1), ("old_rows", -1)]}
    rows = " UNION ALL ".join(
        f"SELECT tenant_id, {counted.key_of(source)} AS key, {many} AS many FROM {source} "
        f"WHERE {counted.condition(source)}"
        for source, many in sources[event]
    )
    return _COUNT.format(table=counted.table, rows=rows)
