"""
The page before a right is taken away: what would change, and the button that does it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Browser, invited
from tests.support.shopping import Shopping, make_shopping
from watchword.server.domain.names import ApplicationType, OperatorRole, RoleType
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import (
    application_roles,
    applications,
    role_applications,
    role_scopes,
    roles,
    secrets,
    user_roles,
    users,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser

if TYPE_CHECKING:
    from watchword.server.context import Context
    from watchword.server.domain.records import Role, User
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application as App

READ, WRITE = "read:products", "write:products"


@pytest.fixture
def shopping(ctx: Context) -> Shopping:
    """
    Make an API with two permissions, a role with both, and an application that holds the role.
    """
    return make_shopping(ctx)


@pytest.fixture
def reader(local: Acting, shopping: Shopping) -> Role:
    """
    Make another role, which gives one of the two.
    """
    scope_ids = [shopping.scope_ids[READ]]
    new = NewRole(name="reader", description="Reads", type=RoleType.MACHINE_TO_MACHINE, scope_ids=scope_ids)
    return roles.create(local, new)


@pytest.fixture
def customer(local: Acting, shopping: Shopping) -> Role:
    """
    Make a role for users, which gives one of the two.
    """
    scope_ids = [shopping.scope_ids[READ]]
    return roles.create(local, NewRole(name="customer", description="Buys", type=RoleType.USER, scope_ids=scope_ids))


@pytest.fixture
def ada(local: Acting, customer: Role) -> User:
    """
    Make a user who holds it.
    """
    user = users.create(local, NewUser(username="ada"))
    user_roles.assign(local, user.id, [customer.id])
    return user


def words_of(page: str) -> str:
    """
    Return the text of a page, without its elements.
    """
    return " ".join(re.sub(r"<[^>]+>", "", page).split())


async def follow(owner: Browser, page: str, label: str) -> str:
    """
    Open the page that a link leads to, by what it is called; return its address.
    """
    found = re.search(rf'href="([^"]+)" aria-label="{re.escape(label)} …"', (await owner.open(page)).text)
    assert found is not None
    assert (await owner.open(found[1])).status_code == 200
    return found[1]


async def test_permission_says_who_loses_it_and_who_keeps_it(
    local: Acting, owner: Browser, shopping: Shopping, reader: Role
) -> None:
    """
    Each with a link; nothing is taken before the button is pressed.
    """
    both, _ = applications.create(local, NewApplication(name="both", type=ApplicationType.MACHINE_TO_MACHINE))
    application_roles.assign(local, both.id, [shopping.role_id, reader.id])
    role = f"/console/roles/{shopping.role_id}"
    here = await follow(owner, role, f"Take away {READ} of Online Shopping")
    page = owner.shown.text
    assert f"Take {READ} from shopper?" in words_of(page)
    assert "1 application loses it with the next token request" in words_of(page)
    assert "1 application keeps it: another role of theirs gives it, too." in words_of(page)
    assert "this API's are made for 3,600 seconds" in words_of(page)
    lost, _, kept = page.partition("Applications that keep it")
    assert f'<a href="/console/applications/{shopping.application_id}">shop-bot</a>' in lost
    assert "can't obtain it now either" not in lost
    assert f'<a href="/console/applications/{both.id}">both</a>' in kept
    assert f'by <a href="/console/roles/{reader.id}">reader</a>' in kept
    assert f'<a href="{role}">Cancel</a>' in page
    assert role_scopes.listing(local, shopping.role_id, NO_SEARCH, None)[0].total == 2
    taken = await owner.send(here)
    assert (taken.status_code, taken.headers["location"]) == (303, role)
    held = role_scopes.listing(local, shopping.role_id, NO_SEARCH, None)[0]
    assert [scope.name for scope in held.records] == [WRITE]
    assert (await owner.open(here)).status_code == 404


async def test_permission_tells_apart_who_has_no_secret(local: Acting, owner: Browser, shopping: Shopping) -> None:
    """
    Who can't obtain it now loses nothing that there is.
    """
    secrets.delete(local, shopping.application_id, "Default secret")
    await follow(owner, f"/console/roles/{shopping.role_id}", f"Take away {READ} of Online Shopping")
    assert "can't obtain it now either" in owner.shown.text


async def test_permission_of_a_role_for_users_changes_no_token(
    owner: Browser, shopping: Shopping, customer: Role, ada: User
) -> None:
    """
    The page says so, and how many hold the role.
    """
    await follow(owner, f"/console/roles/{customer.id}", f"Take away {READ} of Online Shopping")
    assert "1 user holds the role" in words_of(owner.shown.text)
    assert "No token changes" in owner.shown.text


async def test_management_api_refuses_at_once(local: Acting, owner: Browser) -> None:
    """
    It does not wait for tokens to expire, and the page does not say so.
    """
    managing = NewRole(
        name="managing", description="x", type=RoleType.MACHINE_TO_MACHINE, scope_ids=["management-api-all"]
    )
    role = roles.create(local, managing)
    bot, _ = applications.create(local, NewApplication(name="bot", type=ApplicationType.MACHINE_TO_MACHINE))
    application_roles.assign(local, bot.id, [role.id])
    page = (await owner.open(f"/console/roles/{role.id}/permissions/management-api-all/remove")).text
    assert "refuses those who lose it at once" in page
    assert "until they expire" not in page
    assert (
        "this API asks anew at each call"
        in (await owner.open(f"/console/roles/{role.id}/members/{bot.id}/remove")).text
    )


@pytest.mark.parametrize("room", ["application", "members"])
async def test_role_says_what_an_application_loses_and_what_stays(
    local: Acting, owner: Browser, shopping: Shopping, reader: Role, room: str
) -> None:
    """
    From the application's page, and from the role's; each leads back to where it came from.
    """
    app_id = shopping.application_id
    application_roles.assign(local, app_id, [reader.id])
    back, label = {
        "application": (f"/console/applications/{app_id}", "Take away role shopper"),
        "members": (f"/console/roles/{shopping.role_id}/members", "Take away from shop-bot"),
    }[room]
    here = await follow(owner, back, label)
    page = owner.shown.text
    assert "Take shopper from shop-bot?" in words_of(page)
    assert re.search(
        rf"Online Shopping</a></th>\s*<td[^>]*><code>{WRITE}</code></td>\s*"
        rf'<td[^>]*><code>{READ}</code> <span[^>]*>by <a href="/console/roles/{reader.id}">reader</a></span></td>\s*'
        r"<td[^>]*>3,600 seconds</td>",
        page,
    )
    assert f'<a href="{back}">Cancel</a>' in page
    assert role_applications.listing(local, shopping.role_id, NO_SEARCH, None).total == 1
    taken = await owner.send(here)
    assert (taken.status_code, taken.headers["location"]) == (303, back)
    assert role_applications.listing(local, shopping.role_id, NO_SEARCH, None).total == 0
    assert (await owner.open(here)).status_code == 404


async def test_role_without_permissions_changes_no_token(local: Acting, owner: Browser, shopping: Shopping) -> None:
    """
    The page says so.
    """
    empty = roles.create(local, NewRole(name="empty", description="x", type=RoleType.MACHINE_TO_MACHINE))
    application_roles.assign(local, shopping.application_id, [empty.id])
    await follow(owner, f"/console/applications/{shopping.application_id}", "Take away role empty")
    assert "the role gives no permission" in owner.shown.text


async def test_role_of_what_is_no_machine_gave_it_nothing(local: Acting, owner: Browser, shopping: Shopping) -> None:
    """
    It says why, in the words of the token endpoint.
    """
    front, _ = applications.create(local, NewApplication(name="front", type=ApplicationType.SPA))
    role_applications.assign(local, shopping.role_id, [front.id])
    await follow(owner, f"/console/roles/{shopping.role_id}/members", "Take away from front")
    assert "can't be obtained now either" in owner.shown.text


@pytest.mark.parametrize("room", ["user", "members"])
async def test_role_of_a_user_goes_after_a_look(
    local: Acting, owner: Browser, customer: Role, ada: User, room: str
) -> None:
    """
    From the user's page, and from the role's.
    """
    roles.update(local, customer.id, {"is_default": True})
    back, label = {
        "user": (f"/console/users/{ada.id}", "Take away role customer"),
        "members": (f"/console/roles/{customer.id}/members", "Take away from ada"),
    }[room]
    here = await follow(owner, back, label)
    said = words_of(owner.shown.text)
    assert "Take customer from ada?" in said
    assert f"The record no longer has the role, nor by it {READ}." in said
    assert "No token changes" in said
    assert "Every new user gets this role." in said
    assert f'<a href="{back}">Cancel</a>' in owner.shown.text
    assert user_roles.listing(local, ada.id, NO_SEARCH, None).total == 1
    taken = await owner.send(here)
    assert (taken.status_code, taken.headers["location"]) == (303, back)
    assert user_roles.listing(local, ada.id, NO_SEARCH, None).total == 0
    assert (await owner.open(here)).status_code == 404


@pytest.mark.usefixtures("owner")
async def test_viewer_sees_what_would_change_and_no_button(
    app: App, local: Acting, shopping: Shopping, customer: Role, ada: User
) -> None:
    """
    Nor the way there, on the pages that have one.
    """
    viewer = await invited(app, local, OperatorRole.VIEWER)
    role, bot = f"/console/roles/{shopping.role_id}", f"/console/applications/{shopping.application_id}"
    user = f"/console/users/{ada.id}"
    for page in (role, f"{role}/members", bot, user):
        assert "Take away" not in (await viewer.open(page)).text
    for page in (
        f"{role}/permissions/{shopping.scope_ids[READ]}/remove",
        f"{role}/members/{shopping.application_id}/remove",
        f"{bot}/roles/{shopping.role_id}/remove",
        f"{user}/roles/{customer.id}/remove",
    ):
        text = (await viewer.open(page)).text
        assert "Viewers look on" in text
        assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', text) == ["/console/sign-out"]
        assert (await viewer.send(page)).status_code == 403
