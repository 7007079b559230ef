"""
How often passwords were tried lately, as rows.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from watchword.server.storage import schema
from watchword.server.storage.audit.inserting import insert_into
from watchword.server.storage.transaction import Upkeep

_T = schema.operator_tries


def count(upkeep: Upkeep, tenant_id: str, what: str, now: datetime, lasts: timedelta) -> tuple[int, datetime]:
    """
    Count a try; return how many there were, with it, since when.

    Args:
        what: Digest of what is counted together.
        lasts: After so long counting begins anew.
    """
    # A beginning that lies ahead was written by a clock that was wrong.
    goes_on = sa.and_(_T.c.began_at > now - lasts, _T.c.began_at <= now + lasts)
    added = insert_into(upkeep.connection, _T).values(tenant_id=tenant_id, id=what, number=1, began_at=now)
    counted = added.on_conflict_do_update(
        index_elements=["tenant_id", "id"],
        set_={
            "number": sa.case((goes_on, _T.c.number + 1), else_=1),
            "began_at": sa.case((goes_on, _T.c.began_at), else_=added.excluded.began_at),
        },
    )
    upkeep.execute(counted)
    row = upkeep.connection.execute(
        sa.select(_T.c.number, _T.c.began_at).where(_T.c.tenant_id == tenant_id, _T.c.id == what)
    ).one()
    return row.number, row.began_at


def take_back(upkeep: Upkeep, tenant_id: str, what: str) -> None:
    """
    Count one try less.
    """
    of_it = (_T.c.tenant_id == tenant_id, _T.c.id == what, _T.c.number > 0)
    upkeep.execute(_T.update().where(*of_it).values(number=_T.c.number - 1))


def forget(upkeep: Upkeep, began_before: datetime) -> None:
    """
    Delete what is counted no more.
    """
    upkeep.execute(_T.delete().where(_T.c.began_at <= began_before))
