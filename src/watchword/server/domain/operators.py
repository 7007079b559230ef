"""
Operators: the people who run a server by its console. What each role lets them do, and how long a session lasts.
"""

from datetime import datetime, timedelta

import msgspec

from watchword.server.domain.management import forbidden, unauthorized
from watchword.server.domain.names import OperatorRole, Permission
from watchword.server.domain.problems import Problem

LINK_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)
SESSION_IDLES = timedelta(minutes=30)
CONFIRMATION_LASTS = timedelta(minutes=10)
TRIES_LAST = timedelta(minutes=1)  # of a password, and then it may be tried again
LEAST_PASSWORD, MOST_PASSWORD, MOST_NAME = 12, 1024, 128


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """
    A person who may sign in at the console.
    """

    tenant_id: str
    id: str
    name: str
    role: OperatorRole
    created_at: datetime


class OperatorLink(msgspec.Struct, frozen=True, kw_only=True):
    """
    An invitation: whoever has the link becomes an operator, once.

    Attributes:
        id: Digest of what the link carries, in hexadecimal.
    """

    tenant_id: str
    id: str
    role: OperatorRole
    created_at: datetime

    @property
    def ends_at(self) -> datetime:
        """
        From when on it is too old.
        """
        return self.created_at + LINK_LASTS

    def is_over(self, now: datetime) -> bool:
        """
        Whether it is too old.
        """
        return now >= self.ends_at


class OperatorSession(msgspec.Struct, frozen=True, kw_only=True):
    """
    A browser in which an operator has signed in.

    Attributes:
        id: Digest of what its cookie carries, in hexadecimal.
        confirmed_at: When the password was said last.
        ip: From where it was begun.
    """

    tenant_id: str
    id: str
    operator_id: str
    created_at: datetime
    used_at: datetime
    confirmed_at: datetime
    ip: str
    user_agent: str

    def is_over(self, now: datetime) -> bool:
        """
        Whether it has lasted, or lain idle, for too long.
        """
        return now - self.created_at >= SESSION_LASTS or now - self.used_at >= SESSION_IDLES

    def is_confirmed(self, now: datetime) -> bool:
        """
        Whether the password was said lately: what can't be undone, and what shows a secret, waits for that.
        """
        return now - self.confirmed_at < CONFIRMATION_LASTS


def check_operator(operator: Operator | None, permission: Permission, *, is_write: bool) -> None:
    """
    Demand that an operator may do something now. What this does not know is denied.

    Args:
        operator: As it stands now; None where it is gone.

    Raises:
        Problem: `auth.unauthorized` (401) where the operator is gone, `auth.forbidden` (403) without the permission.
    """
    if operator is None:
        raise unauthorized("operator")
    match permission:
        case Permission.OWN_SESSION:
            return
        case Permission.ALL if not is_write or operator.role in {OperatorRole.OWNER, OperatorRole.EDITOR}:
            return
        case Permission.OPERATORS if not is_write or operator.role is OperatorRole.OWNER:
            return
    raise forbidden()


def check_invitation(link: OperatorLink | None, permission: Permission, now: datetime) -> None:
    """
    Demand that an invitation is good, for what it is there for.

    Args:
        link: As it stands now; None where there is none, or it was used.

    Raises:
        Problem: `operator.invalid_invitation` (403).
    """
    if link is None or link.is_over(now) or permission is not Permission.JOIN:
        raise Problem(
            "operator.invalid_invitation",
            status=403,
            message="The invitation is not good: it was used, or is too old.",
            about="invitation",
        )


def check_name(name: str) -> None:
    """
    Demand a name that an operator can have.

    Raises:
        Problem: `operator.invalid_name` (422).
    """
    if not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise Problem(
            "operator.invalid_name",
            status=422,
            message=f"The name must have 1 to {MOST_NAME} printable characters.",
            about="name",
        )


def check_password(password: str) -> None:
    """
    Demand a password that an operator can have.

    Raises:
        Problem: `operator.weak_password` (422).
    """
    if not LEAST_PASSWORD <= len(password) <= MOST_PASSWORD:
        raise Problem(
            "operator.weak_password",
            status=422,
            message=f"The password must have {LEAST_PASSWORD} to {MOST_PASSWORD} characters.",
            about="password",
        )
