"""
Operators and their invitations, as rows.
"""

import sqlalchemy as sa

from watchword.server.domain.names import OperatorRole
from watchword.server.domain.operators import Operator, OperatorLink
from watchword.server.domain.search import fold_case
from watchword.server.storage import rows, schema
from watchword.server.storage.transaction import Transaction

_T = schema.operators
_LINKS = schema.operator_links


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


def password_digest(connection: sa.Connection, tenant_id: str, operator_id: str) -> str | None:
    """
    Return the digest of an operator's password; None where there is no such operator.
    """
    query = sa.select(_T.c.password_digest).where(_T.c.tenant_id == tenant_id, _T.c.id == operator_id)
    digest: str | None = connection.execute(query).scalar_one_or_none()
    return digest


def set_password(tx: Transaction, operator_id: str, digest: str) -> None:
    """
    Give an operator another password.
    """
    rows.update(tx, _T, {"password_digest": digest}, id=operator_id)


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


def links(tx: Transaction) -> list[OperatorLink]:
    """
    List all invitations, oldest first: those that are too old and still there among them.
    """
    query = sa.select(*rows.columns(_LINKS, OperatorLink)).where(rows.of_tenant(tx, _LINKS))
    ordered = query.order_by(_LINKS.c.created_at, _LINKS.c.id)
    return [rows.to_record(OperatorLink, row) for row in tx.connection.execute(ordered)]


def delete_link(tx: Transaction, link_id: str) -> bool:
    """
    Delete an invitation; tell whether there was one.
    """
    return rows.delete(tx, _LINKS, id=link_id)


def delete_links(tx: Transaction) -> None:
    """
    Take all invitations back.
    """
    rows.delete(tx, _LINKS)
