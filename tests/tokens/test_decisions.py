"""
What is remembered of decisions: the same request gets the same, and never what has ceased to be so.
"""

from __future__ import annotations

import gc
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from msgspec.structs import astuple, replace

from tests.support.clock import MovedClock, with_clock
from tests.support.shopping import Shopping, ask, ask_as_bot, claims_of, request_for
from tests.support.stored import token_payloads
from watchword.protocol.errors import InvalidClient, InvalidRequest, InvalidTarget, OAuthError
from watchword.protocol.jose import read_token
from watchword.protocol.names import Algorithm
from watchword.server.domain.client_auth import Seen, authenticate
from watchword.server.domain.client_auth.origins import OriginRefused
from watchword.server.domain.decision import Decision
from watchword.server.domain.key_ring import KNOWN_AFTER
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
from watchword.server.telemetry.exposition import metrics_text
from watchword.server.tokens.decisions import MOST_BODY
from watchword.server.tokens.issue import TokenResponse, issue_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.server.context import Context

BOTH = "read:products write:products"


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
    records = token_payloads(ctx.database)[-4:]
    assert [record.pop("jti") for record in records[1:]] == [claim["jti"] for claim in claims]
    del records[0]["jti"]
    assert records == [records[0]] * 4


async def test_recalled_decisions_are_counted(ctx: Context, shopping: Shopping) -> None:
    """
    With the look after them, as hits are.
    """
    counter = "watchword_decisions_recalled_total"
    for _ in range(4):
        await ask_as_bot(ctx, shopping)
    assert f"\n{counter} 2.0\n" in metrics_text(ctx.meters).decode()


async def test_request_line_names_who_asked(ctx: Context, shopping: Shopping) -> None:
    """
    What a request has shown of itself is known of the next one like it.
    """
    first, second = Seen(), Seen()
    for seen in (first, second):
        await issue_token(request_for(ctx, shopping.application_id, shopping.application_secret), ctx, seen)
    assert second.application is not None
    assert (second.application, second.client_id) == (first.application, shopping.application_id)
    assert (second.matched, second.secret, second.form.grant_type) == (first.matched, True, "client_credentials")


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


async def test_origin_and_content_type_tell_requests_apart(ctx: Context, shopping: Shopping) -> None:
    """
    What was granted to a program is neither granted to a browser's page nor to a body of another kind.
    """
    for _ in range(2):
        await ask_as_bot(ctx, shopping)
    request = request_for(ctx, shopping.application_id, shopping.application_secret)
    with pytest.raises(OriginRefused):
        await issue_token(replace(request, browser_origin="https://evil.example"), ctx, Seen())
    with pytest.raises(InvalidRequest):
        await issue_token(replace(request, content_type="text/plain"), ctx, Seen())
    assert (await issue_token(request, ctx, Seen())).scope == BOTH


@pytest.mark.parametrize("name", ["clientSecret", "password"])
async def test_what_else_a_form_holds_is_not_remembered(ctx: Context, shopping: Shopping, name: str) -> None:
    """
    People put secrets where none is looked for. The request gets its token, and nothing of it stays.
    """
    value = f"hunter2-{name}-{shopping.application_id}"
    await ask_as_bot(ctx, shopping, **{name: value})
    gc.collect()
    held = [one for one in gc.get_objects() if isinstance(one, Decision)]
    assert held
    assert value not in repr([astuple(one) for one in held])
    assert value not in repr(held)


def _kid(response: TokenResponse) -> str:
    return read_token(response.access_token).kid
