"""
A home of its own for each test, the application over it, and clients that call it without sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.clock import MovedClock, with_clock
from tests.support.home import MANAGEMENT_RESOURCE, Made
from watchword.server.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from watchword.server.context import Context


@pytest.fixture
async def anyone(ctx: Context) -> AsyncIterator[httpx.AsyncClient]:
    """
    Call any path, without credentials.
    """
    transport = httpx.ASGITransport(create_app(ctx, lambda: None))
    async with httpx.AsyncClient(transport=transport, base_url="http://somewhere.test") as client:
        yield client


@pytest.fixture
async def api(anyone: httpx.AsyncClient, made: Made) -> httpx.AsyncClient:
    """
    Call the Management API with a token that may do everything.
    """
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
    credentials = (made.application_id, made.application_secret)
    answer = await anyone.post("/oidc/token", data=form, auth=credentials)
    anyone.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
    anyone.base_url = httpx.URL("http://somewhere.test/api")
    return anyone


@pytest.fixture
async def owner(ctx: Context, clock: MovedClock) -> AsyncIterator[httpx.AsyncClient]:
    """
    Call the Management API as the machine's own command line does, at the time that the clock says.
    """
    transport = httpx.ASGITransport(create_app(with_clock(ctx, clock), lambda: None, local=True))
    async with httpx.AsyncClient(transport=transport, base_url="http://somewhere.test/api") as client:
        yield client
