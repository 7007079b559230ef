"""
Many rows at once, for whoever fills a database: as ordinary rows, and told to running servers as one change.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from watchword.protocol.credentials import ClientSecret
from watchword.server.domain.names import DEFAULT_SECRET_NAME
from watchword.server.domain.records import Application
from watchword.server.domain.secrets import mask
from watchword.server.storage import changes, rows, schema, search_index, triggers
from watchword.server.storage.postgresql.copying import copy_rows
from watchword.server.storage.transaction import Transaction


class WithSecret(msgspec.Struct, frozen=True, kw_only=True):
    """
    An application to add, with its secret and the ids of its roles.
    """

    application: Application
    secret: ClientSecret
    role_ids: Sequence[str]


@contextmanager
def told_at_once(tx: Transaction) -> Iterator[None]:
    """
    Tell running servers to forget all that they remember of the tenant, in place of every single change.

    A change is a row for each table and each application: a million of them are three million rows that nobody needs.
    """
    triggers.pause(tx.connection)
    yield
    triggers.resume(tx.connection)
    changes.void_everything(tx.connection, tx.tenant_id)


def add_applications(tx: Transaction, added: Sequence[WithSecret]) -> None:
    """
    Add applications. Nobody can read their secrets back: no sealed copies are kept.
    """
    _insert(tx, schema.applications, [rows.to_values(schema.applications, one.application) for one in added])
    _insert(tx, schema.application_secrets, [_secret_values(tx, one) for one in added])
    _insert(tx, schema.application_roles, [_link_values(tx, one, role_id) for one in added for role_id in one.role_ids])


def begin(tx: Transaction) -> None:
    """
    Prepare for many rows, in many transactions.
    """
    search_index.suspend(tx.connection)


def finish(tx: Transaction) -> None:
    """
    Bring up to date what waited for the last row: indexes, and what the database knows of how its rows are spread.
    """
    search_index.install(tx.connection)
    if tx.connection.dialect.name == "postgresql":
        tx.connection.exec_driver_sql("ANALYZE applications, application_secrets, application_roles")


def _secret_values(tx: Transaction, one: WithSecret) -> dict[str, object]:
    return {
        "tenant_id": tx.tenant_id,
        "id": tx.new_id(),
        "application_id": one.application.id,
        "name": DEFAULT_SECRET_NAME,
        "digest": tx.keys.digest(one.secret),
        "masked_value": mask(one.secret),
        "created_at": one.application.created_at,
        "expires_at": None,
    }


def _link_values(tx: Transaction, one: WithSecret, role_id: str) -> dict[str, object]:
    return {
        "tenant_id": tx.tenant_id,
        "application_id": one.application.id,
        "role_id": role_id,
        "created_at": one.application.created_at,
    }


def _insert(tx: Transaction, table: sa.Table, values: list[dict[str, Any]]) -> None:
    if tx.connection.dialect.name == "postgresql":
        copy_rows(tx.connection, table, values)
    else:
        tx.connection.execute(table.insert(), values)
