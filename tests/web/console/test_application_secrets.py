"""
The secrets on the page of an application.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from watchword.server.domain.names import ApplicationType
from watchword.server.operations import applications, secrets
from watchword.server.operations.applications import NewApplication

if TYPE_CHECKING:
    from tests.support.browser import Browser
    from tests.support.clock import MovedClock
    from watchword.server.context import Context
    from watchword.server.domain.records import Application
    from watchword.server.operations.operation import Acting


@pytest.fixture
def bot(local: Acting) -> Application:
    """
    An application with one secret.
    """
    return applications.create(local, NewApplication(name="Bot", type=ApplicationType.MACHINE_TO_MACHINE))[0]


async def test_refused_secret_keeps_its_name_and_how_long_it_is_good(
    local: Acting, owner: Browser, bot: Application
) -> None:
    """
    The fields of the settings beside it stay what they are.
    """
    path = f"/console/applications/{bot.id}"
    await owner.open(path)
    refused = await owner.send(f"{path}/secrets", name="Default secret", days="90")
    assert (refused.status_code, "already exists" in refused.text) == (422, True)
    assert 'aria-describedby="secret-name-refused" autofocus name="name" value="Default secret"' in refused.text
    assert '<option value="90" selected>' in refused.text
    assert 'id="name" name="name" value="Bot"' in refused.text
    unknown = await owner.send(f"{path}/secrets", name="next", days="3650")
    assert (unknown.status_code, "Choose for how long" in unknown.text) == (422, True)
    assert len(secrets.listing(local, bot.id)) == 1
    made = await owner.send(f"{path}/secrets", name="next", days="90")
    assert 'id="secret-name" name="name" value=""' in made.text


async def test_expired_secret_is_marked(
    ctx: Context, local: Acting, owner: Browser, bot: Application, clock: MovedClock
) -> None:
    """
    Where no other is good, the page says what that means.
    """
    path, none_is_good = f"/console/applications/{bot.id}", "It has no good secret"
    secrets.create(local, bot.id, "short", ctx.clock() + timedelta(minutes=5))
    expired = 'short <span class="mark">expired</span>'
    assert expired not in (await owner.open(path)).text
    clock.move(minutes=5)
    page = (await owner.open(path)).text
    assert (page.count(">expired<"), expired in page, none_is_good in page) == (1, True, False)
    secrets.delete(local, bot.id, "Default secret")
    assert none_is_good in (await owner.open(path)).text
