"""
The room of the roles: permissions, members, and what would be lost.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Browser, invited
from watchword.server.domain.names import ApplicationType, OperatorRole, RoleType
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import (
    application_roles,
    applications,
    resources,
    role_applications,
    role_scopes,
    roles,
    scopes,
    user_roles,
    users,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser
from watchword.server.storage.roles import RoleFilter

if TYPE_CHECKING:
    from watchword.server.context import Context
    from watchword.server.domain.records import Application, Role, Scope
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application as App

BUILT_IN = "Logto Management API access"


@pytest.fixture
def offered(local: Acting) -> dict[str, Scope]:
    """
    Make an API with two permissions, by name.
    """
    orders = resources.create(local, NewResource(name="Orders", indicator="https://api.example.com/orders"))
    return {name: scopes.create(local, orders.id, name, None) for name in ("read:orders", "write:orders")}


@pytest.fixture
def reader(local: Acting, offered: dict[str, Scope]) -> Role:
    """
    Make a role that gives one of them.
    """
    scope_ids = [offered["read:orders"].id]
    new = NewRole(name="reader", description="Reads", type=RoleType.MACHINE_TO_MACHINE, scope_ids=scope_ids)
    return roles.create(local, new)


@pytest.fixture
def report(local: Acting) -> Application:
    """
    Make an application.
    """
    new = NewApplication(name="report", type=ApplicationType.MACHINE_TO_MACHINE)
    return applications.create(local, new)[0]


def given(local: Acting, role_id: str) -> list[str]:
    """
    Return the names of a role's permissions.
    """
    return [scope.name for scope in role_scopes.listing(local, role_id, NO_SEARCH, None)[0].records]


async def test_role_is_created_with_what_was_ticked(local: Acting, owner: Browser, offered: dict[str, Scope]) -> None:
    """
    A name that is taken keeps the ticks.
    """
    page = (await owner.open("/console/roles/new")).text
    assert re.search(r"<legend><bdi>Orders</bdi> <span[^>]*>https://api.example.com/orders</span>", page)
    ticked = [scope.id for scope in offered.values()]
    fields = {"description": "Does all", "type": "MachineToMachine", "scope": ticked}
    refused = await owner.send("/console/roles", name=BUILT_IN, **fields)  # type: ignore[arg-type]  # a list is many
    assert (refused.status_code, "already in use" in refused.text) == (422, True)
    assert refused.text.count(" checked") == 3  # with the type
    made = await owner.send("/console/roles", name="all", **fields)  # type: ignore[arg-type]  # as above
    assert made.status_code == 303
    role_id = made.headers["location"].split("/")[3]
    assert sorted(given(local, role_id)) == ["read:orders", "write:orders"]
    assert roles.read(local, role_id).type is RoleType.MACHINE_TO_MACHINE


async def test_search_for_permissions_keeps_the_form(local: Acting, owner: Browser, offered: dict[str, Scope]) -> None:
    """
    It makes nothing; what was ticked before stays so, wherever it stands now.
    """
    await owner.open("/console/roles/new")
    fields = {"name": "all", "description": "Does all", "type": "User"}
    ticked = offered["read:orders"].id
    found = (await owner.send("/console/roles/new", **fields, words="WRITE:", scope=ticked)).text
    assert f'value="{ticked}" checked' in found
    assert f'value="{offered["write:orders"].id}">' in found
    assert 'value="all"' in found
    assert 'value="User" checked' in found
    assert "management-api-all" not in found  # is not for users
    by_api = (await owner.send("/console/roles/new", **fields, words="com/ord")).text
    assert by_api.count('name="scope"') == 2
    assert "is called “<bdi>100%</bdi>”" in (await owner.send("/console/roles/new", **fields, words="100%")).text
    assert [one.name for one in roles.choices(local, RoleFilter(), NO_SEARCH, 9).records] == [BUILT_IN]


async def test_list_is_searched_filtered_and_marked(local: Acting, owner: Browser, reader: Role) -> None:
    """
    By type; the search keeps it. Where there is none of a type, the page says what that is for.
    """
    assert "no token carries them" in (await owner.open("/console/roles?type=User")).text
    roles.create(local, NewRole(name="customer", description="Buys", type=RoleType.USER, is_default=True))
    page = (await owner.open("/console/roles")).text
    assert page.count('<span class="mark">built in</span>') == page.count('<span class="mark">default</span>') == 1
    people = (await owner.open("/console/roles?type=User")).text
    assert ("customer" in people, reader.name in people) == (True, False)
    assert '<input type="hidden" name="type" value="User">' in people
    assert "Nothing is called" in (await owner.open("/console/roles?type=User&search=reader")).text
    assert "customer" in (await owner.open("/console/roles?type=nonsense")).text


async def test_role_is_changed(local: Acting, owner: Browser, reader: Role) -> None:
    """
    Only a role for users is given to new ones.
    """
    path = f"/console/roles/{reader.id}"
    await owner.open(path)
    assert (await owner.send(path, name="readers", description="All read", is_default="yes")).status_code == 303
    kept = roles.read(local, reader.id)
    assert (kept.name, kept.description, kept.is_default) == ("readers", "All read", False)
    await owner.open(path)
    refused = await owner.send(path, name="readers", description="x" * 129)
    assert (refused.status_code, "description is too long" in refused.text) == (422, True)
    assert "x" * 129 in refused.text
    customer = roles.create(local, NewRole(name="customer", description="Buys", type=RoleType.USER))
    await owner.open(f"/console/roles/{customer.id}")
    await owner.send(f"/console/roles/{customer.id}", name="customer", description="Buys", is_default="yes")
    assert roles.read(local, customer.id).is_default
    await owner.open(f"/console/roles/{customer.id}")
    await owner.send(f"/console/roles/{customer.id}", name="customer", description="Buys")
    assert not roles.read(local, customer.id).is_default


async def test_permissions_come_and_go(local: Acting, owner: Browser, reader: Role, offered: dict[str, Scope]) -> None:
    """
    What the role has is not offered again; taking away says what that means.
    """
    path = f"/console/roles/{reader.id}"
    page = (await owner.open(f"{path}/permissions")).text
    assert offered["read:orders"].id not in page
    assert "Tick at least one" in (await owner.send(f"{path}/permissions")).text
    looked = await owner.send(f"{path}/permissions/look", words="nothing", scope=offered["write:orders"].id)
    assert "Ticked before" in looked.text
    assert given(local, reader.id) == ["read:orders"]
    added = await owner.send(f"{path}/permissions", scope=offered["write:orders"].id)
    assert added.status_code == 303
    page = (await owner.open(path)).text
    assert f'href="{path}/permissions/{offered["write:orders"].id}/remove"' in page
    assert "Take away write:orders of Orders" in page
    assert "Tokens that are out carry it until they expire." in page
    removed = await owner.send(f"{path}/permissions/{offered['read:orders'].id}/remove")
    assert removed.status_code == 303
    assert given(local, reader.id) == ["write:orders"]
    assert "The role no longer gives it" in (await owner.open(path)).text


async def test_applications_come_and_go(local: Acting, owner: Browser, reader: Role, report: Application) -> None:
    """
    Those who could hold it are found by search.
    """
    path = f"/console/roles/{reader.id}/members"
    assert "Nobody holds it yet." in (await owner.open(path)).text
    page = (await owner.open(f"{path}/add?search=REP")).text
    assert "Give role to report" in page
    assert (await owner.send(path, member=report.id)).status_code == 303
    assert "Take away from report" in (await owner.open(path)).text
    assert "Nothing without the role" in (await owner.open(f"{path}/add?search=report")).text
    assert (await owner.send(path, member=report.id)).status_code == 422
    assert (await owner.send(path, member="nobody")).status_code == 404
    await owner.open(path)
    assert (await owner.send(f"{path}/{report.id}/remove")).status_code == 303
    assert role_applications.listing(local, reader.id, NO_SEARCH, None).total == 0


@pytest.mark.parametrize("search", ["", "?search=front"])
async def test_holder_of_another_type_is_listed_too(local: Acting, owner: Browser, reader: Role, search: str) -> None:
    """
    The Management API lets any application have a role, lists the machines alone, and counts all: here each is seen.
    """
    single_page = applications.create(local, NewApplication(name="front", type=ApplicationType.SPA))[0]
    role_applications.assign(local, reader.id, [single_page.id])
    path = f"/console/roles/{reader.id}/members"
    page = (await owner.open(f"{path}{search}")).text
    assert "1 member" in page
    assert "no machine-to-machine application: gets no token with it" in page
    assert (await owner.send(f"{path}/{single_page.id}/remove")).status_code == 303
    assert "Nobody holds it yet." in (await owner.open(path)).text


async def test_users_come_and_go(local: Acting, owner: Browser, reader: Role) -> None:
    """
    Of a role for users; one for machines is refused them.
    """
    ada = users.create(local, NewUser(username="ada"))
    customer = roles.create(local, NewRole(name="customer", description="Buys", type=RoleType.USER))
    path = f"/console/roles/{customer.id}/members"
    assert "Give role to ada" in (await owner.open(f"{path}/add?search=ada")).text
    assert (await owner.send(path, member=ada.id)).status_code == 303
    assert "Take away from ada" in (await owner.open(f"{path}?search=ad")).text
    assert "There are no users without it." in (await owner.open(f"{path}/add")).text
    assert (await owner.send(f"{path}/{ada.id}/remove")).status_code == 303
    assert user_roles.listing(local, ada.id, NO_SEARCH, None).total == 0
    assert (await owner.send(f"/console/roles/{reader.id}/members", member=ada.id)).status_code == 404


async def test_what_would_be_lost_is_shown_before_a_role_goes(
    local: Acting, owner: Browser, reader: Role, report: Application, offered: dict[str, Scope]
) -> None:
    """
    What other roles give as well is not lost.
    """
    path = f"/console/roles/{reader.id}"
    assert "Nothing: no application holds it." in (await owner.open(f"{path}/without")).text
    application_roles.assign(local, report.id, [reader.id])
    for page in ("without", "delete"):
        text = (await owner.open(f"{path}/{page}")).text
        lost = r"report</a></th>\s*<td><code>read:orders</code> <span[^>]*>of https://api.example.com/orders"
        assert re.search(lost, text)
    other = NewRole(
        name="other", description="x", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[offered["read:orders"].id]
    )
    application_roles.assign(local, report.id, [roles.create(local, other).id])
    assert "other roles give it the same" in (await owner.open(f"{path}/without")).text
    await owner.open(f"{path}/delete")
    assert (await owner.send(f"{path}/delete", name="other")).status_code == 422
    assert (await owner.send(f"{path}/delete", name="reader")).status_code == 303
    assert (await owner.open(path)).status_code == 404


async def test_role_that_came_with_the_tenant_stays(local: Acting, owner: Browser) -> None:
    """
    With its permission: neither is offered to be taken, and the operation refuses.
    """
    role = roles.choices(local, RoleFilter(), NO_SEARCH, 1).records[0]
    path = f"/console/roles/{role.id}"
    page = (await owner.open(path)).text
    assert "it keeps the server manageable" in page
    assert "Take away" not in page
    assert "Delete role" not in page
    assert "can't be deleted" in (await owner.open(f"{path}/delete")).text
    preview = (await owner.open(f"{path}/permissions/management-api-all/remove")).text
    assert ("it can't lose this permission" in preview, "Take permission away" in preview) == (True, False)
    await owner.open(path)
    assert (await owner.send(f"{path}/permissions/management-api-all/remove")).status_code == 403
    assert (await owner.send(f"{path}/delete", name=role.name)).status_code == 403


async def test_viewer_sees_no_forms(app: App, local: Acting, owner: Browser, reader: Role, report: Application) -> None:
    """
    On no page of the room, but that of signing out.
    """
    application_roles.assign(local, report.id, [reader.id])
    viewer = await invited(app, local, OperatorRole.VIEWER)
    for page in ("", "/new", *(f"/{reader.id}{view}" for view in _VIEWS)):
        text = (await viewer.open(f"/console/roles{page}")).text
        assert viewer.shown.status_code == 200
        assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', text) == ["/console/sign-out"]


_VIEWS = ("", "/permissions", "/members", "/members/add", "/without", "/delete")


async def test_ten_thousand_roles_and_members_are_pages(
    ctx: Context, local: Acting, owner: Browser, reader: Role
) -> None:
    """
    Each page holds twenty.
    """
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
    now = "(SELECT created_at FROM roles LIMIT 1)"
    with ctx.database.write() as connection:
        connection.exec_driver_sql(
            f"{numbers} INSERT INTO roles (tenant_id, id, name, description, type, is_default, built_in, created_at) "
            f"SELECT 'default', 'r' || i, 'role ' || i, 'x', 'MachineToMachine', 0, 0, {now} FROM n"
        )
        connection.exec_driver_sql(
            f"{numbers} INSERT INTO applications (tenant_id, id, name, type, oidc_client_metadata, "
            "custom_client_metadata, custom_data, is_third_party, app_level_access_control_enabled, created_at) "
            f"SELECT 'default', 'a' || i, 'app ' || i, 'MachineToMachine', '{{}}', '{{}}', '{{}}', 0, 0, {now} FROM n"
        )
        connection.exec_driver_sql(
            f"{numbers} INSERT INTO application_roles (tenant_id, application_id, role_id, created_at) "
            f"SELECT 'default', 'a' || i, '{reader.id}', {now} FROM n"
        )
    for path, text in (
        ("/console/roles?page=250", "10,002 roles"),
        (f"/console/roles/{reader.id}/members?page=500", "10,000 members"),
        (f"/console/roles/{reader.id}/without?page=499", "10,000 applications hold"),
        (f"/console/roles/{reader.id}/delete", "10,000 members lose"),
    ):
        page = (await owner.open(path)).text
        assert text in page
        assert page.count('<th scope="row">') == 20
        assert len(page) < 100_000
    scope_id = role_scopes.listing(local, reader.id, NO_SEARCH, None)[0].records[0].id
    page = (await owner.open(f"/console/roles/{reader.id}/permissions/{scope_id}/remove")).text
    assert "10,000 applications lose it" in page
    assert "And 9,980 more <a" in page
    assert page.count('<a href="/console/applications/') == 20


async def test_picker_is_bound(local: Acting, owner: Browser, offered: dict[str, Scope]) -> None:
    """
    However many permissions there are: a search finds the others.
    """
    resource_id = offered["read:orders"].resource_id
    for number in range(60):
        scopes.create(local, resource_id, f"more:{number}", None)
    page = (await owner.open("/console/roles/new")).text
    assert page.count('type="checkbox"') == 50
    assert "There are more permissions than are shown" in page
    assert 'formaction="/console/roles/new" formnovalidate' in page  # a search needs no name
    found = (await owner.send("/console/roles/new", words="more:59")).text
    assert found.count('type="checkbox"') == 1


async def test_what_somebody_else_has_deleted_is_told_in_words(local: Acting, owner: Browser) -> None:
    """
    Not in those of the API, which are for programs.
    """
    page = await owner.open("/console/applications/nobody")
    assert (page.status_code, "It is not there" in page.text, "`" in page.text) == (404, True, False)
    bot, _ = applications.create(local, NewApplication(name="bot", type=ApplicationType.MACHINE_TO_MACHINE))
    role = roles.create(local, NewRole(name="reader", description="x", type=RoleType.MACHINE_TO_MACHINE))
    application_roles.assign(local, bot.id, [role.id])
    own = f"/console/applications/{bot.id}"
    await owner.open(own)
    assert (await owner.send(f"{own}/roles/{role.id}/remove")).status_code == 303
    answer = await owner.send(f"{own}/roles/{role.id}/remove")
    assert answer.status_code == 404
    assert "Perhaps somebody has deleted it, or taken it away" in answer.text
