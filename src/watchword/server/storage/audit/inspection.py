"""
Small questions about a log.
"""

import sqlalchemy as sa

from watchword.server.domain.log_chain import Position
from watchword.server.storage.audit.chains import Chain
from watchword.server.storage.database import Connection


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
