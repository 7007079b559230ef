"""
Installation and tenants, as rows.
"""

from datetime import datetime

import sqlalchemy as sa

from watchword.protocol.names import Algorithm
from watchword.server.domain.names import DEFAULT_TOKEN_LIFETIME
from watchword.server.domain.records import Tenant
from watchword.server.domain.signing_keys import OwnAlgorithm
from watchword.server.storage import rows, schema, token_schema
from watchword.server.storage.transaction import Transaction


def installation_id(connection: sa.Connection) -> str | None:
    """
    Return the id of the installation, or None before it has one.
    """
    return connection.execute(sa.select(schema.installation.c.id)).scalar_one_or_none()


def set_installation_id(connection: sa.Connection, installation_id: str, now: datetime) -> None:
    """
    Give a new database its installation id.
    """
    connection.execute(schema.installation.insert().values(id=installation_id, created_at=now))


def token_log_installation_id(connection: sa.Connection) -> str | None:
    """
    Return the id of the installation that a token log belongs to.
    """
    return connection.execute(sa.select(token_schema.installation.c.id)).scalar_one_or_none()


def token_log_holds_events(connection: sa.Connection) -> bool:
    """
    Tell whether a token log has anything in it.
    """
    return connection.execute(sa.select(token_schema.token_events.c.number).limit(1)).first() is not None


def set_token_log_installation_id(connection: sa.Connection, installation_id: str) -> None:
    """
    Bind a new token log to its installation.
    """
    connection.execute(token_schema.installation.insert().values(id=installation_id))


def holds_a_tenant(connection: sa.Connection) -> bool:
    """
    Tell whether the database has been set up.
    """
    if not sa.inspect(connection).has_table(schema.tenants.name):
        return False
    return connection.execute(sa.select(schema.tenants.c.id).limit(1)).first() is not None


def tenant_ids(connection: sa.Connection) -> list[str]:
    """
    Return the ids of all tenants.
    """
    return list(connection.execute(sa.select(schema.tenants.c.id).order_by(schema.tenants.c.id)).scalars())


def insert(tx: Transaction, tenant: Tenant) -> None:
    """
    Add the transaction's tenant.
    """
    rows_of = {
        "id": tenant.id,
        "signing_algorithm": tenant.signing_algorithm,
        "created_at": tenant.created_at,
    }
    tx.connection.execute(schema.tenants.insert().values(**rows_of))


def own_algorithm(tx: Transaction) -> OwnAlgorithm:
    """
    Return what the tenant's tokens are signed with unless a resource has its own algorithm.
    """
    table = schema.tenants
    query = sa.select(table.c.signing_algorithm, table.c.next_signing_algorithm, table.c.next_algorithm_from)
    row = tx.connection.execute(query.where(table.c.id == tx.tenant_id)).one()
    return OwnAlgorithm(present=row[0], following=row[1], following_from=row[2])


def set_own_algorithm(tx: Transaction, own: OwnAlgorithm) -> None:
    """
    Change what the tenant's tokens are signed with, now or from an instant on.
    """
    values = {
        "signing_algorithm": own.present,
        "next_signing_algorithm": own.following,
        "next_algorithm_from": own.following_from,
    }
    tx.connection.execute(schema.tenants.update().where(schema.tenants.c.id == tx.tenant_id).values(**values))


def algorithms_of_resources(tx: Transaction) -> set[Algorithm]:
    """
    Return the algorithms that API resources have of their own.
    """
    table = schema.resources
    query = sa.select(table.c.signing_algorithm).where(
        rows.of_tenant(tx, table), table.c.signing_algorithm.is_not(None)
    )
    return set(tx.connection.execute(query.distinct()).scalars())


def longest_token_lifetime(tx: Transaction) -> int:
    """
    Return the most seconds that a token of the tenant lives, as its API resources say now.
    """
    table = schema.resources
    query = sa.select(sa.func.max(table.c.access_token_ttl)).where(rows.of_tenant(tx, table))
    return tx.connection.execute(query).scalar_one_or_none() or DEFAULT_TOKEN_LIFETIME


def first_manager(tx: Transaction, role_name: str) -> str | None:
    """
    Return the id of the oldest application that holds the role of this name.
    """
    table, links, roles = schema.applications, schema.application_roles, schema.roles
    query = (
        sa.select(table.c.id)
        .join(links, sa.and_(links.c.tenant_id == table.c.tenant_id, links.c.application_id == table.c.id))
        .join(roles, sa.and_(roles.c.tenant_id == links.c.tenant_id, roles.c.id == links.c.role_id))
        .where(rows.of_tenant(tx, table), roles.c.name == role_name)
        .order_by(table.c.created_at, table.c.id)
    )
    return tx.connection.execute(query.limit(1)).scalar_one_or_none()
