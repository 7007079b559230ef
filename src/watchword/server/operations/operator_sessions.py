"""
Sessions of operators: sign in and out, say the password again, change it, see and end sessions.

A cookie carries random texts, of which the database keeps a digest: the session's id. Whoever says the password gets
another session, so that a cookie that somebody has put into, or taken from, a browser is worth nothing afterwards. The
first of the texts is kept when the password is said again: it stands for the session and those in its place.
"""

from contextlib import suppress
from datetime import timedelta
from unicodedata import normalize

from watchword.protocol.credentials import ClientSecret
from watchword.server.context import Context
from watchword.server.domain import problems
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.confidential import Confidential
from watchword.server.domain.events import Origin, changed
from watchword.server.domain.ids import new_token
from watchword.server.domain.names import Permission
from watchword.server.domain.operators import (
    LINK_LASTS,
    SESSION_IDLES,
    SESSION_LASTS,
    TRIES_LAST,
    Operator,
    OperatorSession,
    check_password,
)
from watchword.server.domain.passwords import hash_password, is_password
from watchword.server.domain.problems import Problem
from watchword.server.operations.operation import Acting, reads, writes
from watchword.server.storage import operator_sessions, operator_tries, operators
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.sealing import DataKeys
from watchword.server.storage.transaction import Transaction

_USE_IS_NOTED_EVERY = timedelta(minutes=1)
_SEPARATOR = "."
_MOST_IP, _MOST_USER_AGENT = 64, 256


class Credentials(Confidential, frozen=True, kw_only=True):
    """
    A name and a password, as somebody has typed them.
    """

    name: str
    password: str

    def normal(self) -> "Credentials":
        """
        Return them as they are compared and kept: however a keyboard spells a letter, it is the same one.
        """
        return Credentials(name=normalize("NFC", self.name).strip(), password=normal_password(self.password))


class SignedIn(Confidential, frozen=True, kw_only=True):
    """
    An operator, the session that has begun, and what its cookie carries.
    """

    operator: Operator
    session: OperatorSession
    token: str


def normal_password(typed: str) -> str:
    """
    Return a password as it is compared and kept.
    """
    return normalize("NFKC", typed)


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
    acting = Acting(ctx=ctx, tenant_id=operator.tenant_id, actor=actor_of(operator, origin))
    return _begin(acting, digest or "")


@writes(Permission.OWN_SESSION)
def sign_out(tx: Transaction, token: str) -> None:
    """
    End a session.
    """
    operator_sessions.delete(tx, tx.actor.id, session_id_of(tx.keys, token))
    tx.record(changed("Operator.SignedOut", tx.actor, {}))


def session_of(ctx: Context, tenant_id: str, token: str) -> tuple[OperatorSession, Operator] | None:
    """
    Return the session that a cookie stands for, and its operator; None where there is none, or it is over.
    """
    now = ctx.clock()
    with ctx.database.read() as connection:
        found = operator_sessions.find(connection, tenant_id, session_id_of(ctx.keys, token))
    if found is None or found[0].is_over(now):
        return None
    if now - found[0].used_at >= _USE_IS_NOTED_EVERY:
        # Where nothing can be written, what is there can still be read.
        with suppress(StorageUnavailable), ctx.upkeep() as upkeep:
            operator_sessions.note_use(upkeep, found[0], now)
    return found


def confirm(acting: Acting, session: OperatorSession, token: str, password: str) -> SignedIn:
    """
    Begin a session in the place of this one, for an operator who has just said the password again.

    Args:
        token: What the session's cookie carries.

    Raises:
        Problem: `operator.wrong_password` (422); the session has ended meanwhile (401).
    """
    return _renew(acting, session, lineage_of(token), _check_password(acting, password))


def change_password(acting: Acting, session: OperatorSession, old: str, new: str) -> SignedIn:
    """
    Change one's own password. All sessions end, and another begins.

    Raises:
        Problem: `operator.wrong_password` or `operator.weak_password` (422); the session has ended meanwhile (401).
    """
    new = normal_password(new)
    check_password(new)
    with problems.about("old"):
        known = _check_password(acting, old)
    return _set_password(acting, session, known, hash_password(new, acting.ctx.random).digest)


@reads(Permission.OWN_SESSION)
def listing(tx: Transaction) -> list[OperatorSession]:
    """
    List one's own sessions that are not over, the newest first.
    """
    now = tx.now()
    return [one for one in operator_sessions.listing(tx, tx.actor.id) if not one.is_over(now)]


@writes(Permission.OWN_SESSION)
def end(tx: Transaction, session_id: str) -> None:
    """
    End one of one's own sessions.

    Raises:
        Problem: There is none.
    """
    if not operator_sessions.delete(tx, tx.actor.id, session_id):
        raise problems.unknown("sessions", session_id)
    tx.record(changed("Operator.Session.Deleted", tx.actor, {"sessions": 1}))


@writes(Permission.OWN_SESSION)
def end_others(tx: Transaction, session: OperatorSession) -> None:
    """
    End all of one's own sessions but this one.
    """
    others = [one.id for one in operator_sessions.listing(tx, tx.actor.id) if one.id != session.id]
    if not others:
        tx.leave_unchanged()
        return
    for other in others:
        operator_sessions.delete(tx, tx.actor.id, other)
    tx.record(changed("Operator.Session.Deleted", tx.actor, {"sessions": len(others)}))


def forget_ended(ctx: Context) -> None:
    """
    Delete sessions and invitations that are over, and tries of passwords that count no more.
    """
    now = ctx.clock()
    with ctx.upkeep() as upkeep:
        operator_tries.forget(upkeep, now - TRIES_LAST)
        operator_sessions.delete_ended(
            upkeep,
            created_before=now - SESSION_LASTS,
            used_before=now - SESSION_IDLES,
            links_before=now - LINK_LASTS,
        )


def begin(tx: Transaction, operator: Operator, lineage: str | None = None) -> SignedIn:
    """
    Begin a session within a transaction.

    Args:
        lineage: That of the session in whose place it begins.
    """
    now = tx.now()
    token = f"{lineage or new_token(tx.random)}{_SEPARATOR}{new_token(tx.random)}"
    session = OperatorSession(
        tenant_id=tx.tenant_id,
        id=session_id_of(tx.keys, token),
        operator_id=operator.id,
        created_at=now,
        used_at=now,
        confirmed_at=now,
        ip=(tx.actor.ip or "")[:_MOST_IP],
        user_agent=(tx.actor.user_agent or "")[:_MOST_USER_AGENT],
    )
    operator_sessions.insert(tx, session)
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


def lineage_of(token: str) -> str:
    """
    Return the part of a session's token that stays when the password is said again.
    """
    return token.partition(_SEPARATOR)[0]


def session_id_of(keys: DataKeys, token: str) -> str:
    """
    Return the id of the session whose cookie carries a token.
    """
    return keys.digest(ClientSecret(f"operator-session\0{token}")).hex()


@writes(Permission.OWN_SESSION)
def _begin(tx: Transaction, known: str) -> SignedIn:
    _demand_unchanged(tx, known)
    tx.record(changed("Operator.SignedIn", tx.actor, {}))
    return begin(tx, _own(tx))


@writes(Permission.OWN_SESSION)
def _renew(tx: Transaction, session: OperatorSession, lineage: str, known: str) -> SignedIn:
    _demand_unchanged(tx, known)
    _end_or_refuse(tx, session)
    tx.record(changed("Operator.Session.Renewed", tx.actor, {}))
    return begin(tx, _own(tx), lineage)


@writes(Permission.OWN_SESSION)
def _set_password(tx: Transaction, session: OperatorSession, known: str, digest: str) -> SignedIn:
    _demand_unchanged(tx, known)
    _end_or_refuse(tx, session)
    operators.set_password(tx, tx.actor.id, digest)
    for one in operator_sessions.listing(tx, tx.actor.id):
        operator_sessions.delete(tx, tx.actor.id, one.id)
    tx.record(changed("Operator.Password.Updated", tx.actor, {}))
    return begin(tx, _own(tx))


def _own(tx: Transaction) -> Operator:
    operator = operators.load(tx.connection, tx.tenant_id, tx.actor.id)
    assert operator is not None  # noqa: S101 - the permission was asked for in this transaction
    return operator


def _check_password(acting: Acting, password: str) -> str:
    """
    Check a password, which takes 50 ms and so is done before a transaction that writes; return the digest that it fits.
    """
    with acting.ctx.database.read() as connection:
        digest = operators.password_digest(connection, acting.tenant_id, acting.actor.id)
    if digest is None or not is_password(normal_password(password), digest):
        raise Problem("operator.wrong_password", status=422, message="The password is wrong.", about="password")
    return digest


def _demand_unchanged(tx: Transaction, known: str) -> None:
    """
    Demand that the password is still the one that was checked.
    """
    if operators.password_digest(tx.connection, tx.tenant_id, tx.actor.id) != known:
        raise Problem("operator.wrong_credentials", status=401, message="Name or password is wrong.")


def _end_or_refuse(tx: Transaction, session: OperatorSession) -> None:
    """
    End a session, unless that has happened meanwhile: then another must not begin in its place.
    """
    if not operator_sessions.delete(tx, tx.actor.id, session.id):
        raise Problem(
            "operator.session_ended",
            status=401,
            message="This session has ended. Look whether what you sent was taken before you send it again.",
        )
