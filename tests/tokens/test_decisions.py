"""
What is remembered of decisions: the same request gets the same, and never what has ceased to be so.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.clock import MovedClock, with_clock
from tests.support.shopping import Shopping, ask, ask_as_bot, claims_of
from watchword.protocol.errors import InvalidClient, InvalidRequest, InvalidTarget, OAuthError
from watchword.protocol.forms import NO_FORM
from watchword.protocol.names import Algorithm
from watchword.server.domain.client_auth import Seen, authenticate
from watchword.server.domain.decision import Decision
from watchword.server.domain.key_ring import KNOWN_AFTER
from watchword.server.domain.signing_keys import NEVER
from watchword.server.domain.view import Moment
from watchword.server.operations import (
    application_roles,
    applications,
    resources,
    role_scopes,
    roles,
    scopes,
    secrets,
    signing_keys,
)
from watchword.server.storage.changes import Changes, Mark
from watchword.server.tokens.decisions import MOST_BODY, Decisions, digest_of
from watchword.server.tokens.directory_view import DirectoryView
from watchword.server.tokens.issue import TokenResponse
from watchword.server.tokens.looks import Look
from watchword.server.tokens.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.server.context import Context

BOTH = "read:products write:products"
FORM = "application/x-www-form-urlencoded"
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """
    Count how often it is found out who asks.
    """
    counted: list[None] = []

    def counting(*given: Any) -> Any:  # noqa: ANN401 - as the function that it stands before
        counted.append(None)
        return authenticate(*given)

    monkeypatch.setattr("watchword.server.tokens.issue.authenticate", counting)
    return counted


async def test_equal_requests_are_decided_once(ctx: Context, shopping: Shopping, decided: list[None]) -> None:
    """
    Each still gets a token of its own, whose record says the same as the first's.
    """
    await ask_as_bot(ctx, shopping)  # loads what the decision needs: that takes it several times
    decided.clear()
    tokens = [await ask_as_bot(ctx, shopping) for _ in range(3)]
    assert decided == []
    claims = [claims_of(ctx, token) for token in tokens]
    assert len({claim["jti"] for claim in claims}) == 3
    with ctx.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT payload FROM tokens.token_events ORDER BY number").scalars().all()
    records = [json.loads(row) for row in rows[-4:]]
    assert [record.pop("jti") for record in records[1:]] == [claim["jti"] for claim in claims]
    del records[0]["jti"]
    assert records == [records[0]] * 4


async def test_request_line_names_who_asked(ctx: Context, shopping: Shopping) -> None:
    """
    What a request has shown of itself is known of the next one like it.
    """
    first, second = Seen(), Seen()
    for seen in (first, second):
        await ask(ctx, shopping.application_id, shopping.application_secret, seen=seen)
    assert second.application is not None
    assert second.application.id == shopping.application_id
    assert second == first


CHANGES: dict[str, Callable[[Shopping], object]] = {
    "the application loses the role": lambda s: application_roles.remove(s.acting, s.application_id, s.role_id),
    "the role loses a permission": lambda s: role_scopes.remove(s.acting, s.role_id, s.scope_ids["read:products"]),
    "a permission is deleted": lambda s: scopes.delete(s.acting, s.resource_id, s.scope_ids["read:products"]),
    "a permission is renamed": lambda s: scopes.update(
        s.acting, s.resource_id, s.scope_ids["read:products"], {"name": "read:all"}
    ),
    "the role is deleted": lambda s: roles.delete(s.acting, s.role_id),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_lost_permission_is_missed_at_once(
    ctx: Context, shopping: Shopping, change: Callable[[Shopping], object]
) -> None:
    """
    The next request after any change is decided anew.
    """
    for _ in range(2):
        assert (await ask_as_bot(ctx, shopping)).scope == BOTH
    change(shopping)
    for _ in range(2):
        assert "read:products" not in (await ask_as_bot(ctx, shopping)).scope


ENDS: dict[str, tuple[Callable[[Shopping], object], type[OAuthError]]] = {
    "the secret is deleted": (
        lambda s: secrets.delete(s.acting, s.application_id, "Default secret"),
        InvalidClient,
    ),
    "the application is deleted": (lambda s: applications.delete(s.acting, s.application_id), InvalidClient),
    "the API is deleted": (lambda s: resources.delete(s.acting, s.resource_id), InvalidTarget),
}


@pytest.mark.parametrize(("change", "refusal"), ENDS.values(), ids=ENDS)
async def test_what_is_gone_is_refused_at_once(
    ctx: Context, shopping: Shopping, change: Callable[[Shopping], object], refusal: type[OAuthError]
) -> None:
    """
    Nothing is granted by what has been deleted.
    """
    for _ in range(2):
        await ask_as_bot(ctx, shopping)
    change(shopping)
    for _ in range(2):
        with pytest.raises(refusal):
            await ask_as_bot(ctx, shopping)


async def test_change_by_raw_sql_is_seen(ctx: Context, shopping: Shopping) -> None:
    """
    Whoever writes, and whatever it is: here how long tokens live.
    """
    for _ in range(2):
        assert (await ask_as_bot(ctx, shopping)).expires_in == 3600
    with ctx.database.write() as connection:
        connection.execute(
            sa.text("UPDATE resources SET access_token_ttl = 60 WHERE id = :id"), {"id": shopping.resource_id}
        )
    assert (await ask_as_bot(ctx, shopping)).expires_in == 60


async def test_secret_expires_without_any_change(
    ctx: Context, shopping: Shopping, clock: MovedClock, decided: list[None]
) -> None:
    """
    Time alone ends a decision, at the very instant.
    """
    ctx = with_clock(ctx, clock)
    secret = secrets.create(shopping.acting, shopping.application_id, "short", clock.now + timedelta(minutes=1))
    assert secret.value is not None
    await ask(ctx, shopping.application_id, secret.value)
    decided.clear()
    clock.move(seconds=59, microseconds=999_999)
    await ask(ctx, shopping.application_id, secret.value)
    assert decided == []
    clock.move(microseconds=1)
    with pytest.raises(InvalidRequest, match="client secret has expired"):
        await ask(ctx, shopping.application_id, secret.value)


async def test_key_turns_without_any_change(ctx: Context, shopping: Shopping, clock: MovedClock) -> None:
    """
    A rotation that was fixed beforehand takes place in spite of what is remembered.
    """
    ctx = with_clock(ctx, clock)
    acting = replace(shopping.acting, ctx=ctx)
    signing_keys.rotate(acting, Algorithm.ES256, at_once=True)  # leaves a standby that nobody has seen yet
    signing_keys.rotate(acting, Algorithm.ES256, at_once=False)
    first = [_kid(await ask_as_bot(ctx, shopping)) for _ in range(2)]
    clock.move(seconds=KNOWN_AFTER.total_seconds() - 1)
    first.append(_kid(await ask_as_bot(ctx, shopping)))
    clock.move(seconds=1)
    then = [_kid(await ask_as_bot(ctx, shopping)) for _ in range(2)]
    assert len(set(first)) == len(set(then)) == 1
    assert set(first) != set(then)


async def test_wrong_secret_gains_nothing_by_what_is_remembered(ctx: Context, shopping: Shopping) -> None:
    """
    A request that differs by its secret alone is decided by itself, however often the right one has come before.
    """
    for _ in range(2):
        await ask_as_bot(ctx, shopping)
        for secret in ("wrong", shopping.application_secret[:-1], shopping.application_secret + " "):
            with pytest.raises(OAuthError):
                await ask(ctx, shopping.application_id, secret)


async def test_refusals_are_not_remembered(ctx: Context, shopping: Shopping, decided: list[None]) -> None:
    """
    Who is refused is judged each time.
    """
    for _ in range(3):
        with pytest.raises(InvalidClient):
            await ask(ctx, shopping.application_id, "wrong")
    assert len(decided) >= 3


@pytest.mark.parametrize("more", [{"padding": "x" * MOST_BODY}, {"scope": "x" * MOST_BODY}], ids=["junk", "scopes"])
async def test_long_requests_are_decided_each_time(
    ctx: Context, shopping: Shopping, decided: list[None], more: dict[str, str]
) -> None:
    """
    What is remembered is bounded in bytes, too.
    """
    for _ in range(2):
        await ask_as_bot(ctx, shopping, **more)
    decided.clear()
    await ask_as_bot(ctx, shopping, **more)
    assert len(decided) == 1


PARTS = st.tuples(
    st.lists(st.text(max_size=3), min_size=1, max_size=2).map(tuple),
    st.none() | st.text(max_size=3),
    st.none() | st.text(max_size=3),
    st.binary(max_size=3) | st.sampled_from([b'"]', b"null]", b"a"]),
)


@given(PARTS, PARTS)
def test_digests_are_equal_where_requests_are(one: Any, other: Any) -> None:  # noqa: ANN401 - four parts each
    """
    Nothing can be moved from one part of a request to another and pass for the same.
    """
    assert (digest_of(*one) == digest_of(*other)) == (one == other)


@pytest.mark.parametrize(
    ("authorization", "body"),
    [
        pytest.param((), b"grant_type=client_credentials&client_id=a&client_secret=b", id="secret in the body"),
        pytest.param(("Basic YTpi",), b"x" * (MOST_BODY + 1), id="long"),
    ],
)
def test_some_requests_have_no_digest(authorization: tuple[str, ...], body: bytes) -> None:
    """
    A form that holds a secret must not outlive its request.
    """
    assert digest_of(authorization, FORM, None, body) is None


def decision(*, until: datetime = NEVER, lasts: bool = True) -> Decision:
    """
    Make a decision of which nobody reads more than how long it is good for.
    """
    nothing: Any = None
    authorization: Any = _Lasting(lasts)
    return Decision(
        form=NO_FORM, caller=nothing, authorization=authorization, key=nothing, granted=nothing, until=until
    )


class _Lasting:
    def __init__(self, lasts: bool) -> None:
        self.lasts = lasts


def test_used_longest_ago_goes_first() -> None:
    """
    There is room for so many; one that is asked for again and again stays.
    """
    decisions = Decisions(3)
    decisions.keep(b"hot", decision())
    for number in range(10):
        decisions.keep(b"once %d" % number, decision())
        assert decisions.find(b"hot", NOW) is not None
    assert [number for number in range(10) if decisions.find(b"once %d" % number, NOW) is not None] == [8, 9]


def test_what_does_not_last_is_not_kept() -> None:
    """
    A grant has to say that equal requests get the same: by default they are decided one by one.
    """
    decisions = Decisions(3)
    decisions.keep(b"once", decision(lasts=False))
    assert decisions.find(b"once", NOW) is None


def test_decision_ends_at_its_instant() -> None:
    """
    It is gone then: a clock that is slower has nothing to find.
    """
    decisions = Decisions(3)
    decisions.keep(b"x", decision(until=NOW))
    assert decisions.find(b"x", NOW - timedelta(microseconds=1)) is not None
    assert decisions.find(b"x", NOW) is None
    assert decisions.find(b"x", NOW - timedelta(microseconds=1)) is None


def test_late_decision_is_not_kept_over_a_change() -> None:
    """
    Where looks overlap, a decision by an earlier one neither leaves anything behind nor finds what is newer.
    """
    remembered = Remembered(10)
    remembered.apply(Changes(Mark(5, "a"), None))
    early = _view(remembered, 5)
    remembered.apply(Changes(Mark(6, "b"), [("role", "x")]))
    late = _view(remembered, 6)
    early.keep(b"x", decision())
    assert late.recall(b"x", NOW) is None
    late.keep(b"x", decision())
    assert late.recall(b"x", NOW) is not None
    assert early.recall(b"x", NOW) is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(Changes(Mark(6, "b"), [("role", "x")]), id="one change"),
        pytest.param(Changes(Mark(6, "b"), [("thing of a newer version", "x")]), id="an unknown one"),
        pytest.param(Changes(Mark(5, "a"), None), id="a look that joins nothing"),
        pytest.param(Changes(Mark(5, "a"), (), "another server"), id="another server"),
    ],
)
def test_any_change_ends_all_decisions(changes: Changes) -> None:
    """
    Also where the number of the newest change is the same as before, in another history.
    """
    remembered = Remembered(10)
    remembered.apply(Changes(Mark(5, "a"), None))
    _view(remembered, 5).keep(b"x", decision())
    remembered.apply(Changes(Mark(5, "a"), ()))
    assert _view(remembered, 5).recall(b"x", NOW) is not None
    remembered.apply(changes)
    assert _view(remembered, changes.mark.number).recall(b"x", NOW) is None


def _view(remembered: Remembered, number: int) -> DirectoryView:
    return DirectoryView("default", remembered, Look(number, Moment(0.0), remembered.history))


def _kid(response: TokenResponse) -> str:
    segment = response.access_token.partition(".")[0]
    header = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return str(header["kid"])
