"""
Too many failed authentications, as their callers see it.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import httpx
import pytest
from msgspec.structs import replace

from tests.support.wire import assert_oauth_headers, assert_oidc_error
from watchword.server.domain.limits import Limits
from watchword.server.web.app import create_app
from watchword.server.web.oauth import holding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.home import Made
    from watchword.server.context import Context

FORM = {"grant_type": "client_credentials"}


@pytest.fixture
async def throttled(ctx: Context, made: Made) -> AsyncIterator[httpx.AsyncClient]:
    """
    Call a server that has refused the one try a minute that it treats by itself.
    """
    transport = httpx.ASGITransport(create_app(replace(ctx, limits=Limits(1)), lambda: None))
    async with httpx.AsyncClient(transport=transport, base_url="http://somewhere.test") as client:
        answer = await client.post("/oidc/token", data=FORM, auth=(made.application_id, "wrong"))
        assert answer.status_code == 401
        yield client


async def test_throttled_try_is_answered_429(
    throttled: httpx.AsyncClient, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    In the shape of any OAuth error, with the time to wait, and without a challenge to try again.
    """
    monkeypatch.setattr(holding, "HOLD_SECONDS", 0.0)
    answer = await throttled.post("/oidc/token", data=FORM, auth=(made.application_id, "wrong"))
    assert_oidc_error(answer, 429, "temporarily_unavailable", "too many failed authentications")
    assert_oauth_headers(answer)
    assert answer.headers["retry-after"] == "60"
    assert "www-authenticate" not in answer.headers


async def test_held_answers_are_bounded_and_keep_nobody_else_waiting(
    throttled: httpx.AsyncClient, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Who floods over a few connections waits. Beyond the places there are, answers go out at once; so does a token.
    """
    monkeypatch.setattr(holding, "HOLD_SECONDS", 600.0)
    monkeypatch.setattr(holding, "MOST_HELD", 3)

    async def ask(secret: str) -> int:
        answer = await throttled.post(
            "/oidc/token", data=FORM | {"resource": "x:y"}, auth=(made.application_id, secret)
        )
        return answer.status_code

    tries = [asyncio.ensure_future(ask("wrong")) for _ in range(10)]
    async with asyncio.timeout(10):
        assert [await done for done in itertools.islice(asyncio.as_completed(tries), 7)] == [429] * 7
        assert await ask(made.application_secret) == 400  # for the resource: the secret is right
    assert [task.done() for task in tries].count(False) == 3
    for task in tries:
        task.cancel()
    await asyncio.wait(tries)
    later = asyncio.ensure_future(ask("wrong"))
    assert await asyncio.wait([later], timeout=0.05) == (set(), {later})  # the places are free again
    later.cancel()
