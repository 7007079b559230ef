"""
Authority: which permissions of an API an application's roles give it. The one place that decides it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum

from watchword.server.domain.names import RoleType
from watchword.server.domain.view import ResourceEntry, RoleEntry


class Dropped(StrEnum):
    """
    Why a scope that was asked for is not granted.
    """

    UNKNOWN = "the API has no such permission"
    NOT_GIVEN = "no role of the application gives it"


def authority(
    roles: Iterable[RoleEntry], resource: ResourceEntry, asked: Collection[str] | None = None
) -> dict[str, tuple[str, ...]]:
    """
    Say what machine-to-machine roles give on one API.

    Args:
        asked: The scopes that are of interest, each once; None for all of the API.

    Returns:
        Scope name → ids of the roles that give it. Roles for users give a machine nothing.
    """
    scope_ids = resource.scopes
    given: dict[str, tuple[str, ...]] = {}
    for role in roles:
        if role.type is RoleType.MACHINE_TO_MACHINE:
            for name in scope_ids if asked is None else asked:
                if scope_ids.get(name) in role.scope_ids:
                    given[name] = (*given.get(name, ()), role.id)
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
