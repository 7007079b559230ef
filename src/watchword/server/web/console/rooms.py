"""
All rooms of the console, in the order in which their paths are looked at.
"""

from collections.abc import Sequence

from watchword.server.web.console import (
    application_secrets,
    applications,
    default_resource,
    explaining,
    keys,
    logs,
    operators,
    overview,
    permissions,
    resources,
    role_members,
    role_permissions,
    roles,
    searching,
    settings,
    taking,
    users,
)
from watchword.server.web.console.account import Account
from watchword.server.web.console.entrance import Entrance
from watchword.server.web.console.guard import Guard
from watchword.server.web.console.route import Route
from watchword.server.web.console.start import Start


def all_routes(guard: Guard) -> Sequence[Route]:
    """
    Return what answers which path.
    """
    return (
        *Entrance(guard).routes(),
        *Account(guard).routes(),
        *Start().routes(),
        *overview.ROUTES,
        *applications.ROUTES,
        *application_secrets.ROUTES,
        *resources.ROUTES,
        *default_resource.ROUTES,
        *permissions.ROUTES,
        *roles.ROUTES,
        *role_permissions.ROUTES,
        *role_members.ROUTES,
        *users.ROUTES,
        *taking.ROUTES,
        *explaining.ROUTES,
        *logs.ROUTES,
        *keys.ROUTES,
        *settings.ROUTES,
        *operators.ROUTES,
        *searching.ROUTES,
    )
