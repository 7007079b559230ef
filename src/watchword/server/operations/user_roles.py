"""
The roles of a user, and the users who hold a role. Only roles for users are theirs.
"""

from collections.abc import Sequence

from watchword.server.domain import problems
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission, RoleType
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
def listing(tx: Transaction, user_id: str, page: Page | None) -> Listing[Role]:
    """
    List a user's roles; internal ones are hidden.

    Raises:
        Problem: There is no such user.
    """
    demand(tx, user_id)
    return user_roles.of_user(tx, user_id, page)


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
    added = to_give(tx, role_ids, held, of=RoleType.USER, wrong_type=problems.violates_constraint())
    if not added:
        tx.leave_unchanged()
        return added
    user_roles.add(tx, user_id, added)
    tx.record(changed("User.Roles.Updated", tx.actor, {"id": user_id, "added": added, "removed": []}))
    return added


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
    tx.record(changed("User.Roles.Updated", tx.actor, {"id": user_id, "added": [], "removed": [role_id]}))
