"""
What jobs do to rows: leases, pruning, notes. None of it touches what decisions read.
"""

from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa

from watchword.server.storage import schema
from watchword.server.storage.audit.inserting import insert_into
from watchword.server.storage.database import Connection
from watchword.server.storage.transaction import Upkeep

CHANGES_KEPT = 10_000
_MOST_CLOCKS_APART = timedelta(minutes=1)
_PROOF = "proof-of-writing"


def take_lease(upkeep: Upkeep, job: str, now: datetime, until: datetime) -> bool:
    """
    Take a job's turn, unless another process has it.

    Args:
        until: When the turn ends, and somebody may take the next one.
    """
    table = schema.jobs
    known = sa.select(table.c.name).where(table.c.name == job)
    if upkeep.connection.execute(known).first() is None:
        with suppress(sa.exc.IntegrityError), upkeep.connection.begin_nested():
            upkeep.execute(table.insert().values(name=job, leased_until=until))
            return True
    # One that ends well after the one that could be taken now was taken by a clock that ran ahead.
    is_over = sa.or_(table.c.leased_until <= now, table.c.leased_until > until + _MOST_CLOCKS_APART)
    return upkeep.execute(table.update().where(table.c.name == job, is_over).values(leased_until=until)) > 0


def prove_writing(upkeep: Upkeep, now: datetime) -> None:
    """
    Change something of no consequence, so that the commit proves that the database can be written.
    """
    added = insert_into(upkeep.connection, schema.jobs).values(name=_PROOF, leased_until=now)
    upkeep.execute(added.on_conflict_do_update(index_elements=["name"], set_={"leased_until": now}))


def delete_secret_copies(upkeep: Upkeep, made_before: datetime) -> int:
    """
    Delete the sealed copies of secrets that may no longer be read back; return how many.
    """
    table = schema.secret_copies
    return upkeep.execute(table.delete().where(table.c.created_at <= made_before))


def prune_changes(upkeep: Upkeep) -> int:
    """
    Delete all but the newest changes of each tenant; return how many.

    A process that has not looked for so long finds a gap, and forgets everything: that is right.
    """
    table, counters = schema.changes, schema.change_counters
    newest = sa.select(counters.c.number).where(counters.c.tenant_id == table.c.tenant_id).scalar_subquery()
    return upkeep.execute(table.delete().where(table.c.number <= newest - CHANGES_KEPT))


def note_token_log(upkeep: Upkeep, installation_id: str, number: int, now: datetime) -> None:
    """
    Note how far the token log has come; it never goes back, unless that was forgotten.
    """
    table = schema.token_log_marks
    mine = table.c.installation_id == installation_id
    if upkeep.connection.execute(sa.select(table.c.number).where(mine)).first() is None:
        upkeep.execute(table.insert().values(installation_id=installation_id, number=number, noted_at=now))
    else:
        upkeep.execute(table.update().where(mine, table.c.number <= number).values(number=number, noted_at=now))


def forget_token_log(upkeep: Upkeep, installation_id: str) -> int:
    """
    Forget how far the token log had come, and return it: what is noted next counts, whatever it is.
    """
    noted = noted_number(upkeep.connection, installation_id)
    table = schema.token_log_marks
    upkeep.execute(table.delete().where(table.c.installation_id == installation_id))
    return noted


def noted_number(connection: Connection, installation_id: str) -> int:
    """
    Return how far the token log had come when it was last noted.
    """
    table = schema.token_log_marks
    query = sa.select(table.c.number).where(table.c.installation_id == installation_id)
    return connection.execute(query).scalar_one_or_none() or 0
