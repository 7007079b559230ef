"""
Getting started: how far somebody has come, and trying it out.
"""

from collections.abc import Sequence

import msgspec

from watchword.server.domain import problems
from watchword.server.domain.events import changed
from watchword.server.domain.names import MANAGEMENT_RESOURCE_ID, Permission
from watchword.server.domain.records import Application, Resource, Role
from watchword.server.operations import applications, resources, scopes
from watchword.server.operations.operation import reads, writes
from watchword.server.operations.resources import NewResource
from watchword.server.storage import roles
from watchword.server.storage.transaction import Transaction


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is tried: a token of an application for an API.
    """

    application: Application
    resource: Resource


@reads(Permission.ALL)
def is_done(tx: Transaction) -> bool:
    """
    Tell whether an application can get a permission of an API of one's own.
    """
    return roles.is_any_held(tx, not_of=MANAGEMENT_RESOURCE_ID)


@reads(Permission.ALL)
def roles_giving(tx: Transaction, resource_id: str, most: int) -> Sequence[Role]:
    """
    Return machine-to-machine roles that give a permission of an API, oldest first.
    """
    return roles.giving(tx, resource_id, most)


@reads(Permission.ALL)
def scopes_given(tx: Transaction, role_id: str, resource_id: str, most: int) -> Sequence[str]:
    """
    Return the names of an API's permissions that a role gives, oldest first; none where there is no such role.
    """
    return roles.scopes_of_resource(tx, role_id, resource_id, most)


@writes(Permission.ALL)
def create_api(tx: Transaction, new: NewResource, permissions: Sequence[str]) -> Resource:
    """
    Create an API resource with its permissions: all of it, or nothing.

    Raises:
        Problem: As of the creation of each.
    """
    resource = resources.create.body(tx, new)
    add_permissions.body(tx, resource.id, permissions)
    return resource


@writes(Permission.ALL)
def add_permissions(tx: Transaction, resource_id: str, permissions: Sequence[str]) -> None:
    """
    Add permissions to an API resource: all of them, or none.

    Raises:
        Problem: As of the creation of each.
    """
    with problems.about("permissions"):
        for permission in permissions:
            scopes.create.body(tx, resource_id, permission, None)


@writes(Permission.ALL)
def begin_trial(tx: Transaction, application_id: str, resource_id: str) -> Trial:
    """
    Note that somebody tries out what a token request gives, before it is sent.

    Raises:
        Problem: There is no such application or API resource, or the application has no secrets.
    """
    application = applications.demand(tx, application_id)
    if not application.type.has_secrets:
        raise problems.violates_constraint()
    resource = resources.demand(tx, resource_id)
    tx.record(changed("Application.Token.Tried", tx.actor, {"id": application_id, "resourceId": resource_id}))
    return Trial(application=application, resource=resource)
