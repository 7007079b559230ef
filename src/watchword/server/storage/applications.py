"""
Applications, their secrets, and their roles, as rows.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from watchword.protocol.credentials import ClientSecret
from watchword.server.domain.names import ApplicationType
from watchword.server.domain.records import Application, ApplicationSecret, Role
from watchword.server.domain.search import Search
from watchword.server.domain.secrets import mask
from watchword.server.storage import counts, rows, schema
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.sealing import Purpose
from watchword.server.storage.search import matching
from watchword.server.storage.sqlite.hints import BY_APPLICATION
from watchword.server.storage.transaction import Transaction

_T = schema.applications
_SECRETS = schema.application_secrets
_COPIES = schema.secret_copies
_LINKS = schema.application_roles
_MACHINE = ApplicationType.MACHINE_TO_MACHINE
NEWEST_FIRST = (_T.c.created_at.desc(), _T.c.id)


class ApplicationFilter(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which applications a list shows; None does not filter.
    """

    types: Collection[ApplicationType] | None = None
    exclude_role_id: str | None = None
    is_third_party: bool | None = None


def find(tx: Transaction, application_id: str) -> Application | None:
    """
    Return an application, or None.
    """
    return rows.find(tx, _T, Application, id=application_id)


def listing(tx: Transaction, wanted: ApplicationFilter, search: Search, page: Page | None) -> Listing[Application]:
    """
    List applications, newest first.
    """
    query = sa.select(*rows.columns(_T, Application)).where(rows.of_tenant(tx, _T))
    if wanted.types is not None:
        query = query.where(_T.c.type.in_(wanted.types))
    if wanted.is_third_party is not None:
        query = query.where(_T.c.is_third_party.is_(sa.true() if wanted.is_third_party else sa.false()))
    if wanted.exclude_role_id is not None:
        query = query.where(~_holds(wanted.exclude_role_id))
    total = None if search.groups else _total(tx, wanted)
    found = matching(tx, query, _T, search).order_by(*NEWEST_FIRST)
    return rows.listing(tx, Application, found, page, total, walked=_T if wanted.types is None else None)


def with_ids(tx: Transaction, ids: Sequence[str]) -> list[Application]:
    """
    Return the applications that exist among these ids, in their order.
    """
    query = sa.select(*rows.columns(_T, Application)).where(rows.of_tenant(tx, _T), _T.c.id.in_(ids))
    found = {row.id: rows.to_record(Application, row) for row in tx.connection.execute(query)}
    return [found[application_id] for application_id in ids if application_id in found]


def names_of(tx: Transaction, ids: Collection[str | None]) -> dict[str, str]:
    """
    Return the names of those that exist, by id; None is nobody's.
    """
    return {one.id: one.name for one in with_ids(tx, sorted({one for one in ids if one is not None}))}


def insert(tx: Transaction, application: Application) -> None:
    """
    Add an application.
    """
    rows.insert(tx, _T, application)


def update(tx: Transaction, application_id: str, changes: Mapping[str, object]) -> bool:
    """
    Change an application's columns; tell whether it is there.
    """
    return rows.update(tx, _T, changes, id=application_id)


def delete(tx: Transaction, application_id: str) -> bool:
    """
    Delete an application with its secrets and its roles.
    """
    return rows.delete(tx, _T, id=application_id)


def insert_secret(
    tx: Transaction,
    application_id: str,
    name: str,
    secret: ClientSecret,
    *,
    expires_at: datetime | None,
    secret_id: str | None = None,
) -> ApplicationSecret:
    """
    Add a secret: its digest, and a sealed copy for read-back unless none is to be kept.

    Args:
        secret_id: The id that it gets; a fresh one if None.
    """
    record = ApplicationSecret(
        tenant_id=tx.tenant_id,
        application_id=application_id,
        name=name,
        value=secret.value,
        created_at=tx.now(),
        expires_at=expires_at,
        id=secret_id or tx.new_id(),
        masked_value=mask(secret),
    )
    rows.insert(tx, _SECRETS, record, digest=tx.keys.digest(secret))
    if tx.settings.secret_reveal_hours != 0:
        sealed = tx.keys.seal(
            secret.value.encode(),
            purpose=Purpose.APPLICATION_SECRET,
            tenant_id=tx.tenant_id,
            row_id=record.id,
        )
        tx.connection.execute(
            _COPIES.insert().values(
                tenant_id=tx.tenant_id, secret_id=record.id, sealed=sealed, created_at=record.created_at
            )
        )
    return record


def list_secrets(tx: Transaction, application_id: str) -> list[ApplicationSecret]:
    """
    List an application's secrets in order of creation, in clear text where they may still be read back.
    """
    query = _secrets_query(tx).where(_SECRETS.c.application_id == application_id)
    return [_to_secret(tx, row) for row in tx.connection.execute(query.order_by(_SECRETS.c.created_at))]


def find_secret(tx: Transaction, application_id: str, name: str) -> ApplicationSecret | None:
    """
    Return the secret with this name, or None.
    """
    query = _secrets_query(tx).where(_SECRETS.c.application_id == application_id, _SECRETS.c.name == name)
    row = tx.connection.execute(query).one_or_none()
    return None if row is None else _to_secret(tx, row)


def rename_secret(tx: Transaction, secret_id: str, name: str) -> None:
    """
    Give a secret another name.
    """
    rows.update(tx, _SECRETS, {"name": name}, id=secret_id)


def delete_secret(tx: Transaction, application_id: str, name: str) -> bool:
    """
    Delete a secret; tell whether it was there.
    """
    return rows.delete(tx, _SECRETS, application_id=application_id, name=name)


def roles_query(tx: Transaction, application_id: str) -> sa.Select[Any]:
    """
    Select the roles of an application, in the order in which they were given.
    """
    return (
        sa.select(*rows.columns(schema.roles, Role))
        .join(
            _LINKS,
            sa.and_(_LINKS.c.tenant_id == schema.roles.c.tenant_id, _LINKS.c.role_id == schema.roles.c.id),
        )
        .with_hint(_LINKS, BY_APPLICATION, "sqlite")
        .where(rows.of_tenant(tx, schema.roles), _LINKS.c.application_id == application_id)
    )


def role_ids(tx: Transaction, application_id: str) -> set[str]:
    """
    Return the ids of an application's roles.
    """
    return rows.linked(tx, _LINKS, "role_id", application_id=application_id)


def add_roles(tx: Transaction, application_id: str, ids: Collection[str]) -> None:
    """
    Give roles to an application that does not have them.
    """
    rows.link(tx, _LINKS, [{"application_id": application_id, "role_id": role_id} for role_id in ids])


def remove_role(tx: Transaction, application_id: str, role_id: str) -> bool:
    """
    Take a role from an application; tell whether it had it.
    """
    return rows.delete(tx, _LINKS, application_id=application_id, role_id=role_id)


def other_holders(tx: Transaction, role_id: str) -> sa.Select[Any] | None:
    """
    Select the ids of the applications that hold a role and are no machines; None where there can't be any.

    It reads all applications of those types, of which there are few beside the machines.
    """
    others = [kind for kind in ApplicationType if kind is not _MACHINE]
    if not counts.total(tx, _T, others):
        return None
    return sa.select(_T.c.id).where(rows.of_tenant(tx, _T), _T.c.type.in_(others), _holds(role_id))


def _total(tx: Transaction, wanted: ApplicationFilter) -> int | None:
    # Where counts that are kept tell it: of a role's holders they tell no types.
    if wanted.is_third_party is not None:
        return None
    if (
        wanted.types is not None
        and wanted.exclude_role_id is not None
        and other_holders(tx, wanted.exclude_role_id) is not None
    ):
        return None
    held = 0
    if wanted.exclude_role_id is not None and (wanted.types is None or _MACHINE in wanted.types):
        held = counts.total(tx, _LINKS, [wanted.exclude_role_id])
    return counts.total(tx, _T, wanted.types) - held


def _holds(role_id: str) -> sa.Exists:
    return sa.exists().where(
        _LINKS.c.tenant_id == _T.c.tenant_id, _LINKS.c.application_id == _T.c.id, _LINKS.c.role_id == role_id
    )


def _secrets_query(tx: Transaction) -> sa.Select[Any]:
    same = sa.and_(_COPIES.c.tenant_id == _SECRETS.c.tenant_id, _COPIES.c.secret_id == _SECRETS.c.id)
    wanted = (_SECRETS.c.id, _SECRETS.c.application_id, _SECRETS.c.name, _SECRETS.c.masked_value,
              _SECRETS.c.created_at, _SECRETS.c.expires_at, _COPIES.c.sealed)  # fmt: skip
    return sa.select(*wanted).outerjoin(_COPIES, same).where(rows.of_tenant(tx, _SECRETS))


def _to_secret(tx: Transaction, row: sa.Row[*tuple[Any, ...]]) -> ApplicationSecret:
    reveal_hours = tx.settings.secret_reveal_hours
    readable = reveal_hours == "forever" or tx.now() < row.created_at + timedelta(hours=reveal_hours)
    value = None
    if readable and row.sealed is not None:
        value = tx.keys.unseal(
            row.sealed, purpose=Purpose.APPLICATION_SECRET, tenant_id=tx.tenant_id, row_id=row.id
        ).decode()
    return ApplicationSecret(
        tenant_id=tx.tenant_id,
        application_id=row.application_id,
        name=row.name,
        value=value,
        created_at=row.created_at,
        expires_at=row.expires_at,
        id=row.id,
        masked_value=row.masked_value,
    )
