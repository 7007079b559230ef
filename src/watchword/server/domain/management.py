"""
Who may run the server: the one check of authority over the Management API.

What counts is the token's scope and, at the same time, what the application's roles give now.
"""

from collections.abc import Iterable

from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.authority import authority
from watchword.server.domain.names import Permission
from watchword.server.domain.problems import Problem
from watchword.server.domain.view import ApplicationEntry, ResourceEntry, RoleEntry


def check_permission(
    actor: Actor,
    permission: Permission,
    application: ApplicationEntry | None,
    roles: Iterable[RoleEntry],
    resource: ResourceEntry | None,
) -> None:
    """
    Demand that an actor has a permission now. What this does not know is denied.

    Args:
        application: The actor's application as it stands now; None where it is gone.
        resource: The tenant's Management API.

    Raises:
        Problem: `auth.unauthorized` (401) where the application is gone, `auth.forbidden` (403) without the permission.
    """
    if not actor.needs_authority:
        return
    if actor.kind is not ActorKind.APPLICATION or resource is None:
        raise forbidden()
    if application is None:
        raise unauthorized("application")
    if permission not in actor.scopes or permission not in authority(roles, resource, (permission,)):
        raise forbidden()


def unauthorized(reason: str) -> Problem:
    """
    The token is none of ours, not for this API, or no longer good.
    """
    return Problem(
        "auth.unauthorized",
        status=401,
        message="Unauthorized. Please check credentials and its scope.",
        data={"reason": reason},
    )


def forbidden() -> Problem:
    """
    The caller may not do this.
    """
    return Problem("auth.forbidden", status=403, message="Forbidden. Please check your user roles and permissions.")
