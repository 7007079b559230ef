"""
The box that looks everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.browser import invited
from tests.support.shopping import ask_as_bot, shopping
from watchword.server.domain.management import forbidden
from watchword.server.domain.names import ApplicationType, OperatorRole, RoleType
from watchword.server.operations import applications, logs, operators, resources, roles, scopes, users
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser
from watchword.server.storage import scope_choices
from watchword.server.storage.log_filter import LogFilter

if TYPE_CHECKING:
    import pytest

    from tests.support.browser import Browser
    from tests.support.shopping import Shopping
    from watchword.server.context import Context
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application

__all__ = ["shopping"]


async def test_everything_is_found_by_a_part_of_its_name(local: Acting, owner: Browser) -> None:
    """
    With the way to each, and to all of a kind where there are more than a few.
    """
    bots = [NewApplication(name=f"shop bot {one}", type=ApplicationType.MACHINE_TO_MACHINE) for one in range(6)]
    made = {applications.create(local, bot)[0].id for bot in bots}
    role = roles.create(local, NewRole(name="SHOP reader", description="x", type=RoleType.USER))
    user = users.create(local, NewUser(name="Shop keeper"))
    resource = resources.create(local, NewResource(name="Orders", indicator="https://shop.example"))
    page = (await owner.open("/console/search?words=shop")).text
    assert f'href="/console/resources/{resource.id}"' in page
    assert set(re.findall(r'href="/console/applications/(\w+)"', page)) < made
    assert f'href="/console/roles/{role.id}"' in page
    assert f'href="/console/users/{user.id}"' in page
    assert 'href="/console/applications?search=shop">All 6 applications' in page
    assert page.count("shop bot") == 5


async def test_what_is_called_so_comes_first(local: Acting, owner: Browser) -> None:
    """
    However many newer ones have the words in their names, and once.
    """
    for name in ["Bulk 1", *[f"Bulk 1{number}" for number in range(6)]]:
        applications.create(local, NewApplication(name=name, type=ApplicationType.SPA))
    page = (await owner.open("/console/search?words=bulk+1")).text
    found = re.findall(r">(Bulk 1\d?)<", page)
    assert (found[0], len(found), found.count("Bulk 1")) == ("Bulk 1", 5, 1)


async def test_words_are_taken_as_they_are(local: Acting, owner: Browser) -> None:
    """
    No sign of theirs means anything, and an id finds its thing.
    """
    application, _ = applications.create(local, NewApplication(name="100% fine", type=ApplicationType.SPA))
    applications.create(local, NewApplication(name="100 and more", type=ApplicationType.SPA))
    page = (await owner.open("/console/search?words=100%25")).text
    assert "100% fine" in page
    assert "100 and more" not in page
    assert "100% fine" in (await owner.open(f"/console/search?words={application.id}")).text
    assert "Nothing has it in its name" in (await owner.open("/console/search?words=_____________")).text
    assert "Type a part of a name" in (await owner.open("/console/search?words=+")).text


async def test_permissions_are_found_with_their_api(local: Acting, owner: Browser, shopping: Shopping) -> None:
    """
    By their own names: a few, and a word where there are more.
    """
    page = (await owner.open("/console/search?words=read:products")).text
    scope_id = shopping.scope_ids["read:products"]
    assert f'<a href="/console/resources/{shopping.resource_id}/scopes/{scope_id}">read:products</a>' in page
    assert '<span class="quiet">Online Shopping</span>' in page
    assert scope_id in (await owner.open(f"/console/search?words={scope_id}")).text
    assert "There are more" not in page
    for number in range(5):
        scopes.create(local, shopping.resource_id, f"READ:products:{number}", None)
    page = (await owner.open("/console/search?words=read:products")).text
    assert "There are more: type more of the name." in page
    assert page.count("/scopes/") == 5
    assert "Permissions" not in (await owner.open("/console/search?words=Online+Shopping")).text


async def test_search_looks_at_so_many_permissions(
    local: Acting, owner: Browser, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However many there are.
    """
    monkeypatch.setattr(scope_choices, "_MOST_LOOKED_AT", 1)
    names = ("read:products", "write:products", "allows+all+permissions")  # nothing that an id may have by chance
    pages = [(await owner.open(f"/console/search?words={name}")).text for name in names]
    assert sum("/scopes/" in page for page in pages) == 1


async def test_operators_are_found_by_those_who_may_see_them(
    app: Application, local: Acting, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Others find all the rest.
    """
    await invited(app, local, OperatorRole.VIEWER)
    page = (await owner.open("/console/search?words=VIEW")).text
    assert '<a href="/console/operators">viewer</a>' in page

    def refused(acting: Acting) -> None:
        raise forbidden()

    monkeypatch.setattr(operators, "listing", refused)
    roles.create(local, NewRole(name="viewers", description="x", type=RoleType.USER))
    page = (await owner.open("/console/search?words=view")).text
    assert ">viewers</a>" in page
    assert ">viewer</a>" not in page


async def test_record_of_the_log_is_found_by_its_id(ctx: Context, owner: Browser, shopping: Shopping) -> None:
    """
    By all of it, of a change and of a token.
    """
    await ask_as_bot(ctx, shopping)
    entries = logs.newest(shopping.acting, LogFilter(), 50)
    token, change = entries[0], next(entry for entry in entries if entry.key == "Application.Created")
    for entry in (token, change):
        page = (await owner.open(f"/console/search?words={entry.id}")).text
        assert f'<a href="/console/logs/{entry.id}">{entry.key}</a>' in page
        assert f'/console/logs/{entry.id}"' not in (await owner.open(f"/console/search?words={entry.id[:-1]}")).text
    assert "Nothing has it in its name" in (await owner.open(f"/console/search?words={'t' * 21}")).text
