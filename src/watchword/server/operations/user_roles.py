"""
The roles of a user, and the users who hold a role. Only roles for users are theirs.
"""

from collections.abc import Sequence

from watchword.server.domain import problems
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Role, User
from watchword.server.domain.search import Search
from watchword.server.operations.operation import reads, writes
from watchword.server.operations.role_scopes import demand as demand_role
from watchword.server.operations.roles import to_give
from watchword.server.operations.users import demand
from watchword.server.storage import user_roles
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction


@reads(Permission.ALL)
def listing(tx: Transaction, user_id: str, search: Search, page: Page | None) -> Listing[Role]:
    """
    List a user's roles; internal ones are hidden.

    Raises:
        Problem: There is no such user.
    """
    demand(tx, user_id)
    return user_roles.of_user(tx, user_id, search, page)


@reads(Permission.ALL)
def holders(tx: Transaction, role_id: str, search: Search, page: Page | None) -> Listing[User]:
    """
    List the users who hold a role.

    Raises:
        Problem: There is no such role.
    """
    demand_role(tx, role_id)
    return user_roles.holders(tx, role_id, search, page)


@writes(Permission.ALL)
def assign(tx: Transaction, user_id: str, role_ids: Sequence[str]) -> list[str]:
    """
    Give a user roles; those that they have are skipped.

    Returns:
        The ids of the roles that are new.

    Raises:
        Problem: There is no such user or role, or one is for machines. Then nothing is assigned.
    """
    demand(tx, user_id)
    held = user_roles.ids_of_user(tx, user_id)
    added = to_give(tx, role_ids, held, of=RoleType.USER, wrong_type=_wrong_type())
    user_roles.add(tx, user_id, added)
    _record_of_user(tx, user_id, added=added, removed=[])
    return added


@writes(Permission.ALL)
def replace(tx: Transaction, user_id: str, role_ids: Sequence[str]) -> None:
    """
    Let a user have exactly these roles.

    Raises:
        Problem: As `assign`; nothing is changed then.
    """
    demand(tx, user_id)
    held = user_roles.ids_of_user(tx, user_id)
    added = to_give(tx, role_ids, held, of=RoleType.USER, wrong_type=problems.violates_constraint())
    removed = sorted(held.difference(role_ids))
    for role_id in removed:
        user_roles.remove(tx, user_id, role_id)
    user_roles.add(tx, user_id, added)
    _record_of_user(tx, user_id, added=added, removed=removed)


@writes(Permission.ALL)
def remove(tx: Transaction, user_id: str, role_id: str) -> None:
    """
    Take a role from a user.

    Raises:
        Problem: There is no such user, or they do not hold it.
    """
    demand(tx, user_id)
    if not user_roles.remove(tx, user_id, role_id):
        raise problems.not_found()
    _record_of_user(tx, user_id, added=[], removed=[role_id])


@writes(Permission.ALL)
def give(tx: Transaction, role_id: str, user_ids: Sequence[str]) -> None:
    """
    Give a role to users, all or none.

    Raises:
        Problem: There is no such role or user, one holds it already, or the role is for machines.
    """
    role = demand_role(tx, role_id)
    wanted = list(dict.fromkeys(user_ids))
    held = user_roles.holding(tx, role_id, wanted)
    for user_id in wanted:
        if user_id in held:
            raise Problem(
                "role.user_exists",
                status=422,
                message=f"The user id {user_id} is already been added to this role",
            )
    for user_id in wanted:
        demand(tx, user_id)
    if role.type is not RoleType.USER:
        raise problems.violates_constraint()
    for user_id in wanted:
        user_roles.add(tx, user_id, [role_id])
    tx.record(changed("Role.Users.Updated", tx.actor, {"id": role_id, "added": wanted, "removed": []}))


@writes(Permission.ALL)
def take(tx: Transaction, role_id: str, user_id: str) -> None:
    """
    Take a role from a user, as one of those who hold it.

    Raises:
        Problem: The user does not hold it.
    """
    if not user_roles.remove(tx, user_id, role_id):
        raise problems.not_found()
    tx.record(changed("Role.Users.Updated", tx.actor, {"id": role_id, "added": [], "removed": [user_id]}))


def _wrong_type() -> Problem:
    return Problem(
        "user.invalid_role_type",
        status=422,
        message="Invalid role type, can not assign machine-to-machine role to user.",
    )


def _record_of_user(tx: Transaction, user_id: str, *, added: Sequence[str], removed: Sequence[str]) -> None:
    if added or removed:
        tx.record(changed("User.Roles.Updated", tx.actor, {"id": user_id, "added": added, "removed": removed}))
    else:
        tx.leave_unchanged()
