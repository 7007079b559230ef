"""
Authority: which permissions of an API an application's roles give it. The one place that decides it.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from watchword.server.domain.names import RoleType
from watchword.server.domain.view import ResourceEntry, RoleEntry


class Dropped(StrEnum):
    """
    Why a scope that was asked for is not granted.
    """

    UNKNOWN = "the API has no such permission"
    NOT_GIVEN = "no role of the application gives it"


def authority(roles: Iterable[RoleEntry], resource: ResourceEntry) -> dict[str, tuple[str, ...]]:
    """
    Say what machine-to-machine roles give on one API.

    Returns:
        Scope name → ids of the roles that give it. Roles for users give a machine nothing.
    """
    machine_roles = [role for role in roles if role.type is RoleType.MACHINE_TO_MACHINE]
    given: dict[str, tuple[str, ...]] = {}
    for name, scope_id in resource.scopes.items():
        givers = tuple([role.id for role in machine_roles if scope_id in role.scope_ids])
        if givers:
            given[name] = givers
    return given


def narrow(
    asked: Sequence[str], given: Mapping[str, object], resource: ResourceEntry
) -> tuple[tuple[str, ...], dict[str, Dropped]]:
    """
    Split what was asked into what is granted, in the order asked, and what is dropped, with the reason.
    """
    granted = tuple([name for name in asked if name in given])
    if len(granted) == len(asked):
        return granted, {}
    dropped = {
        name: Dropped.NOT_GIVEN if name in resource.scopes else Dropped.UNKNOWN for name in asked if name not in given
    }
    return granted, dropped
