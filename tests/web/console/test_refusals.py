"""
Forms that are refused: why stands at the top, and at the field that it is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import PASSWORD, Browser, refused_field
from watchword.server.domain.names import ApplicationType, OperatorRole, RoleType
from watchword.server.operations import applications, operators, resources, roles, scopes, users
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application

API = {"name": "Orders", "indicator": "https://orders.example", "access_token_ttl": "600"}
PERSON = {"name": "", "username": "", "primary_email": "", "primary_phone": "", "custom_data": ""}
SHOP = {"name": "Shop", "indicator": "https://other.example", "permissions": "read:all"}
DIFFERENT = {"password": PASSWORD, "again": "another horse battery"}


@pytest.fixture
def there(local: Acting) -> Mapping[str, str]:
    """
    Have one of each kind, and return their ids.
    """
    bot, _ = applications.create(local, NewApplication(name="Bot", type=ApplicationType.MACHINE_TO_MACHINE))
    api = resources.create(local, NewResource(name="Shop", indicator="https://shop.example"))
    scope = scopes.create(local, api.id, "read:all", None)
    reader = NewRole(name="reader", description="Reads", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[scope.id])
    role = roles.create(local, reader)
    user = users.create(local, NewUser(username="ada", primary_email="ada@example.com", primary_phone="4930901820"))
    return {"bot": bot.id, "api": api.id, "role": role.id, "user": user.id}


@pytest.mark.parametrize(
    ("at", "fields", "field"),
    [
        (("/applications/new", "/applications"), {"name": " "}, "name"),
        (("/applications/new", "/applications"), {"name": "x" * 257}, "name"),
        (("/applications/{bot}", ""), {"name": " "}, "name"),
        (("/applications/{bot}", ""), {"name": "Bot", "custom_data": "[]"}, "custom-data"),
        (("/applications/{bot}", "/applications/{bot}/secrets"), {"name": "Default secret"}, "secret-name"),
        (("/applications/{bot}", "/applications/{bot}/secrets"), {"name": "x", "days": "-1"}, "secret-days"),
        (("/applications/{bot}/delete", ""), {"name": "Robot"}, "delete-name"),
        (("/resources/new", "/resources"), {**API, "name": ""}, "name"),
        (("/resources/new", "/resources"), {**API, "indicator": "orders"}, "indicator"),
        (("/resources/new", "/resources"), {**API, "indicator": "https://shop.example"}, "indicator"),
        (("/resources/new", "/resources"), {**API, "access_token_ttl": "an hour"}, "access-token-ttl"),
        (("/resources/{api}", ""), {"name": "Shop", "access_token_ttl": "0"}, "access-token-ttl"),
        (
            ("/resources/{api}", ""), {"name": "Shop", "access_token_ttl": "60", "signing_algorithm": "none"},
            "signing-algorithm",
        ),
        (("/resources/{api}", "/resources/{api}/scopes"), {"scope_name": "read all"}, "scope-name"),
        (("/resources/{api}", "/resources/{api}/scopes"), {"scope_name": "read:all"}, "scope-name"),
        (("/resources/{api}/delete", ""), {"name": "Stop"}, "delete-name"),
        (("/roles/new", "/roles"), {"name": "reader", "description": "Reads"}, "name"),
        (("/roles/new", "/roles"), {"name": "writer", "description": ""}, "description"),
        (("/roles/{role}", ""), {"name": "", "description": "Reads"}, "name"),
        (("/roles/{role}/delete", ""), {"name": "writer"}, "delete-name"),
        (("/users/new", "/users"), {"username": "1a"}, "username"),
        (("/users/new", "/users"), {"username": "ada"}, "username"),
        (("/users/new", "/users"), {"primary_email": "ada"}, "primary-email"),
        (("/users/new", "/users"), {"primary_phone": "12"}, "primary-phone"),
        (("/users/new", "/users"), {"name": "x" * 129}, "name"),
        (("/users/{user}", ""), {**PERSON, "primary_phone": "1"}, "primary-phone"),
        (("/users/{user}/delete", ""), {"name": "Eve"}, "delete-name"),
        (("/start", "/start/resource"), {**SHOP, "name": ""}, "resource-name"),
        (("/start", "/start/resource"), {**SHOP, "indicator": "shop"}, "resource-indicator"),
        (("/start", "/start/resource"), {**SHOP, "permissions": "x" * 300}, "resource-permissions"),
        (("/start?resource={api}&role={role}", "/start/role"), {"name": "reader", "scope": "x"}, "role-name"),
        (("/start?resource={api}&role={role}", "/start/application"), {"name": " "}, "application-name"),
        (("/account", "/account/password"), {"old": "wrong", "password": PASSWORD, "again": PASSWORD}, "old"),
        (("/account", "/account/password"), {"old": PASSWORD, "password": "short", "again": "short"}, "password"),
        (("/account", "/account/password"), {"old": PASSWORD, **DIFFERENT}, "again"),
    ],
)  # fmt: skip
async def test_refusal_stands_at_its_field(
    owner: Browser, there: Mapping[str, str], at: tuple[str, str], fields: dict[str, str], field: str
) -> None:
    """
    The top leads there, and there one goes on.
    """
    page, form = (path.format(**there) for path in (at[0], at[1] or at[0]))
    await owner.open(f"/console{page}")
    answer = await owner.send(f"/console{form}", **fields)
    assert 400 <= answer.status_code < 500
    assert refused_field(answer.text) == field


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("/explain?application=nobody", "application"),
        ("/explain/scope?resource=https://no.example&scope=x", "who-resource"),
        ("/explain/scope?resource=https://shop.example&scope=x", "who-scope"),
        ("/logs?from=yesterday", "from"),
        ("/logs?to=tomorrow", "to"),
        ("/logs?from=2026-01-02&to=2026-01-01", "from"),
        ("/logs?outcome=none", "outcome"),
        ("/logs?before=never", ""),
    ],
)
@pytest.mark.usefixtures("there")
async def test_question_is_refused_at_its_field(owner: Browser, address: str, field: str) -> None:
    """
    What has no field stands at the top alone.
    """
    answer = await owner.open(f"/console{address}")
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in answer.text
    assert refused_field(answer.text) == field


async def test_api_without_permissions_is_refused_at_the_field_of_its_own_form(local: Acting, owner: Browser) -> None:
    """
    The page has another one for permissions, of an API that is new.
    """
    api = resources.create(local, NewResource(name="Bare", indicator="https://bare.example"))
    await owner.open(f"/console/start?resource={api.id}")
    answer = await owner.send("/console/start/permissions", resource=api.id, permissions="x" * 300)
    assert refused_field(answer.text) == "added-permissions"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"invitation": "nonsense"}, "invitation"),
        ({"name": " "}, "name"),
        ({"name": "Ada"}, "name"),
        ({"password": "short", "again": "short"}, "password"),
        (DIFFERENT, "again"),
    ],
)
@pytest.mark.usefixtures("owner")
async def test_refusal_at_the_door_stands_at_its_field(
    app: Application, local: Acting, fields: dict[str, str], field: str
) -> None:
    """
    What the field says of itself otherwise is said, too.
    """
    link = operators.invite(local, OperatorRole.EDITOR)
    browser = Browser(app)
    await browser.open("/console/join")
    good = {"invitation": link, "name": "Eve", "password": PASSWORD, "again": PASSWORD}
    answer = await browser.send("/console/join", **{**good, **fields})
    assert refused_field(answer.text) == field
    own = ' aria-describedby="invitation-refused invitation-note" autofocus' if field == "invitation" else field
    assert own in answer.text


async def test_refusal_of_names_and_passwords_tells_no_field(app: Application, owner: Browser) -> None:
    """
    Nobody learns which of the two was wrong.
    """
    answer = await Browser(app).sign_in("Ada", "wrong")
    assert (answer.status_code, refused_field(answer.text)) == (401, "")
    assert refused_field(owner.shown.text) == ""
