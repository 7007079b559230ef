"""
Operators: invite and take that back, join, list, change, remove.

Whoever joins is nobody yet: they act by an invitation. What its link carries is kept as a digest.
"""

from watchword.protocol.credentials import ClientSecret
from watchword.server.context import Context
from watchword.server.domain import problems
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.events import Origin, changed
from watchword.server.domain.ids import new_token
from watchword.server.domain.names import OperatorRole, Permission
from watchword.server.domain.operators import Operator, OperatorLink, check_name, check_password
from watchword.server.domain.passwords import hash_password
from watchword.server.domain.problems import Problem
from watchword.server.operations import operator_sessions
from watchword.server.operations.operation import Acting, reads, writes
from watchword.server.operations.operator_sessions import Credentials, SignedIn
from watchword.server.storage import operators
from watchword.server.storage.sealing import DataKeys
from watchword.server.storage.transaction import Transaction


@writes(Permission.OPERATORS)
def invite(tx: Transaction, role: OperatorRole) -> str:
    """
    Let somebody become an operator; return what the link carries. It is good once, and for fifteen minutes.
    """
    token = new_token(tx.random)
    link = OperatorLink(tenant_id=tx.tenant_id, id=_link_id(tx.keys, token), role=role, created_at=tx.now())
    operators.insert_link(tx, link)
    tx.record(changed("Operator.Invited", tx.actor, {"role": role.value}))
    return token


@writes(Permission.OPERATORS)
def invite_first(tx: Transaction) -> str | None:
    """
    Let somebody become the first owner, as `invite` does; None where there is an operator already.
    """
    if operators.is_anybody_there(tx.connection, tx.tenant_id):
        tx.leave_unchanged()
        return None
    return invite.body(tx, OperatorRole.OWNER)


@reads(Permission.OPERATORS)
def invitations(tx: Transaction) -> list[OperatorLink]:
    """
    List the invitations that are good now, oldest first.
    """
    return [link for link in operators.links(tx) if not link.is_over(tx.now())]


@writes(Permission.OPERATORS)
def take_back(tx: Transaction, invitation_id: str) -> None:
    """
    Make an invitation worthless.

    Raises:
        Problem: There is none. It may have been used, or be too old.
    """
    link = operators.link_of(tx, invitation_id)
    if link is None:
        raise problems.unknown("invitations", invitation_id)
    operators.delete_link(tx, link.id)
    tx.record(changed("Operator.Invitation.Deleted", tx.actor, {"role": link.role.value}))


def is_anybody_there(ctx: Context, tenant_id: str) -> bool:
    """
    Tell whether there is an operator already.
    """
    with ctx.database.read() as connection:
        return operators.is_anybody_there(connection, tenant_id)


@reads(Permission.OPERATORS)
def listing(tx: Transaction) -> list[Operator]:
    """
    List all operators, oldest first.
    """
    return operators.listing(tx)


@reads(Permission.OPERATORS)
def look(tx: Transaction, operator_id: str) -> tuple[Operator, bool]:
    """
    Read an operator, and whether nobody else owns the server.

    Raises:
        Problem: There is none.
    """
    operator = _demand(tx, operator_id)
    return operator, _is_last_owner(tx, operator)


@writes(Permission.OPERATORS)
def change_role(tx: Transaction, operator_id: str, role: OperatorRole) -> None:
    """
    Give an operator another role. It counts from the next request on.

    Raises:
        Problem: There is none, or nobody would own the server any more.
    """
    operator = _demand(tx, operator_id)
    if operator.role is role:
        tx.leave_unchanged()
        return
    _demand_another_owner(tx, operator)
    operators.set_role(tx, operator_id, role)
    operators.delete_links(tx)  # who owns it no longer may have kept an invitation
    tx.record(
        changed("Operator.Role.Updated", tx.actor, {"id": operator_id, "name": operator.name, "role": role.value})
    )


@writes(Permission.OPERATORS)
def remove(tx: Transaction, operator_id: str) -> None:
    """
    Remove an operator; all sessions end at once.

    Raises:
        Problem: There is none, or nobody would own the server any more.
    """
    operator = _demand(tx, operator_id)
    _demand_another_owner(tx, operator)
    operators.delete(tx, operator_id)
    operators.delete_links(tx)  # among them may be one that the operator has kept
    tx.record(changed("Operator.Deleted", tx.actor, {"id": operator_id, "name": operator.name}))


def join(ctx: Context, tenant_id: str, token: str, wanted: Credentials, origin: Origin) -> SignedIn:
    """
    Become an operator by an invitation, which is used up, and sign in.

    Raises:
        Problem: The invitation is not good, the name can't be had, or the password is weak.
    """
    wanted = wanted.normal()
    check_name(wanted.name)
    check_password(wanted.password)
    actor = Actor(
        kind=ActorKind.INVITATION,
        id=_link_id(ctx.keys, token),
        name=wanted.name,
        ip=origin.ip,
        user_agent=origin.user_agent,
    )
    acting = Acting(ctx=ctx, tenant_id=tenant_id, actor=actor)
    _demand_invitation(acting)  # before the work of hashing a password: anybody may come here
    return _join(acting, wanted.name, hash_password(wanted.password, ctx.random).digest)


@reads(Permission.JOIN)
def _demand_invitation(tx: Transaction) -> None:
    """
    Nothing but the permission: whether the invitation is good.
    """
    del tx


@writes(Permission.JOIN)
def _join(tx: Transaction, name: str, password_digest: str) -> SignedIn:
    link = operators.link_of(tx, tx.actor.id)
    assert link is not None  # noqa: S101 - the permission was asked for in this transaction
    if operators.is_name_taken(tx, name):
        raise Problem("operator.name_taken", status=422, message="There is an operator of this name.", about="name")
    if operators.is_anybody_there(tx.connection, tx.tenant_id):
        operators.delete_link(tx, link.id)
    else:
        operators.delete_links(tx)  # what was printed for the first operator is for nobody else
    operator = Operator(tenant_id=tx.tenant_id, id=tx.new_id(), name=name, role=link.role, created_at=tx.now())
    operators.insert(tx, operator, password_digest)
    tx.record(changed("Operator.Created", tx.actor, {"id": operator.id, "name": name, "role": link.role.value}))
    return operator_sessions.begin(tx, operator)


def _demand(tx: Transaction, operator_id: str) -> Operator:
    operator = operators.load(tx.connection, tx.tenant_id, operator_id)
    if operator is None:
        raise problems.unknown("operators", operator_id)
    return operator


def _is_last_owner(tx: Transaction, operator: Operator) -> bool:
    owners = [one.id for one in operators.listing(tx) if one.role is OperatorRole.OWNER]
    return owners == [operator.id]


def _demand_another_owner(tx: Transaction, operator: Operator) -> None:
    if _is_last_owner(tx, operator):
        raise Problem(
            "operator.last_owner", status=422, message="Somebody has to own the server: this is the last owner."
        )


def _link_id(keys: DataKeys, token: str) -> str:
    return keys.digest(ClientSecret(f"operator-link\0{token}")).hex()
