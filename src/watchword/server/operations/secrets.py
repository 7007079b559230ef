"""
Application secrets: list, add, rename, delete.
"""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from watchword.server.domain import problems
from watchword.server.domain.actors import ActorKind
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission
from watchword.server.domain.problems import DoneAlready, Problem
from watchword.server.domain.records import ApplicationSecret
from watchword.server.domain.secrets import has_expired, new_secret
from watchword.server.operations.applications import LONGEST_NAME, demand
from watchword.server.operations.operation import reads, writes
from watchword.server.storage import applications, uses
from watchword.server.storage.transaction import Transaction


@reads(Permission.ALL)
def listing(tx: Transaction, application_id: str) -> list[ApplicationSecret]:
    """
    List an application's secrets in order of creation; clear text as long as it may be read back, and to no operator.

    Raises:
        Problem: There is no such application.
    """
    demand(tx, application_id)
    found = applications.list_secrets(tx, application_id)
    if tx.actor.kind is ActorKind.OPERATOR:  # who looks on must not be able to act as the application
        return [replace(secret, value=None) for secret in found]
    return found


@reads(Permission.ALL)
def last_uses(tx: Transaction, application_id: str) -> Mapping[str, datetime]:
    """
    Return when each secret last got a token, to the minute, by the secret's id; one that never did is left out.
    """
    return uses.last_uses(tx, application_id)


@writes(Permission.ALL)
def create(
    tx: Transaction, application_id: str, name: str, expires_at: datetime | None, secret_id: str | None = None
) -> ApplicationSecret:
    """
    Add a secret; the answer carries it in clear text.

    Args:
        expires_at: Aware UTC datetime in the future, or None for never.
        secret_id: The id that it gets; a fresh one if None.

    Raises:
        DoneAlready: The application has one with this id.
        Problem: The time is past, there is no such application, its type has no secrets, or the name is taken.
    """
    if has_expired(expires_at, tx.now()):
        raise problems.invalid_input("The value of `expiresAt` must be in the future.")
    application = demand(tx, application_id)
    if not application.type.has_secrets:
        raise problems.violates_constraint()
    if len(name) > LONGEST_NAME:
        raise problems.too_long("name")
    if secret_id is not None and any(one.id == secret_id for one in applications.list_secrets(tx, application_id)):
        raise DoneAlready
    _demand_free_name(tx, application_id, name)
    secret = applications.insert_secret(
        tx, application_id, name, new_secret(tx.random), expires_at=expires_at, secret_id=secret_id
    )
    tx.record(
        changed(
            "Application.Secret.Created",
            tx.actor,
            {"id": application_id, "name": name, "secretId": secret.id},
        )
    )
    return secret


@writes(Permission.ALL)
def rename(tx: Transaction, application_id: str, name: str, new_name: str) -> ApplicationSecret:
    """
    Give a secret another name; its value and expiry stay.

    Raises:
        Problem: There is no such application or secret, or the new name is taken.
    """
    demand(tx, application_id)
    secret = applications.find_secret(tx, application_id, name)
    if secret is None:
        raise problems.not_exists("application_secret")
    if new_name != name:
        _demand_free_name(tx, application_id, new_name)
        applications.rename_secret(tx, secret.id, new_name)
        tx.record(
            changed("Application.Secret.Renamed", tx.actor, {"id": application_id, "name": new_name, "was": name})
        )
    else:
        tx.leave_unchanged()
    renamed = applications.find_secret(tx, application_id, new_name)
    return renamed or problems.refuse(problems.not_exists("application_secret"))


@writes(Permission.ALL)
def delete(tx: Transaction, application_id: str, name: str) -> None:
    """
    Delete a secret; it ends at the next token request.

    Raises:
        Problem: There is no such application or secret.
    """
    demand(tx, application_id)
    if not applications.delete_secret(tx, application_id, name):
        raise problems.not_found()
    tx.record(changed("Application.Secret.Deleted", tx.actor, {"id": application_id, "name": name}))


@reads(Permission.ALL)
def refuse_legacy(tx: Transaction, application_id: str) -> None:
    """
    Answer for the secrets of old versions, of which there are none here.

    Raises:
        Problem: Always: there is no such application, or it has no legacy secret.
    """
    demand(tx, application_id)
    raise Problem(
        "application.no_legacy_secret_found",
        status=400,
        message="The application does not have a legacy secret.",
    )


def _demand_free_name(tx: Transaction, application_id: str, name: str) -> None:
    if applications.find_secret(tx, application_id, name) is not None:
        raise Problem("application.secret_name_exists", status=422, message="Secret name already exists.", about="name")
