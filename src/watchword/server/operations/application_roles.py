"""
The roles of an application. Only machine-to-machine applications have roles, and only machine-to-machine roles.
"""

from collections.abc import Sequence

from watchword.server.domain import problems
from watchword.server.domain.names import INTERNAL_ROLE_PREFIX, ApplicationType, Permission, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Role
from watchword.server.domain.search import Search
from watchword.server.operations.applications import demand, record_roles
from watchword.server.operations.operation import reads, writes
from watchword.server.operations.roles import to_give
from watchword.server.storage import applications, roles
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction


@reads(Permission.ALL)
def listing(tx: Transaction, application_id: str, search: Search, page: Page | None) -> Listing[Role]:
    """
    List an application's roles; internal ones are hidden.

    Raises:
        Problem: There is no such application, or it is of another type.
    """
    _demand_machine(tx, application_id)
    return roles.list_of_application(tx, application_id, search, page)


@writes(Permission.ALL)
def assign(tx: Transaction, application_id: str, role_ids: Sequence[str]) -> list[str]:
    """
    Give an application roles; those that it has are skipped.

    Returns:
        The ids of the roles that are new.

    Raises:
        Problem: There is no such application or role, or one is of another type. Then nothing is assigned.
    """
    _demand_machine(tx, application_id)
    added = _new_roles(tx, application_id, role_ids, wrong_type=_wrong_type())
    applications.add_roles(tx, application_id, added)
    _record(tx, application_id, added=added, removed=[])
    return added


@writes(Permission.ALL)
def replace(tx: Transaction, application_id: str, role_ids: Sequence[str]) -> None:
    """
    Let an application have exactly these roles; internal ones, which lists do not show, stay.

    Raises:
        Problem: As `assign`; nothing is changed then.
    """
    _demand_machine(tx, application_id)
    added = _new_roles(tx, application_id, role_ids, wrong_type=problems.violates_constraint())
    held = roles.with_ids(tx, applications.role_ids(tx, application_id))
    removed = [
        role.id for role in held.values() if role.id not in role_ids and not role.name.startswith(INTERNAL_ROLE_PREFIX)
    ]
    for role_id in removed:
        applications.remove_role(tx, application_id, role_id)
    applications.add_roles(tx, application_id, added)
    _record(tx, application_id, added=added, removed=removed)


@writes(Permission.ALL)
def remove(tx: Transaction, application_id: str, role_id: str) -> None:
    """
    Take a role from an application.

    Raises:
        Problem: There is no such application, it is of another type, or does not have the role.
    """
    _demand_machine(tx, application_id)
    if not applications.remove_role(tx, application_id, role_id):
        raise problems.not_found()
    _record(tx, application_id, added=[], removed=[role_id])


def _demand_machine(tx: Transaction, application_id: str) -> None:
    if demand(tx, application_id).type is not ApplicationType.MACHINE_TO_MACHINE:
        raise Problem(
            "application.invalid_type",
            status=422,
            message="Only machine to machine applications can have associated roles.",
        )


def _new_roles(tx: Transaction, application_id: str, role_ids: Sequence[str], *, wrong_type: Problem) -> list[str]:
    held = applications.role_ids(tx, application_id)
    return to_give(tx, role_ids, held, of=RoleType.MACHINE_TO_MACHINE, wrong_type=wrong_type)


def _wrong_type() -> Problem:
    return Problem(
        "application.invalid_role_type",
        status=422,
        message="Can not assign user type role to machine to machine application.",
    )


def _record(tx: Transaction, application_id: str, *, added: Sequence[str], removed: Sequence[str]) -> None:
    if added or removed:
        record_roles(tx, application_id, added=added, removed=removed)
    else:
        tx.leave_unchanged()
