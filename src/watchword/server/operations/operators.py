"""
Operators: invite, join, sign in and out, list, change, remove.

Whoever joins or signs in is nobody yet: they act by an invitation, or as the operator whose password they knew. What
links and cookies carry is kept as a digest, which also says what it is for.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from unicodedata import normalize

from watchword.protocol.credentials import ClientSecret
from watchword.server.context import Context
from watchword.server.domain import problems
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.events import Origin, changed
from watchword.server.domain.ids import random_text
from watchword.server.domain.names import OperatorRole, Permission
from watchword.server.domain.operators import (
    LINK_LASTS,
    SESSION_IDLES,
    SESSION_LASTS,
    Operator,
    OperatorLink,
    OperatorSession,
    check_new_operator,
)
from watchword.server.domain.passwords import hash_password, is_password
from watchword.server.domain.problems import Problem
from watchword.server.operations.operation import Acting, reads, writes
from watchword.server.storage import operators
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.sealing import DataKeys
from watchword.server.storage.transaction import Transaction

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LENGTH = 44  # 256 bits
_USE_IS_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """
    A name and a password, as somebody has typed them.
    """

    name: str
    password: str = field(repr=False)

    def normal(self) -> "Credentials":
        """
        Return them as they are compared and kept: however a keyboard spells a letter, it is the same one.
        """
        return Credentials(name=normalize("NFC", self.name).strip(), password=normalize("NFKC", self.password))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """
    An operator, the session that has begun, and what its cookie carries.
    """

    operator: Operator
    session: OperatorSession
    token: str = field(repr=False)


@writes(Permission.OPERATORS)
def invite(tx: Transaction, role: OperatorRole) -> str:
    """
    Let somebody become an operator; return what the link carries. It is good once, and for fifteen minutes.
    """
    token = random_text(tx.random, _LENGTH, _ALPHABET)
    link = OperatorLink(tenant_id=tx.tenant_id, id=_link_id(tx.keys, token), role=role, created_at=tx.now())
    operators.insert_link(tx, link)
    tx.record(changed("Operator.Invited", tx.actor, {"role": role.value}))
    return token


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
    check_new_operator(wanted.name, wanted.password)
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


def sign_in(ctx: Context, tenant_id: str, given: Credentials, origin: Origin) -> SignedIn:
    """
    Begin a session. A name that nobody has takes as long as a wrong password.

    Raises:
        Problem: `operator.wrong_credentials` (401).
    """
    given = given.normal()
    with ctx.database.read() as connection:
        found = operators.find_by_name(connection, tenant_id, given.name)
    operator, digest = found or (None, None)
    if not is_password(given.password, digest) or operator is None:
        raise Problem("operator.wrong_credentials", status=401, message="Name or password is wrong.")
    return _begin_session(_acting_as(ctx, operator, origin))


@writes(Permission.OWN_SESSION)
def sign_out(tx: Transaction, token: str) -> None:
    """
    End a session.
    """
    operators.delete_session(tx, _session_id(tx.keys, token))
    tx.record(changed("Operator.SignedOut", tx.actor, {}))


def session_of(ctx: Context, tenant_id: str, token: str) -> tuple[OperatorSession, Operator] | None:
    """
    Return the session that a cookie stands for, and its operator; None where there is none, or it is over.
    """
    now = ctx.clock()
    with ctx.database.read() as connection:
        found = operators.find_session(connection, tenant_id, _session_id(ctx.keys, token))
    if found is None or found[0].is_over(now):
        return None
    if now - found[0].used_at >= _USE_IS_NOTED_EVERY:
        # Where nothing can be written, what is there can still be read.
        with suppress(StorageUnavailable), ctx.upkeep() as upkeep:
            operators.note_use(upkeep, found[0], now)
    return found


def forget_ended(ctx: Context) -> None:
    """
    Delete sessions and invitations that are over.
    """
    now = ctx.clock()
    with ctx.upkeep() as upkeep:
        operators.delete_ended(
            upkeep,
            created_before=now - SESSION_LASTS,
            used_before=now - SESSION_IDLES,
            links_before=now - LINK_LASTS,
        )


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
        raise Problem("operator.name_taken", status=422, message="There is an operator of this name.")
    if operators.is_anybody_there(tx.connection, tx.tenant_id):
        operators.delete_link(tx, link.id)
    else:
        operators.delete_links(tx)  # what was printed for the first operator is for nobody else
    operator = Operator(tenant_id=tx.tenant_id, id=tx.new_id(), name=name, role=link.role, created_at=tx.now())
    operators.insert(tx, operator, password_digest)
    tx.record(changed("Operator.Created", tx.actor, {"id": operator.id, "name": name, "role": link.role.value}))
    return _new_session(tx, operator)


@writes(Permission.OWN_SESSION)
def _begin_session(tx: Transaction) -> SignedIn:
    operator = _demand(tx, tx.actor.id)
    tx.record(changed("Operator.SignedIn", tx.actor, {}))
    return _new_session(tx, operator)


def _new_session(tx: Transaction, operator: Operator) -> SignedIn:
    token, now = random_text(tx.random, _LENGTH, _ALPHABET), tx.now()
    session = OperatorSession(
        tenant_id=tx.tenant_id,
        id=_session_id(tx.keys, token),
        operator_id=operator.id,
        created_at=now,
        used_at=now,
    )
    operators.insert_session(tx, session)
    return SignedIn(operator=operator, session=session, token=token)


def actor_of(operator: Operator, origin: Origin) -> Actor:
    """
    Say who acts where an operator does.
    """
    return Actor(
        kind=ActorKind.OPERATOR,
        id=operator.id,
        name=operator.name,
        ip=origin.ip,
        user_agent=origin.user_agent,
    )


def _acting_as(ctx: Context, operator: Operator, origin: Origin) -> Acting:
    return Acting(ctx=ctx, tenant_id=operator.tenant_id, actor=actor_of(operator, origin))


def _demand(tx: Transaction, operator_id: str) -> Operator:
    operator = operators.load(tx.connection, tx.tenant_id, operator_id)
    if operator is None:
        raise problems.unknown("operators", operator_id)
    return operator


def _demand_another_owner(tx: Transaction, operator: Operator) -> None:
    others = [one for one in operators.listing(tx) if one.role is OperatorRole.OWNER and one.id != operator.id]
    if operator.role is OperatorRole.OWNER and not others:
        raise Problem(
            "operator.last_owner", status=422, message="Somebody has to own the server: this is the last owner."
        )


def _link_id(keys: DataKeys, token: str) -> str:
    return keys.digest(ClientSecret(f"operator-link\0{token}")).hex()


def _session_id(keys: DataKeys, token: str) -> str:
    return keys.digest(ClientSecret(f"operator-session\0{token}")).hex()
