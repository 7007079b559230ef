"""
Operators, their invitations and their sessions, as rows.
"""

from datetime import datetime

import sqlalchemy as sa

from watchword.server.domain.names import OperatorRole
from watchword.server.domain.operators import Operator, OperatorLink, OperatorSession
from watchword.server.domain.search import fold_case
from watchword.server.storage import rows, schema
from watchword.server.storage.transaction import Transaction, Upkeep

_T = schema.operators
_LINKS = schema.operator_links
_SESSIONS = schema.operator_sessions


def load(connection: sa.Connection, tenant_id: str, operator_id: str) -> Operator | None:
    """
    Return an operator, or None.
    """
    query = sa.select(*rows.columns(_T, Operator)).where(_T.c.tenant_id == tenant_id, _T.c.id == operator_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else rows.to_record(Operator, row)


def load_link(connection: sa.Connection, tenant_id: str, link_id: str) -> OperatorLink | None:
    """
    Return an invitation, or None.
    """
    query = sa.select(*rows.columns(_LINKS, OperatorLink)).where(
        _LINKS.c.tenant_id == tenant_id, _LINKS.c.id == link_id
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else rows.to_record(OperatorLink, row)


def listing(tx: Transaction) -> list[Operator]:
    """
    List all operators, oldest first.
    """
    query = sa.select(*rows.columns(_T, Operator)).where(rows.of_tenant(tx, _T))
    ordered = query.order_by(_T.c.created_at, _T.c.id)
    return [rows.to_record(Operator, row) for row in tx.connection.execute(ordered)]


def is_anybody_there(connection: sa.Connection, tenant_id: str) -> bool:
    """
    Tell whether there is an operator.
    """
    return connection.execute(sa.select(_T.c.id).where(_T.c.tenant_id == tenant_id).limit(1)).first() is not None


def find_by_name(connection: sa.Connection, tenant_id: str, name: str) -> tuple[Operator, str] | None:
    """
    Return the operator with this name, in whatever case, and the digest of the password; or None.
    """
    query = sa.select(*rows.columns(_T, Operator), _T.c.password_digest).where(
        _T.c.tenant_id == tenant_id, _T.c.folded_name == fold_case(name)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else (rows.to_record(Operator, row), row.password_digest)


def is_name_taken(tx: Transaction, name: str) -> bool:
    """
    Tell whether an operator has this name, in whatever case.
    """
    return rows.exists(tx, _T, folded_name=fold_case(name))


def insert(tx: Transaction, operator: Operator, password_digest: str) -> None:
    """
    Add an operator.
    """
    rows.insert(tx, _T, operator, folded_name=fold_case(operator.name), password_digest=password_digest)


def set_role(tx: Transaction, operator_id: str, role: OperatorRole) -> None:
    """
    Give an operator another role.
    """
    rows.update(tx, _T, {"role": role}, id=operator_id)


def delete(tx: Transaction, operator_id: str) -> bool:
    """
    Remove an operator with all sessions; tell whether there was one.
    """
    return rows.delete(tx, _T, id=operator_id)


def insert_link(tx: Transaction, link: OperatorLink) -> None:
    """
    Add an invitation.
    """
    rows.insert(tx, _LINKS, link)


def link_of(tx: Transaction, link_id: str) -> OperatorLink | None:
    """
    Return an invitation, or None.
    """
    return load_link(tx.connection, tx.tenant_id, link_id)


def delete_link(tx: Transaction, link_id: str) -> bool:
    """
    Use up an invitation; tell whether there was one.
    """
    return rows.delete(tx, _LINKS, id=link_id)


def delete_links(tx: Transaction) -> None:
    """
    Take all invitations back.
    """
    rows.delete(tx, _LINKS)


def insert_session(tx: Transaction, session: OperatorSession) -> None:
    """
    Add a session.
    """
    rows.insert(tx, _SESSIONS, session)


def find_session(connection: sa.Connection, tenant_id: str, session_id: str) -> tuple[OperatorSession, Operator] | None:
    """
    Return a session with its operator, or None; it may be over.
    """
    of = [_T.c[name].label(f"of_{name}") for name in ("id", "name", "role", "created_at")]
    query = (
        sa.select(*rows.columns(_SESSIONS, OperatorSession), *of)
        .join(_T, sa.and_(_T.c.tenant_id == _SESSIONS.c.tenant_id, _T.c.id == _SESSIONS.c.operator_id))
        .where(_SESSIONS.c.tenant_id == tenant_id, _SESSIONS.c.id == session_id)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    operator = Operator(
        tenant_id=tenant_id, id=row.of_id, name=row.of_name, role=row.of_role, created_at=row.of_created_at
    )
    return rows.to_record(OperatorSession, row), operator


def delete_session(tx: Transaction, session_id: str) -> bool:
    """
    End a session; tell whether there was one.
    """
    return rows.delete(tx, _SESSIONS, id=session_id)


def note_use(upkeep: Upkeep, session: OperatorSession, now: datetime) -> None:
    """
    Note that a session is in use.
    """
    of_session = (_SESSIONS.c.tenant_id == session.tenant_id, _SESSIONS.c.id == session.id)
    upkeep.execute(_SESSIONS.update().where(*of_session).values(used_at=now))


def delete_ended(upkeep: Upkeep, *, created_before: datetime, used_before: datetime, links_before: datetime) -> None:
    """
    Delete sessions and invitations that are over.
    """
    is_over = sa.or_(_SESSIONS.c.created_at <= created_before, _SESSIONS.c.used_at <= used_before)
    upkeep.execute(_SESSIONS.delete().where(is_over))
    upkeep.execute(_LINKS.delete().where(_LINKS.c.created_at <= links_before))
