"""
Sessions of operators: a password that is said again, one that is changed, and sessions that are ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.clock import MovedClock, with_clock
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.events import Origin
from watchword.server.domain.names import DEFAULT_TENANT, OperatorRole
from watchword.server.domain.operators import CONFIRMATION_LASTS
from watchword.server.domain.passwords import is_password
from watchword.server.domain.problems import Problem
from watchword.server.operations import operator_sessions, operators
from watchword.server.operations.operation import Acting
from watchword.server.operations.operator_sessions import Credentials, SignedIn, actor_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.server.context import Context

FROM = Origin(ip="192.0.2.7", user_agent="browser")
PASSWORD, OTHER = "correct horse battery", "another horse, stapled"


@pytest.fixture
def ctx(ctx: Context, clock: MovedClock) -> Context:
    """
    Hold the time still.
    """
    return with_clock(ctx, clock)


@pytest.fixture
def ada(ctx: Context) -> SignedIn:
    """
    Let the first operator join.
    """
    local = Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=Actor(kind=ActorKind.LOCAL))
    invitation = operators.invite(local, OperatorRole.OWNER)
    return operators.join(ctx, DEFAULT_TENANT, invitation, Credentials(name="Ada", password=PASSWORD), FROM)


def sign_in(ctx: Context, password: str = PASSWORD, name: str = "Ada") -> SignedIn:
    """
    Sign in once more.
    """
    return operator_sessions.sign_in(ctx, DEFAULT_TENANT, Credentials(name=name, password=password), FROM)


def acting_as(ctx: Context, signed_in: SignedIn) -> Acting:
    """
    Act as an operator.
    """
    return Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=actor_of(signed_in.operator, FROM))


def is_good(ctx: Context, signed_in: SignedIn) -> bool:
    """
    Tell whether a session stands.
    """
    return operator_sessions.session_of(ctx, DEFAULT_TENANT, signed_in.token) is not None


def test_confirmation_lasts_ten_minutes_and_gives_another_session(
    ctx: Context, ada: SignedIn, clock: MovedClock
) -> None:
    """
    The cookie of before is worth nothing.
    """
    assert ada.session.is_confirmed(ctx.clock())
    clock.move(minutes=10)
    assert CONFIRMATION_LASTS.total_seconds() == 600
    assert not ada.session.is_confirmed(ctx.clock())
    renewed = operator_sessions.confirm(acting_as(ctx, ada), ada.session, ada.token, PASSWORD)
    assert renewed.session.is_confirmed(ctx.clock())
    assert (is_good(ctx, ada), is_good(ctx, renewed)) == (False, True)


def test_wrong_password_confirms_nothing(ctx: Context, ada: SignedIn) -> None:
    """
    The session stays as it is.
    """
    with pytest.raises(Problem) as refused:
        operator_sessions.confirm(acting_as(ctx, ada), ada.session, ada.token, OTHER)
    assert (refused.value.code, refused.value.status) == ("operator.wrong_password", 422)
    assert is_good(ctx, ada)


def test_changed_password_ends_all_sessions(ctx: Context, ada: SignedIn) -> None:
    """
    But the one that begins with it.
    """
    elsewhere = sign_in(ctx)
    changed = operator_sessions.change_password(acting_as(ctx, ada), ada.session, PASSWORD, OTHER)
    assert [is_good(ctx, one) for one in (ada, elsewhere, changed)] == [False, False, True]
    assert is_good(ctx, sign_in(ctx, OTHER))
    with pytest.raises(Problem):
        sign_in(ctx, PASSWORD)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [(OTHER, OTHER, "operator.wrong_password"), (PASSWORD, "short", "operator.weak_password")],
)
def test_password_that_can_not_be_had_changes_nothing(
    ctx: Context, ada: SignedIn, old: str, new: str, code: str
) -> None:
    """
    Whoever finds a browser open does not know the old one.
    """
    with pytest.raises(Problem) as refused:
        operator_sessions.change_password(acting_as(ctx, ada), ada.session, old, new)
    assert refused.value.code == code
    assert is_good(ctx, ada)
    assert is_good(ctx, sign_in(ctx))


def test_sessions_are_listed_and_ended(ctx: Context, ada: SignedIn, clock: MovedClock) -> None:
    """
    The newest first, with where each was begun; those that are over are not there.
    """
    clock.move(minutes=29)
    others = [sign_in(ctx), sign_in(ctx)]
    acting = acting_as(ctx, ada)
    listed = operator_sessions.listing(acting)
    assert {one.id for one in listed[:2]} == {one.session.id for one in others}
    assert [(one.ip, one.user_agent) for one in listed] == [("192.0.2.7", "browser")] * 3
    operator_sessions.end(acting, others[0].session.id)
    assert [is_good(ctx, one) for one in others] == [False, True]
    clock.move(minutes=1)
    assert [one.id for one in operator_sessions.listing(acting)] == [others[1].session.id]
    third = sign_in(ctx)
    operator_sessions.end_others(acting, third.session)
    assert [is_good(ctx, one) for one in (others[1], third)] == [False, True]


def test_session_of_somebody_else_is_not_there(ctx: Context, ada: SignedIn) -> None:
    """
    Whatever its id.
    """
    invitation = operators.invite(acting_as(ctx, ada), OperatorRole.VIEWER)
    ben = operators.join(ctx, DEFAULT_TENANT, invitation, Credentials(name="Ben", password=OTHER), FROM)
    with pytest.raises(Problem) as refused:
        operator_sessions.end(acting_as(ctx, ben), ada.session.id)
    assert refused.value.status == 404
    operator_sessions.end_others(acting_as(ctx, ben), ben.session)
    assert is_good(ctx, ada)


def change_while_checking(monkeypatch: pytest.MonkeyPatch, what: Callable[[], object]) -> None:
    """
    Let something happen in the 50 ms that a password is checked in.
    """

    def check(password: str, digest: str | None) -> bool:
        monkeypatch.undo()
        is_right = is_password(password, digest)
        what()
        return is_right

    monkeypatch.setattr(operator_sessions, "is_password", check)


def test_password_that_was_changed_meanwhile_lets_nobody_in(
    ctx: Context, ada: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Whoever changes it, because somebody else knows it, is rid of them.
    """
    acting = acting_as(ctx, ada)
    change_while_checking(monkeypatch, lambda: operator_sessions.change_password(acting, ada.session, PASSWORD, OTHER))
    with pytest.raises(Problem) as refused:
        sign_in(ctx)
    assert refused.value.code == "operator.wrong_credentials"
    assert len(operator_sessions.listing(acting)) == 1


def test_session_that_has_ended_meanwhile_is_not_replaced(
    ctx: Context, ada: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Neither by the password said again, nor by another.
    """
    other, acting = sign_in(ctx), acting_as(ctx, ada)
    change_while_checking(monkeypatch, lambda: operator_sessions.end_others(acting, other.session))
    with pytest.raises(Problem) as refused:
        operator_sessions.confirm(acting, ada.session, ada.token, PASSWORD)
    assert (refused.value.status, refused.value.code) == (401, "operator.session_ended")
    with pytest.raises(Problem) as refused:
        operator_sessions.change_password(acting, ada.session, PASSWORD, OTHER)
    assert refused.value.status == 401
    assert [one.id for one in operator_sessions.listing(acting)] == [other.session.id]
    assert is_good(ctx, sign_in(ctx))
