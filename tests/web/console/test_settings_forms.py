"""
Forms that change what is there, while others change it, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.operations import applications, resources, roles, scopes, users
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser
from watchword.server.web.console.forms import json_text

if TYPE_CHECKING:
    from tests.support.browser import Browser
    from watchword.server.domain.records import User
    from watchword.server.operations.operation import Acting


@pytest.fixture
def ada(local: Acting) -> User:
    """
    A user with custom data.
    """
    return users.create(local, NewUser(username="ada", custom_data={"plan": "silver"}))


async def test_what_nobody_typed_is_not_written_back(local: Acting, owner: Browser, ada: User) -> None:
    """
    A service changes custom data while the page is open; the operator changes the name, and sends both.
    """
    path = f"/console/users/{ada.id}"
    await owner.open(path)
    users.update(local, ada.id, {"custom_data": {"plan": "gold"}})
    sent = {"name": "Ada", "username": "ada", "custom_data": '{\r\n  "plan": "silver"\r\n}'}
    assert (await owner.send(path, **sent)).status_code == 303
    kept = users.read(local, ada.id)
    assert (kept.name, kept.custom_data) == ("Ada", {"plan": "gold"})


async def test_field_that_changed_elsewhere_is_shown_before_it_is_replaced(
    local: Acting, owner: Browser, ada: User
) -> None:
    """
    What is there, and what was typed; sent once more, the latter counts.
    """
    path = f"/console/users/{ada.id}"
    await owner.open(path)
    users.update(local, ada.id, {"custom_data": {"plan": "gold"}})
    sent = {"name": "Ada", "username": "ada", "custom_data": '{"plan": "lead"}'}
    refused = await owner.send(path, **sent)
    assert (refused.status_code, "Nothing was saved" in refused.text) == (409, True)
    assert "<dt>Custom data</dt><dd><code>{\n  &#34;plan&#34;: &#34;gold&#34;\n}</code></dd>" in refused.text
    assert "{&#34;plan&#34;: &#34;lead&#34;}</textarea>" in refused.text
    assert 'name="name" value="Ada"' in refused.text
    assert users.read(local, ada.id).name is None
    assert (await owner.send(path, **sent)).status_code == 303
    assert users.read(local, ada.id).custom_data == {"plan": "lead"}


async def test_user_with_much_custom_data_is_renamed(local: Acting, owner: Browser, ada: User) -> None:
    """
    A form may be as large as what the Management API takes; what is larger is refused on a page of the console.
    """
    path = f"/console/users/{ada.id}"
    much = {"custom_data": {"notes": ["Prefers tea"] * 6_000}}
    users.update(local, ada.id, much)
    await owner.open(path)
    text = json_text(much["custom_data"])
    assert (await owner.send(path, name="Ada", username="ada", custom_data=text)).status_code == 303
    kept = users.read(local, ada.id)
    assert (kept.name, kept.custom_data) == ("Ada", much["custom_data"])
    await owner.open(path)
    refused = await owner.send(path, name="Ada", custom_data="x" * 1024 * 1024)
    assert (refused.status_code, refused.headers["connection"]) == (413, "close")
    assert "The request body is too large." in refused.text
    assert "Sign out" in refused.text


async def test_both_may_have_changed_it_to_the_same(local: Acting, owner: Browser, ada: User) -> None:
    """
    Then there is nothing to tell, and nothing to save.
    """
    path = f"/console/users/{ada.id}"
    await owner.open(path)
    users.update(local, ada.id, {"name": "Ada"})
    before = users.read(local, ada.id)
    sent = {"name": "Ada", "username": "ada", "custom_data": '{"plan": "gold"}'}
    assert (await owner.send(path, **sent)).status_code == 303
    assert users.read(local, ada.id).custom_data == {"plan": "gold"}
    await owner.open(path)
    assert (await owner.send(path, **sent, primary_email="")).status_code == 303
    assert users.read(local, ada.id).name == before.name


async def test_every_room_keeps_what_others_have_changed(local: Acting, owner: Browser) -> None:
    """
    A lifetime that was lowered is not raised by renaming.
    """
    machine = NewApplication(name="Bot", type=ApplicationType.MACHINE_TO_MACHINE)
    application, _ = applications.create(local, machine)
    path = f"/console/applications/{application.id}"
    await owner.open(path)
    applications.update(local, application.id, {"description": "Sorts mail"})
    assert (await owner.send(path, name="Robot", description="", custom_data="")).status_code == 303
    found = applications.read(local, application.id).application
    assert (found.name, found.description) == ("Robot", "Sorts mail")

    api = resources.create(local, NewResource(name="Shop", indicator="https://shop.example"))
    path = f"/console/resources/{api.id}"
    await owner.open(path)
    resources.update(local, api.id, {"access_token_ttl": 60})
    renamed = {"name": "Shops", "access_token_ttl": str(api.access_token_ttl), "signing_algorithm": ""}
    assert (await owner.send(path, **renamed)).status_code == 303
    kept = resources.read(local, api.id)
    assert (kept.name, kept.access_token_ttl) == ("Shops", 60)

    scope = scopes.create(local, api.id, "read:all", "Reads")
    path += f"/scopes/{scope.id}"
    await owner.open(path)
    scopes.update(local, api.id, scope.id, {"description": "Reads all"})
    assert (await owner.send(path, description="Looks")).status_code == 409
    assert (await owner.send(path, description="Looks")).status_code == 303
    assert scopes.read(local, api.id, scope.id).description == "Looks"

    role = roles.create(local, NewRole(name="customer", description="Buys", type=RoleType.USER))
    path = f"/console/roles/{role.id}"
    await owner.open(path)
    roles.update(local, role.id, {"is_default": True})
    assert (await owner.send(path, name="buyer", description="Buys")).status_code == 303
    assert roles.read(local, role.id).is_default
