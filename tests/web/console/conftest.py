"""
The application over a home of its own, and the first operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Browser
from tests.support.clock import with_clock
from watchword.server.domain import passwords
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.names import DEFAULT_TENANT, OperatorRole
from watchword.server.operations import operators
from watchword.server.operations.operation import Acting
from watchword.server.web.app import Application, create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.clock import MovedClock
    from watchword.server.context import Context


@pytest.fixture(autouse=True)
def _cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """
    Hash with the least memory and one pass: almost every test begins with somebody who joins, half of its time.
    """
    monkeypatch.setattr(passwords, "_PASSES", 1)
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 8)
    passwords._of_nobody.cache_clear()
    yield
    passwords._of_nobody.cache_clear()


@pytest.fixture
def ctx(ctx: Context, clock: MovedClock) -> Context:
    """
    Hold the time still.
    """
    return with_clock(ctx, clock)


@pytest.fixture
def app(ctx: Context) -> Application:
    """
    Serve all browsers of a test.
    """
    return create_app(ctx, lambda: None)


@pytest.fixture
def local(ctx: Context) -> Acting:
    """
    Act as the server's own command line.
    """
    return Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=Actor(kind=ActorKind.LOCAL))


@pytest.fixture
async def owner(app: Application, local: Acting) -> Browser:
    """
    Join as the first operator.
    """
    browser = Browser(app)
    assert (await browser.join(operators.invite(local, OperatorRole.OWNER), "Ada")).status_code == 303
    return browser
