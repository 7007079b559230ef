"""
Copying an installation from one database to the other: every row of every table, in batches, then proved.

What is copied is compared by counts and digests inside the transaction that wrote it: all of it stands, or nothing.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from watchword.server.storage import changes, migrate, schema, settling, tenants, token_schema, triggers
from watchword.server.storage.audit import places
from watchword.server.storage.database import Connection, Database

ROWS_AT_ONCE = 1_000
# What running servers have seen is of one database alone; the copy's history begins with a gap.
_LEFT_OUT = frozenset({schema.changes.name})
_DIGEST_BYTES = 32


class CopyError(Exception):
    """
    The copy can't be made, or is not what it was made from. Nothing was changed. The text says what is wrong.
    """


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """
    A table that was copied.

    Attributes:
        digest: Of all rows, whatever their order; the same in both databases.
    """

    table: str
    rows: int
    digest: str


def copy_installation(source: Database, target: Database, report: Callable[[Copied], None]) -> list[Copied]:
    """
    Copy all that a database holds into an empty one, whose schema is of this version, as the source's is.

    The source is read in one snapshot. Servers must not write it meanwhile: what they add later is not copied.

    Args:
        report: Told of each table that is done.

    Raises:
        CopyError: The source holds no installation, the target holds something, or the copy differs.
        SchemaError: One of them comes from a newer version, or the source's token log is another installation's.
        StorageUnavailable: One of them can't be used, or the source's token log is missing.
    """
    _prepare(source)
    done: list[Copied] = []
    with source.read() as origin, target.administer(with_tokens=True) as main:
        for connection in (origin, main):
            _let_idle(connection)
        migrate.check_known(migrate.version_of(origin), "main")
        migrate.check_known(migrate.version_of(origin, "tokens"), "tokens")
        _bring_up_to_date(main, "main")
        _check_empty(main, schema.metadata, target)
        triggers.drop_all(main)
        for table in schema.metadata.sorted_tables:
            if table.name not in _LEFT_OUT:
                done.append(_copy(origin, table, main, table))
                report(done[-1])
                _go_on_counting(main, table, _highest(origin, table))
        with target.administer_tokens(main) as tokens:
            _bring_up_to_date(tokens, "tokens")
            _check_empty(tokens, token_schema.metadata, target)
            for table in token_schema.metadata.sorted_tables:
                done.append(_copy(origin, _as_read(table), tokens, table))
                report(done[-1])
                _go_on_counting(tokens, table, _highest(origin, _as_read(table)))
            places.fill(tokens)
        triggers.install(main)
        for tenant_id in tenants.tenant_ids(main):
            changes.void_everything(main, tenant_id)
    return done


def _prepare(source: Database) -> None:
    standing = settling.look(source)
    if standing.installation is None:
        raise CopyError(f"{source.name} holds no installation: there is nothing to copy")
    settling.check(source, settling.bring_up_to_date(source, standing))


def _bring_up_to_date(connection: Connection, history: str) -> None:
    migrate.bring_up_to_date(connection, history)
    migrate.check_known(migrate.version_of(connection), history)


def _let_idle(connection: Connection) -> None:
    """
    Let a transaction wait for the other database, which reads and writes long tables meanwhile.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def _check_empty(connection: Connection, metadata: sa.MetaData, target: Database) -> None:
    for table in metadata.sorted_tables:
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
            raise CopyError(f"{target.name} is not empty: its table {table.name} holds rows; copy into a new database")


def _as_read(table: sa.Table) -> sa.Table:
    return table.to_metadata(sa.MetaData(schema="tokens"))


def _copy(origin: Connection, read: sa.Table, connection: Connection, table: sa.Table) -> Copied:
    names = [column.name for column in table.c]
    insert = sa.insert(sa.table(table.name, *map(_as_it_stands, table.c), schema=table.schema))
    read_digest = _Digest()
    for batch in _batches(origin, read):
        read_digest.add(batch)
        connection.execute(insert, [dict(zip(names, row, strict=True)) for row in batch])
    written_digest = _Digest()
    for batch in _batches(connection, table):
        written_digest.add(batch)
    wanted, found = read_digest.copied(table.name), written_digest.copied(table.name)
    if wanted != found:
        raise CopyError(
            f"the copy of {table.name} differs: {wanted.rows} rows of digest {wanted.digest[:16]} were read, "
            f"{found.rows} of digest {found.digest[:16]} written"
        )
    return found


def _text_of(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    # The very text: a record is sealed as it stands there, and read and written anew it would stand otherwise.
    return sa.cast(column, sa.Text).label(column.name) if isinstance(column.type, sa.JSON) else column


def _as_it_stands(column: sa.Column[Any]) -> sa.ColumnClause[Any]:
    return sa.column(column.name, sa.types.NullType() if isinstance(column.type, sa.JSON) else column.type)


def _batches(connection: Connection, table: sa.Table) -> Iterator[list[tuple[Any, ...]]]:
    # By a cursor on the server: a table of any length takes the same memory.
    rows = connection.execute(sa.select(*map(_text_of, table.c)), execution_options={"yield_per": ROWS_AT_ONCE})
    for batch in rows.partitions(ROWS_AT_ONCE):
        yield [tuple(row) for row in batch]


class _Digest:
    """
    Counts rows and sums up their hashes: two databases have no order in common.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0

    def add(self, batch: list[tuple[Any, ...]]) -> None:
        self._rows += len(batch)
        for row in batch:
            self._sum += int.from_bytes(hashlib.sha256(msgspec.json.encode(row)).digest())

    def copied(self, table: str) -> Copied:
        digest = (self._sum % 2 ** (8 * _DIGEST_BYTES)).to_bytes(_DIGEST_BYTES).hex()
        return Copied(table=table, rows=self._rows, digest=digest)


def _highest(origin: Connection, table: sa.Table) -> int:
    # The highest number ever given, also where its record has gone: an id must never mean another record.
    column = table.autoincrement_column
    if column is None:
        return 0
    if origin.dialect.name == "sqlite":
        numbers = sa.table("sqlite_sequence", sa.column("name"), sa.column("seq"), schema=table.schema)
        given = sa.select(numbers.c.seq).where(numbers.c.name == table.name)
    else:
        given = (
            sa.select(sa.column("last_value"))
            .select_from(sa.table(f"{table.name}_{column.name}_seq", schema=table.schema))
            .where(sa.column("is_called"))
        )
    return int(origin.execute(given).scalar() or 0)


def _go_on_counting(connection: Connection, table: sa.Table, highest: int) -> None:
    column = table.autoincrement_column
    if column is None or not highest:
        return
    if connection.dialect.name == "sqlite":
        named = {"name": table.name, "highest": highest}
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name").bindparams(name=table.name))
        connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :highest)"), named)
    else:
        connection.execute(sa.select(sa.func.setval(f"{table.name}_{column.name}_seq", highest)))
