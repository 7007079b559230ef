"""
Users as records: list, create, read, change, delete, and their custom data. Nobody signs in here.
"""

from collections.abc import Mapping

import msgspec

from watchword.server.domain import problems
from watchword.server.domain.actors import ActorKind
from watchword.server.domain.events import changed
from watchword.server.domain.ids import USER_ID
from watchword.server.domain.names import Permission
from watchword.server.domain.passwords import Password
from watchword.server.domain.problems import Problem
from watchword.server.domain.records import Json, User
from watchword.server.domain.search import Search
from watchword.server.domain.values import demand_email, demand_username
from watchword.server.operations.operation import reads, writes
from watchword.server.storage import roles, user_roles, users
from watchword.server.storage.rows import Listing, Page
from watchword.server.storage.transaction import Transaction
from watchword.server.storage.users import UserFilter

_TAKEN = {
    "username": ("user.username_already_in_use", "This username is already in use."),
    "primary_email": (
        "user.email_already_in_use",
        "This email is associated with an existing account.",
    ),
    "primary_phone": (
        "user.phone_already_in_use",
        "This phone number is associated with an existing account.",
    ),
}
_LONGEST = {"username": 128, "primary_email": 128, "primary_phone": 128, "name": 128, "avatar": 2048}


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a user is created with.

    Attributes:
        primary_phone: In its normal form.
        password: Hashed already, since that takes long.
    """

    username: str | None = None
    primary_email: str | None = None
    primary_phone: str | None = None
    name: str | None = None
    avatar: str | None = None
    custom_data: Json = msgspec.field(default_factory=dict)
    profile: Json = msgspec.field(default_factory=dict)
    password: Password | None = None


@reads(Permission.ALL)
def listing(tx: Transaction, wanted: UserFilter, search: Search, page: Page | None) -> Listing[User]:
    """
    List users, newest first.
    """
    return users.listing(tx, wanted, search, page)


@reads(Permission.ALL)
def read(tx: Transaction, user_id: str) -> User:
    """
    Read a user.

    Raises:
        Problem: There is none.
    """
    return demand(tx, user_id)


@writes(Permission.ALL)
def demand_writer(tx: Transaction) -> None:
    """
    Nothing but the permission: it is asked for before a password is hashed, which takes 50 ms.
    """
    tx.leave_unchanged()


@writes(Permission.ALL)
def create(tx: Transaction, new: NewUser) -> User:
    """
    Create a user, with the roles that every new user gets.

    Raises:
        Problem: A value is too long or of another form, or somebody has the username, e-mail address or phone number.
    """
    now = tx.now()
    user = User(
        tenant_id=tx.tenant_id,
        id=tx.new_id(USER_ID),
        username=new.username or None,
        primary_email=new.primary_email or None,
        primary_phone=new.primary_phone or None,
        name=new.name or None,
        avatar=new.avatar or None,
        custom_data=new.custom_data,
        identities={},
        last_sign_in_at=None,
        created_at=now,
        updated_at=now,
        profile=new.profile,
        application_id=None,
        cimd_client_id=None,
        is_suspended=False,
        password_digest=None if new.password is None else new.password.digest,
        password_algorithm=None if new.password is None else new.password.algorithm.value,
    )
    _check_values(tx, {name: getattr(user, name) for name in _LONGEST}, user.id)
    users.insert(tx, user)
    role_ids = roles.default_for_users(tx)
    user_roles.add(tx, user.id, role_ids)
    tx.record(changed("User.Created", tx.actor, {"id": user.id, "roleIds": role_ids}))
    return user


@writes(Permission.ALL)
def update(tx: Transaction, user_id: str, changes: Mapping[str, object]) -> User:
    """
    Change a user. Custom data and profile are replaced whole; empty texts clear what they stand for.

    Raises:
        Problem: There is none, there is nothing to change, or as `create`.
    """
    demand(tx, user_id)
    if not changes:
        raise problems.nothing_to_change()
    columns = {name: (value or None) if name in _LONGEST else value for name, value in changes.items()}
    _check_values(tx, columns, user_id)
    users.update(tx, user_id, columns)
    tx.record(changed("User.Data.Updated", tx.actor, {"id": user_id, "changed": sorted(columns)}))
    return demand(tx, user_id)


@writes(Permission.ALL)
def delete(tx: Transaction, user_id: str) -> None:
    """
    Delete a user.

    Raises:
        Problem: There is none, or it is who asks.
    """
    if tx.actor.kind is ActorKind.USER and tx.actor.id == user_id:
        raise Problem("user.cannot_delete_self", status=400, message="You cannot delete yourself.")
    if not users.delete(tx, user_id):
        raise problems.not_found()
    tx.record(changed("User.Deleted", tx.actor, {"id": user_id}))


@writes(Permission.ALL)
def merge_custom_data(tx: Transaction, user_id: str, data: Json) -> Json:
    """
    Merge top-level members into a user's custom data; return all of it.

    Raises:
        Problem: There is no such user.
    """
    merged = {**demand(tx, user_id).custom_data, **data}
    users.update(tx, user_id, {"custom_data": merged})
    tx.record(changed("User.Data.Updated", tx.actor, {"id": user_id, "changed": ["custom_data"]}))
    return merged


def demand(tx: Transaction, user_id: str) -> User:
    """
    Return a user.

    Raises:
        Problem: There is none.
    """
    user = users.find(tx, user_id)
    if user is None:
        raise problems.not_found()
    return user


def _check_values(tx: Transaction, values: Mapping[str, object], user_id: str) -> None:
    demand_username(values.get("username"))
    demand_email(values.get("primary_email"))
    for identifier, (code, message) in _TAKEN.items():
        value = values.get(identifier)
        if isinstance(value, str) and users.holder_of(tx, identifier, value) not in {None, user_id}:
            raise Problem(code, status=422, message=message, about=identifier)
    for name, longest in _LONGEST.items():
        value = values.get(name)
        if isinstance(value, str) and len(value) > longest:
            raise problems.too_long(name)
