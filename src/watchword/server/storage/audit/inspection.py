"""
Small questions about a log.
"""

import sqlalchemy as sa

from watchword.server.domain.log_chain import MarkKind, Position
from watchword.server.storage.audit.chains import Chain
from watchword.server.storage.audit.reading import newest_number
from watchword.server.storage.audit.seals import find_mark
from watchword.server.storage.database import Connection


def furthest_number(connection: Connection, chain: Chain) -> int:
    """
    Return how far a log is known to have come: to its newest record, or, where retention has dropped that, to its tip.
    """
    tip = find_mark(connection, chain, MarkKind.TIP)
    return max(newest_number(connection, chain), 0 if tip is None else tip.position.last)


def has_leftovers(connection: Connection, chain: Chain, dropped: Position) -> bool:
    """
    Tell whether there is a record or a seal where retention has dropped all.
    """
    parts = (
        sa.exists().where(chain.records.c.number <= dropped.last),
        sa.exists().where(chain.seals.c.number <= dropped.seal),
    )
    return any(connection.execute(sa.select(part)).scalar_one() for part in parts)


def count_after(connection: Connection, chain: Chain, number: int) -> int:
    """
    Count the records with larger numbers.
    """
    counted = sa.select(sa.func.count()).select_from(chain.records).where(chain.records.c.number > number)
    return connection.execute(counted).scalar_one()
