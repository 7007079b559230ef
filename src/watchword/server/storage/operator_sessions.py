"""
Sessions of operators, as rows.
"""

from datetime import datetime

import sqlalchemy as sa

from watchword.server.domain.operators import Operator, OperatorSession
from watchword.server.storage import rows, schema
from watchword.server.storage.transaction import Transaction, Upkeep

_T = schema.operator_sessions
_OPERATORS = schema.operators
_LINKS = schema.operator_links


def insert(tx: Transaction, session: OperatorSession) -> None:
    """
    Add a session.
    """
    rows.insert(tx, _T, session)


def find(connection: sa.Connection, tenant_id: str, session_id: str) -> tuple[OperatorSession, Operator] | None:
    """
    Return a session with its operator, or None; it may be over.
    """
    of = [_OPERATORS.c[name].label(f"of_{name}") for name in ("id", "name", "role", "created_at")]
    query = (
        sa.select(*rows.columns(_T, OperatorSession), *of)
        .join(_OPERATORS, sa.and_(_OPERATORS.c.tenant_id == _T.c.tenant_id, _OPERATORS.c.id == _T.c.operator_id))
        .where(_T.c.tenant_id == tenant_id, _T.c.id == session_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    operator = Operator(
        tenant_id=tenant_id, id=row.of_id, name=row.of_name, role=row.of_role, created_at=row.of_created_at
    )
    return rows.to_record(OperatorSession, row), operator


def listing(tx: Transaction, operator_id: str) -> list[OperatorSession]:
    """
    List an operator's sessions, the newest first; some may be over.
    """
    query = sa.select(*rows.columns(_T, OperatorSession)).where(rows.of_tenant(tx, _T), _T.c.operator_id == operator_id)
    ordered = query.order_by(_T.c.created_at.desc(), _T.c.id)
    return [rows.to_record(OperatorSession, row) for row in tx.connection.execute(ordered)]


def delete(tx: Transaction, operator_id: str, session_id: str) -> bool:
    """
    End a session of an operator; tell whether there was one.
    """
    return rows.delete(tx, _T, operator_id=operator_id, id=session_id)


def note_use(upkeep: Upkeep, session: OperatorSession, now: datetime) -> None:
    """
    Note that a session is in use.
    """
    of_session = (_T.c.tenant_id == session.tenant_id, _T.c.id == session.id)
    upkeep.execute(_T.update().where(*of_session).values(used_at=now))


def delete_ended(upkeep: Upkeep, *, created_before: datetime, used_before: datetime, links_before: datetime) -> None:
    """
    Delete sessions and invitations that are over.
    """
    is_over = sa.or_(_T.c.created_at <= created_before, _T.c.used_at <= used_before)
    upkeep.execute(_T.delete().where(is_over))
    upkeep.execute(_LINKS.delete().where(_LINKS.c.created_at <= links_before))
