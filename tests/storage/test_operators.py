"""
Operators, invitations and sessions, on both databases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.clock import MovedClock, with_clock
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.events import Origin
from watchword.server.domain.names import DEFAULT_TENANT, OperatorRole
from watchword.server.domain.problems import Problem
from watchword.server.operations import operator_sessions, operators
from watchword.server.operations.operation import Acting
from watchword.server.operations.operator_sessions import Credentials, SignedIn

if TYPE_CHECKING:
    from watchword.server.context import Context

FROM = Origin(ip="127.0.0.1", user_agent="test")
PASSWORD = "correct horse battery"


@pytest.fixture
def local(ctx: Context, clock: MovedClock) -> Acting:
    """
    Act as the server's own command line.
    """
    return Acting(ctx=with_clock(ctx, clock), tenant_id=DEFAULT_TENANT, actor=Actor(kind=ActorKind.LOCAL))


def join(local: Acting, invitation: str, name: str) -> SignedIn:
    """
    Become an operator.
    """
    return operators.join(local.ctx, DEFAULT_TENANT, invitation, Credentials(name=name, password=PASSWORD), FROM)


def sign_in(local: Acting, name: str, password: str = PASSWORD) -> SignedIn:
    """
    Begin a session.
    """
    return operator_sessions.sign_in(local.ctx, DEFAULT_TENANT, Credentials(name=name, password=password), FROM)


def test_operator_joins_signs_in_and_is_removed(local: Acting) -> None:
    """
    Sessions go with the operator.
    """
    joined = join(local, operators.invite(local, OperatorRole.OWNER), "Äda")
    session, operator = operator_sessions.session_of(local.ctx, DEFAULT_TENANT, joined.token) or (None, None)
    assert session == joined.session
    assert operator == joined.operator
    later = sign_in(local, "äDA")
    assert later.operator.id == joined.operator.id
    assert later.token != joined.token
    other = join(local, operators.invite(local, OperatorRole.OWNER), "Ben")
    operators.remove(local, joined.operator.id)
    assert operator_sessions.session_of(local.ctx, DEFAULT_TENANT, later.token) is None
    assert [one.name for one in operators.listing(local)] == ["Ben"]
    assert operator_sessions.session_of(local.ctx, DEFAULT_TENANT, other.token) is not None


def test_name_is_taken_in_whatever_case_and_keeps_the_invitation(local: Acting) -> None:
    """
    The invitation is used up by an operator, and by nothing else.
    """
    join(local, operators.invite(local, OperatorRole.OWNER), "Ada")
    invitation = operators.invite(local, OperatorRole.VIEWER)
    with pytest.raises(Problem) as refused:
        join(local, invitation, "ADA")
    assert refused.value.code == "operator.name_taken"
    assert join(local, invitation, "Ben").operator.role is OperatorRole.VIEWER
    with pytest.raises(Problem) as refused:
        join(local, invitation, "Cleo")
    assert refused.value.code == "operator.invalid_invitation"


@pytest.mark.parametrize(("name", "password"), [("Ada", "wrong password"), ("Nobody", PASSWORD), ("", "")])
def test_wrong_credentials_are_one_refusal(local: Acting, name: str, password: str) -> None:
    """
    Whatever is wrong.
    """
    join(local, operators.invite(local, OperatorRole.OWNER), "Ada")
    with pytest.raises(Problem) as refused:
        sign_in(local, name, password)
    assert refused.value.code == "operator.wrong_credentials"


def test_what_links_and_cookies_carry_is_not_in_the_database(local: Acting) -> None:
    """
    Nor is a password.
    """
    invitation = operators.invite(local, OperatorRole.OWNER)
    joined = join(local, operators.invite(local, OperatorRole.OWNER), "Ada")
    kept = ""
    with local.ctx.database.read() as connection:
        for table in ("operators", "operator_links", "operator_sessions", "audit_events"):
            kept += repr(connection.exec_driver_sql(f"SELECT * FROM {table}").all())
    assert "Ada" in kept
    for secret in (invitation, joined.token, PASSWORD):
        assert secret not in kept


def test_use_of_a_session_is_noted_once_a_minute(local: Acting, clock: MovedClock) -> None:
    """
    So that it lasts while it is used, without a write for each page.
    """
    joined = join(local, operators.invite(local, OperatorRole.OWNER), "Ada")
    noted = []
    for _ in range(3):
        clock.move(seconds=30)
        found = operator_sessions.session_of(local.ctx, DEFAULT_TENANT, joined.token)
        assert found is not None
        noted.append(found[0].used_at)
    assert noted[0] == noted[1] == joined.session.used_at  # what is returned is as it was read
    assert (noted[2] - noted[0]).total_seconds() == 60
