"""
The applications that hold a role.
"""

from collections.abc import Sequence

from watchword.server.domain import problems
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Application
from watchword.server.domain.search import Search
from watchword.server.operations.operation import reads, writes
from watchword.server.operations.role_scopes import demand
from watchword.server.storage import applications, roles
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction


@reads(Permission.ALL)
def listing(tx: Transaction, role_id: str, search: Search, page: Page | None) -> Listing[Application]:
    """
    List the machine-to-machine applications that hold a role.

    Raises:
        Problem: There is no such role.
    """
    demand(tx, role_id)
    return roles.list_applications(tx, role_id, search, page)


@reads(Permission.ALL)
def holders(tx: Transaction, role_id: str, search: Search, page: Page | None) -> Listing[Application]:
    """
    List the applications that hold a role, those too that can't use it: only machines get tokens with it.

    Raises:
        Problem: There is no such role.
    """
    demand(tx, role_id)
    return roles.list_applications(tx, role_id, search, page, of_any_type=True)


@writes(Permission.ALL)
def assign(tx: Transaction, role_id: str, application_ids: Sequence[str]) -> None:
    """
    Give a role to applications, all or none.

    Raises:
        Problem: There is no such role or application, one holds it already, or the role is for users.
    """
    role = demand(tx, role_id)
    wanted = list(dict.fromkeys(application_ids))
    held = roles.holding(tx, role_id, wanted)
    for application_id in wanted:
        if application_id in held:
            raise Problem(
                "role.application_exists",
                status=422,
                message=f"The application id {application_id} is already been added to this role",
            )
    for application_id in wanted:
        if applications.find(tx, application_id) is None:
            raise problems.unknown("applications", application_id)
    if role.type is not RoleType.MACHINE_TO_MACHINE:
        raise problems.violates_constraint()
    for application_id in wanted:
        applications.add_roles(tx, application_id, [role_id])
    tx.record(changed("Role.Applications.Updated", tx.actor, {"id": role_id, "added": wanted, "removed": []}))


@writes(Permission.ALL)
def remove(tx: Transaction, role_id: str, application_id: str) -> None:
    """
    Take a role from an application.

    Raises:
        Problem: The application does not hold it.
    """
    if not applications.remove_role(tx, application_id, role_id):
        raise problems.not_found()
    tx.record(changed("Role.Applications.Updated", tx.actor, {"id": role_id, "added": [], "removed": [application_id]}))
