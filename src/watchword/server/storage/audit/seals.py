"""
Seals and marks, read and written.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from watchword.server.domain.log_chain import BEGINNING, Mark, MarkKind, Position, Seal
from watchword.server.storage.audit.chains import Chain
from watchword.server.storage.audit.inserting import insert_into
from watchword.server.storage.audit.partitions import Partition
from watchword.server.storage.database import Connection
from watchword.server.storage.transaction import Upkeep

_LARGEST_NUMBER = 2**63 - 1
_NOTHING: Mapping[type, object] = {int: -1, str: ""}


class Outrun(Exception):
    """
    Another process moved the chain on meanwhile.
    """


def find_mark(connection: Connection, chain: Chain, kind: MarkKind) -> Mark | None:
    """
    Return a mark, whoever signed it; None where the chain has none yet.
    """
    table = chain.marks
    row = connection.execute(sa.select(table).where(table.c.kind == kind)).one_or_none()
    return None if row is None else _to_mark(kind, _values(table, row))


def seals_after(connection: Connection, chain: Chain, number: int, most: int) -> Sequence[Seal]:
    """
    Return the seals that come next, in order.
    """
    table = chain.seals
    # The upper bound leaves out what is no number, which SQLite sorts after all of them.
    query = (
        sa.select(table)
        .where(table.c.number > number, table.c.number <= _LARGEST_NUMBER)
        .order_by(table.c.number)
        .limit(most)
    )
    return [Seal(**_values(table, row)) for row in connection.execute(query)]


def add_seal(upkeep: Upkeep, chain: Chain, before: Position, seal: Seal, tip: Mark) -> None:
    """
    Add a seal at the end of the chain, and move the tip there.

    Raises:
        Outrun: The chain does not end at `before` any more.
    """
    move_mark(upkeep, chain, before, tip)
    upkeep.execute(
        chain.seals.insert().values(
            number=seal.number,
            first=seal.first,
            last=seal.last,
            count=seal.count,
            newest_at=seal.newest_at,
            sealed_at=seal.sealed_at,
            head=seal.head,
        )
    )


def move_mark(upkeep: Upkeep, chain: Chain, before: Position, mark: Mark) -> None:
    """
    Move a mark on.

    Raises:
        Outrun: It is not at `before` any more.
    """
    table, position = chain.marks, mark.position
    values = {
        "seal": position.seal,
        "last": position.last,
        "head": position.head,
        "made_at": mark.made_at,
        "signature": mark.signature,
    }
    if before != BEGINNING:
        moved = upkeep.execute(
            table.update().where(table.c.kind == mark.kind, table.c.head == before.head).values(**values)
        )
    else:
        first = insert_into(upkeep.connection, table).values(kind=mark.kind, **values)
        moved = upkeep.execute(first.on_conflict_do_nothing().execution_options(preserve_rowcount=True))
    if not moved:
        raise Outrun(f"another process moved the {mark.kind} of {chain.name}")


def seal_over(connection: Connection, chain: Chain, after: Position, number: int) -> Seal | None:
    """
    Return the seal that covers a record, which comes after a place in the chain; None where it is not sealed yet.
    """
    table = chain.seals
    query = sa.select(table).where(table.c.number > after.seal, table.c.last >= number).order_by(table.c.number)
    row = connection.execute(query.limit(1)).first()
    return None if row is None else Seal(**_values(table, row))


def written_until(connection: Connection, chain: Chain, after: Position, seal: Seal) -> int:
    """
    Return when the youngest record was written at the latest of those from a place in the chain up to a seal.
    """
    table = chain.seals
    latest = sa.case((table.c.newest_at < table.c.sealed_at, table.c.newest_at), else_=table.c.sealed_at)
    query = sa.select(sa.func.max(latest)).where(table.c.number.between(after.seal + 1, seal.number))
    found: int = connection.execute(query).scalar_one()
    return found


def sealed_until(connection: Connection, chain: Chain, seal: Seal) -> int:
    """
    Return when a seal was made at the latest, by its own clock and those of all that came later.
    """
    table = chain.seals
    query = sa.select(sa.func.min(table.c.sealed_at)).where(table.c.number >= seal.number)
    found: int = connection.execute(query).scalar_one()
    return found


def drop_sealed(upkeep: Upkeep, chain: Chain, after: Position, seal: Seal, *, besides: Partition | None = None) -> None:
    """
    Drop the seals up to one, from a place in the chain on, and the records under them.

    Args:
        besides: The records that lie in it stay: they go with it.
    """
    records, table = chain.records, chain.seals
    dropped = records.delete().where(records.c.number.between(after.last + 1, seal.last))
    if besides is not None:
        dropped = dropped.where(sa.or_(records.c.created_at < besides.first, records.c.created_at >= besides.end))
    upkeep.execute(dropped)
    upkeep.execute(table.delete().where(table.c.number.between(after.seal + 1, seal.number)))


def _values(table: sa.Table, row: sa.Row[*tuple[Any, ...]]) -> dict[str, Any]:
    # SQLite keeps a value of any type in any column. What somebody put there is to be found, and not to stop the
    # search: it is read as a value that nothing has.
    return {
        column.name: value if type(value) is column.type.python_type else _NOTHING[column.type.python_type]
        for column, value in zip(table.c, row, strict=True)
    }


def _to_mark(kind: MarkKind, values: dict[str, Any]) -> Mark:
    return Mark(
        kind=kind,
        position=Position(seal=values["seal"], last=values["last"], head=values["head"]),
        made_at=values["made_at"],
        signature=values["signature"],
    )
