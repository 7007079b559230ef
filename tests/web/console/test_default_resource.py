"""
The default API resource: what changes with it, said before and as it then turns out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.shopping import INDICATOR, Shopping, make_shopping
from watchword.server.domain.explanation import Question
from watchword.server.domain.names import MANAGEMENT_RESOURCE_ID, management_indicator
from watchword.server.operations import explaining, resources
from watchword.server.operations.resources import NewResource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.browser import Browser
    from watchword.server.context import Context
    from watchword.server.domain.records import Resource
    from watchword.server.operations.operation import Acting

ORDERS = "https://orders.example"
REFUSED = "is refused with invalid_target"


class Change(NamedTuple):
    """
    A change of the default.

    Attributes:
        before: Which is the default before, or none.
        of: Of which one the page is.
        said: What stands there.
        outcome: What a request that names no resource comes to afterwards: whom its token is for, or an error.
    """

    before: str | None
    of: str
    said: Sequence[str]
    outcome: str


CHANGES = {
    "none yet": Change(
        None,
        "shop",
        (
            "Make Online Shopping the default?",
            "There is no default now.",
            f"A request that names no resource {REFUSED} now. Then it gets a token for {INDICATOR}, with the scopes",
        ),
        INDICATOR,
    ),
    "in place of another": Change(
        "orders",
        "shop",
        (
            "Make Online Shopping the default?",
            "Orders is the default now, and then no longer.",
            f"gets a token for {ORDERS} now. Then it gets one for {INDICATOR}, with the scopes",
        ),
        INDICATOR,
    ),
    "none any more": Change(
        "shop",
        "shop",
        (
            "Make Online Shopping no longer the default?",
            "Online Shopping is the default now. Then there is none",
            f"A request that names no resource gets a token for {INDICATOR} now. Then it {REFUSED}.",
        ),
        "invalid_target",
    ),
    "the server's own": Change(
        "shop",
        "own",
        (
            "Online Shopping is the default now, and then no longer.",
            "It is this server's own Management API.",
            "a token that may change everything here",
        ),
        management_indicator("default"),
    ),
}


@pytest.fixture
def shopping(ctx: Context) -> Shopping:
    """
    Make an API, and an application that has a role for it.
    """
    return make_shopping(ctx)


@pytest.fixture
def orders(local: Acting) -> Resource:
    """
    Make another API.
    """
    return resources.create(local, NewResource(name="Orders", indicator=ORDERS))


def words_of(page: str) -> str:
    """
    Return the text of a page, without its elements.
    """
    return " ".join(re.sub(r"<[^>]+>", "", page).split())


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_page_says_what_then_happens(
    local: Acting, owner: Browser, shopping: Shopping, orders: Resource, change: Change
) -> None:
    """
    To requests that name no resource; a look changes nothing.
    """
    ids = {"shop": shopping.resource_id, "orders": orders.id, "own": MANAGEMENT_RESOURCE_ID}
    if change.before is not None:
        resources.set_default(local, ids[change.before], is_default=True)
    api = f"/console/resources/{ids[change.of]}"
    here = f"{api}/default"
    assert f'href="{here}"' in (await owner.open(api)).text
    page = words_of((await owner.open(here)).text)
    assert [text for text in change.said if text not in page] == []
    assert ("It is this server's own" in page) == (change.of == "own")
    current = resources.default(local)
    assert (current and current.id) == (change.before and ids[change.before])
    done = await owner.send(here)
    assert (done.status_code, done.headers["location"]) == (303, api)
    told = explaining.explain(local, Question(application_id=shopping.application_id)).explanation
    assert change.outcome == (told.granted.audience if told.granted else told.refused and told.refused.error)


async def test_default_is_one_at_most(local: Acting, owner: Browser, orders: Resource) -> None:
    """
    The built-in one may be it, too; the list marks it.
    """
    paths = (f"/console/resources/{orders.id}", f"/console/resources/{MANAGEMENT_RESOURCE_ID}")
    for path in paths:
        await owner.open(f"{path}/default")
        assert (await owner.send(f"{path}/default")).status_code == 303
        assert "No longer the default" in (await owner.open(path)).text
        assert (await owner.open("/console/resources")).text.count('<span class="mark">default</span>') == 1
    assert not resources.read(local, orders.id).is_default
    await owner.open(f"{paths[1]}/default")
    await owner.send(f"{paths[1]}/default")
    assert resources.default(local) is None
