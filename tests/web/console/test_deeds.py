"""
What the page that asks for the password says of the form that waits for it.
"""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import PASSWORD, PAYLOAD, Browser
from watchword.server.domain.explanation import Question
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.operations import (
    applications,
    explaining,
    operators,
    resources,
    roles,
    scopes,
    signing_keys,
    user_roles,
    users,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser
from watchword.server.web.console.guard import Guard
from watchword.server.web.console.rooms import all_routes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.clock import MovedClock
    from watchword.server.operations.operation import Acting

# By form: what it is sent with, and what is said of it.
DEEDS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "/start/application": (
        {"role": "{role}", "name": "Robot"}, "Create the application “Robot” with the role “reader”",
    ),
    "/start/assign": ({"role": "{role}", "application": "{bot}"}, "Give role “reader” to the application “Bot”"),
    "/applications": ({"name": "Robot", "role": "{role}"}, "Create the application “Robot” with “reader”"),
    "/applications/{bot}/roles": ({"role": "{role}"}, "Give role “reader” to the application “Bot”"),
    "/applications/{bot}/roles/{role}/remove": ({}, "Take away role “reader” from the application “Bot”"),
    "/applications/{bot}/delete": ({"name": "Bot"}, "Delete the application “Bot”"),
    "/applications/{bot}/secrets": ({"name": "next"}, "Add the secret “next” to the application “Bot”"),
    "/applications/{bot}/secrets/delete": ({"name": "old"}, "Delete the secret “old” of the application “Bot”"),
    "/resources/{api}/delete": ({"name": "Shop"}, "Delete the API resource “Shop”"),
    "/resources/{api}/default": ({"default": "yes"}, "Make the API resource “Shop” the default"),
    "/resources/{api}/scopes/{scope}/delete": ({}, "Delete the permission “read:all” of “Shop”"),
    "/roles/{role}/delete": ({"name": "reader"}, "Delete the role “reader”"),
    "/roles/{role}/permissions": (
        {"scope": "{scope}"}, "Add permissions to the role “reader”: “read:all” of “Shop”",
    ),
    "/roles/{role}/permissions/{scope}/remove": ({}, "Take away “read:all” of “Shop” from the role “reader”"),
    "/roles/{role}/members": ({"member": "{bot}"}, "Give role “reader” to “Bot”"),
    "/roles/{role}/members/{bot}/remove": ({}, "Take away role “reader” from “Bot”"),
    "/users/{user}/roles": ({"role": "{staff}"}, "Give role “staff” to the user “Grace”"),
    "/users/{user}/roles/{staff}/remove": ({}, "Take away role “staff” from the user “Grace”"),
    "/users/{user}/delete": ({"name": "Grace"}, "Delete the user “Grace”"),
    "/explain/remedies": (
        {"application": "{bot}", "resource": "https://shop.example", "scope": "read:all", "remedy": "{remedy}"},
        "Give “Bot” the role “reader”.",
    ),
    "/explain/secrets": ({"application": "{bot}", "remedy": "gone"}, ""),
    "/keys/rotate": ({"algorithm": "ES256", "when": "now"}, "Rotate ES256 now"),
    "/keys/{key}/revoke": ({}, "Revoke the ES256 key “{key}”"),
    "/operators": ({"role": "editor"}, "Invite somebody as editor"),
    "/operators/{ada}/role": ({"role": "viewer"}, "Change the role of “Ada” to viewer"),
    "/operators/{ada}/remove": ({}, "Remove the operator “Ada”"),
}  # fmt: skip


@pytest.fixture
def there(local: Acting, owner: Browser) -> Mapping[str, str]:
    """
    Have one of each kind, and return their ids.
    """
    del owner  # is there first
    bot, _ = applications.create(local, NewApplication(name="Bot", type=ApplicationType.MACHINE_TO_MACHINE))
    api = resources.create(local, NewResource(name="Shop", indicator="https://shop.example"))
    scope = scopes.create(local, api.id, "read:all", None)
    reader = NewRole(name="reader", description="Reads", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[scope.id])
    role = roles.create(local, reader)
    staff = roles.create(local, NewRole(name="staff", description="People", type=RoleType.USER))
    user = users.create(local, NewUser(name="Grace"))
    user_roles.assign(local, user.id, [staff.id])
    question = Question(application_id=bot.id, resource="https://shop.example", scopes=("read:all",))
    return {
        "bot": bot.id,
        "api": api.id,
        "scope": scope.id,
        "role": role.id,
        "staff": staff.id,
        "user": user.id,
        "remedy": explaining.explain(local, question).remedies[0].mark,
        "key": signing_keys.listing(local)[0].id,
        "ada": operators.listing(local)[0].id,
    }


def deed_in(page: str) -> str:
    """
    Return what a page says of the form that waits.
    """
    assert "Your password, once more" in page
    found = re.search(r'<p id="deed"><strong>(.*?)</strong></p>', page)
    assert bool(found) == (re.search(r'aria-describedby="[^"]*\bdeed"', page) is not None)
    return unescape(found[1]) if found else ""


async def test_page_says_what_the_password_is_for(owner: Browser, there: Mapping[str, str], clock: MovedClock) -> None:
    """
    What is done, and to what, by the names of now.
    """
    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    for form, (fields, words) in DEEDS.items():
        asked = await owner.send(
            f"/console{form.format(**there)}", **{name: value.format(**there) for name, value in fields.items()}
        )
        assert deed_in(asked.text) == words.format(**there), form


def test_every_grave_form_is_looked_at() -> None:
    """
    A form that is not in the table is one whose words nobody has read.
    """
    grave = [route.pattern for route in all_routes(Guard()) if route.grave is not None]
    forms = [re.sub(r"{\w+}", "some", form) for form in DEEDS]
    assert [pattern.pattern for pattern in grave if not any(map(pattern.fullmatch, forms))] == []


async def test_words_stay_when_the_password_is_wrong(
    owner: Browser, there: Mapping[str, str], clock: MovedClock
) -> None:
    """
    And names are shown as text.
    """
    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    refused = await owner.send("/console/applications", confirming_password="wrong", name=PAYLOAD)
    assert deed_in(refused.text) == f"Create the application “{PAYLOAD}”"
    assert PAYLOAD not in refused.text
    gone = await owner.send(f"/console/applications/{there['bot']}/roles", role="gone")
    assert deed_in(gone.text) == ""


async def test_default_goes_in_place_of_another(
    local: Acting, owner: Browser, there: Mapping[str, str], clock: MovedClock
) -> None:
    """
    Which is named; or for none, and that is another deed.
    """
    other = resources.create(local, NewResource(name="Orders", indicator="https://orders.example"))
    resources.set_default(local, other.id, is_default=True)
    await owner.open("/console/applications/new")
    clock.move(minutes=10)
    asked = await owner.send(f"/console/resources/{there['api']}/default", default="yes")
    assert deed_in(asked.text) == "Make the API resource “Shop” the default, in place of “Orders”"
    asked = await owner.send(f"/console/resources/{other.id}/default", default="no")
    assert deed_in(asked.text) == "Make the API resource “Orders” no longer the default"
    assert resources.default(local) == resources.read(local, other.id)
    done = await owner.send(f"/console/resources/{other.id}/default", confirming_password=PASSWORD)
    assert (done.status_code, resources.default(local)) == (303, None)


async def test_many_names_are_counted(local: Acting, owner: Browser, clock: MovedClock) -> None:
    """
    The first are named.
    """
    api = resources.create(local, NewResource(name="Shop", indicator="https://shop.example"))
    ids = [scopes.create(local, api.id, f"do:{number}", None).id for number in range(5)]
    role = roles.create(local, NewRole(name="reader", description="Reads", type=RoleType.MACHINE_TO_MACHINE))
    await owner.open("/console/roles/new")
    clock.move(minutes=10)
    asked = await owner.send(f"/console/roles/{role.id}/permissions", scope=ids)  # type: ignore[arg-type]
    assert deed_in(asked.text).endswith(": “do:0” of “Shop”, “do:1” of “Shop”, “do:2” of “Shop” and 2 more")
