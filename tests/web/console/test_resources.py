"""
The room of the API resources, and their permissions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Browser, invited
from watchword.protocol.names import Algorithm
from watchword.server.domain.names import ApplicationType, OperatorRole, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.operations import (
    application_roles,
    applications,
    resources,
    role_scopes,
    roles,
    scopes,
    secrets,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.operator_tries import TooManyTries
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.web.console.forms import mark

if TYPE_CHECKING:
    from watchword.server.context import Context
    from watchword.server.domain.records import Application, Resource, Role, Scope
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application as App

INDICATOR = "https://api.example.com/orders"
BUILT_IN = "/console/resources/management-api"


@pytest.fixture
def orders(local: Acting) -> Resource:
    """
    Make an API.
    """
    return resources.create(local, NewResource(name="Orders", indicator=INDICATOR))


@pytest.fixture
def read(local: Acting, orders: Resource) -> Scope:
    """
    Let it offer a permission.
    """
    return scopes.create(local, orders.id, "read:orders", "Read orders")


@pytest.fixture
def reader(local: Acting, read: Scope) -> tuple[Role, Application]:
    """
    Make a role that gives the permission, and an application that holds it.
    """
    new = NewRole(name="reader", description="Reads", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[read.id])
    role = roles.create(local, new)
    machine = NewApplication(name="report", type=ApplicationType.MACHINE_TO_MACHINE)
    application, _ = applications.create(local, machine)
    application_roles.assign(local, application.id, [role.id])
    return role, application


def loses(page: str) -> dict[str, str]:
    """
    Return what a page says that each application loses, by the link to it.
    """
    found = re.findall(
        r'<li><span>(<a href="/console/applications/.*?</a>)</span> <span class="quiet">(.*?)</span>', page
    )
    return dict(found)


async def test_api_resource_is_created_and_changed(local: Acting, owner: Browser) -> None:
    """
    Its page shows the API identifier to be copied; what is saved there is what the operation saves.
    """
    await owner.open("/console/resources/new")
    made = await owner.send("/console/resources", name="Orders", indicator=INDICATOR, access_token_ttl="600")
    path = made.headers["location"]
    page = (await owner.open(path)).text
    assert f'<code id="api-identifier">{INDICATOR}</code>' in page
    assert "600 seconds" in page
    assert (
        await owner.send(path, name="All orders", access_token_ttl="900", signing_algorithm="RS256")
    ).status_code == 303
    kept = resources.read(local, path.rpartition("/")[2])
    assert (kept.name, kept.access_token_ttl, kept.signing_algorithm) == ("All orders", 900, Algorithm.RS256)
    await owner.open(path)
    assert (await owner.send(path, name="All orders", access_token_ttl="900", signing_algorithm="")).status_code == 303
    assert resources.read(local, kept.id).signing_algorithm is None
    found = (await owner.open("/console/resources?search=ALL+ord")).text
    assert "All orders" in found
    assert "Logto Management API" not in found


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": " "}, "The name is missing."),
        ({"indicator": "orders"}, "must be an absolute URI"),
        ({"indicator": "https://api.example.com/#x"}, "must be an absolute URI"),
        ({"indicator": "https://api.example.com/" + "x" * 2000}, "too long"),
        ({"indicator": "https://default.logto.app/api"}, "already in use"),
        ({"access_token_ttl": "an hour"}, "must be a whole number"),
        ({"access_token_ttl": "0"}, "1 to 31536000 seconds"),
        ({"access_token_ttl": "9" * 30}, "must be a whole number"),
    ],
)
async def test_refusal_keeps_what_was_typed(owner: Browser, fields: dict[str, str], text: str) -> None:
    """
    The operation's words stand on the form.
    """
    await owner.open("/console/resources/new")
    typed = {"name": "Orders & more", "indicator": INDICATOR, "access_token_ttl": "600", **fields}
    shown = await owner.send("/console/resources", **typed)
    assert shown.status_code == 422
    assert text in shown.text
    kept = [name for name in typed if name not in fields]
    values = re.findall(r'name="(\w+)" value="([^"]*)"', shown.text)
    assert {(name, typed[name].replace("&", "&amp;")) for name in kept} <= set(values)


async def test_one_second_is_no_seconds(local: Acting, owner: Browser, orders: Resource) -> None:
    """
    Nor for whoever has to wait one.
    """
    resources.update(local, orders.id, {"access_token_ttl": 1})
    assert "<dd>1 second</dd>" in (await owner.open(f"/console/resources/{orders.id}")).text
    assert TooManyTries(1).message.endswith("in 1 second.")
    assert TooManyTries(2).message.endswith("in 2 seconds.")


async def test_what_can_not_be_changed_is_not_offered(local: Acting, owner: Browser) -> None:
    """
    Of the Management API; and the operation refuses it all the same.
    """
    page = (await owner.open(BUILT_IN)).text
    assert "built in" in page
    assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page) == ["/console/sign-out"]
    assert "Delete API resource" not in page
    scope = (await owner.open(f"{BUILT_IN}/scopes/management-api-all")).text
    assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', scope) == ["/console/sign-out"]
    for path in (f"{BUILT_IN}/delete", f"{BUILT_IN}/scopes/management-api-all/delete"):
        assert "be deleted" in (await owner.open(path)).text
        assert "Type" not in owner.shown.text
    sent = await owner.send(f"{BUILT_IN}/delete", name="Logto Management API")
    assert sent.status_code == 400
    refused = await owner.send(BUILT_IN, name="Mine", was_name=mark("Logto Management API"))
    assert (refused.status_code, "Cannot modify" in refused.text) == (400, True)
    assert resources.read(local, "management-api").name == "Logto Management API"


async def test_permission_is_added_described_and_deleted(
    local: Acting, owner: Browser, orders: Resource, reader: tuple[Role, Application], read: Scope
) -> None:
    """
    Its deletion names the roles and applications that lose it.
    """
    path = f"/console/resources/{orders.id}"
    await owner.open(path)
    made = await owner.send(f"{path}/scopes", scope_name="write:orders", scope_description="Change them")
    assert made.headers["location"] == path
    assert "Change them" in (await owner.open(made.headers["location"])).text
    for name, text in (("write:orders", "already in use"), ("two words", "cannot contain any spaces")):
        refused = await owner.send(f"{path}/scopes", scope_name=name, scope_description="Kept")
        assert refused.status_code in {400, 422}
        assert text in refused.text
        assert f'value="{name}"' in refused.text
        assert 'value="Kept"' in refused.text
    one = f"{path}/scopes/{read.id}"
    await owner.open(one)
    assert (await owner.send(one, description="Read all orders")).status_code == 303
    assert scopes.read(local, orders.id, read.id).description == "Read all orders"
    role, application = reader
    preview = (await owner.open(f"{one}/delete")).text
    assert "1 role loses it" in preview
    assert f"/console/roles/{role.id}" in preview
    assert "1 application loses it" in preview
    assert f"/console/applications/{application.id}" in preview
    assert (await owner.send(f"{one}/delete")).status_code == 303
    with pytest.raises(Problem):
        scopes.read(local, orders.id, read.id)
    assert (await owner.open(one)).status_code == 404


async def test_page_of_a_permission_tells_who_can_obtain_it(
    local: Acting, owner: Browser, orders: Resource, reader: tuple[Role, Application], read: Scope
) -> None:
    """
    With the roles that give it; or why a request would be refused all the same.
    """
    role, application = reader
    other, _ = applications.create(local, NewApplication(name="old", type=ApplicationType.MACHINE_TO_MACHINE))
    application_roles.assign(local, other.id, [role.id])
    with local.ctx.database.write() as connection:  # no operation leaves such a one behind
        connection.exec_driver_sql("UPDATE applications SET type = 'Traditional' WHERE name = 'old'")
    page = (await owner.open(f"/console/resources/{orders.id}/scopes/{read.id}")).text
    rows = re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", page, re.DOTALL)
    assert len(rows) == 2
    told = {re.findall(r">(\w+)</a></th>", row)[0]: row for row in rows}
    assert ">yes<" in told["report"]
    assert ">reader</a>" in told["report"]
    assert ">no<" in told["old"]
    assert "requested grant type is not allowed for this client" in told["old"]
    link = re.search(r'href="(/console/explain\?application=' + application.id + r'[^"]*)"', page)
    assert link is not None
    explained = (await owner.open(link[1].replace("&amp;", "&"))).text
    assert "A token for" in explained
    unused = scopes.create(local, orders.id, "unused", None)
    empty = (await owner.open(f"/console/resources/{orders.id}/scopes/{unused.id}")).text
    assert "no role, so nobody can obtain it" in empty


async def test_deletion_shows_what_goes(
    local: Acting, owner: Browser, orders: Resource, read: Scope, reader: tuple[Role, Application]
) -> None:
    """
    Roles by their type, and applications with what each loses; and asks for the name.
    """
    path = f"/console/resources/{orders.id}"
    preview = (await owner.open(f"{path}/delete")).text
    assert "1 permission." in preview
    assert "are made for 3,600 seconds" in preview
    assert re.search(r"1 role for machines loses permissions: <a [^>]*>reader</a>", preview)
    assert "for users" not in preview
    assert "1 application loses what its roles give there, see below" in preview
    assert loses(preview) == {f'<a href="/console/applications/{reader[1].id}">report</a>': "<code>read:orders</code>"}
    assert "invalid_target" not in preview
    people = roles.create(local, NewRole(name="people", description="d", type=RoleType.USER, scope_ids=[read.id]))
    secrets.delete(local, reader[1].id, "Default secret")
    for number in range(4):
        role_scopes.add(local, reader[0].id, [scopes.create(local, orders.id, f"do:{number}", None).id])
    resources.set_default(local, orders.id, is_default=True)
    preview = (await owner.open(f"{path}/delete")).text
    assert f'1 role for users loses permissions, too: <a href="/console/roles/{people.id}">people</a>' in preview
    (lost,) = loses(preview).values()
    assert re.search(r"</code>, <code>[^<]+</code> and 2 more; can't be obtained now either: ", lost)
    assert "<code>invalid_target</code></a> from then on" in preview
    wrong = await owner.send(f"{path}/delete", name="orders")
    assert (wrong.status_code, "Type the API resource" in wrong.text) == (422, True)
    assert len(loses(wrong.text)) == 1
    assert (await owner.send(f"{path}/delete", name="Orders")).status_code == 303
    assert "Orders is gone." in (await owner.open("/console/resources")).text
    assert (await owner.open(path)).status_code == 404
    assert roles.look(local, reader[0].id).holders == 1


async def test_many_applications_that_lose_something_are_pages(
    local: Acting, owner: Browser, orders: Resource, reader: tuple[Role, Application]
) -> None:
    """
    Each with a link to the next.
    """
    for number in range(25):
        new = NewApplication(name=f"app {number}", type=ApplicationType.MACHINE_TO_MACHINE)
        application_roles.assign(local, applications.create(local, new)[0].id, [reader[0].id])
    first = (await owner.open(f"/console/resources/{orders.id}/delete")).text
    assert "26 applications lose what their roles give there" in first
    second = (await owner.open(f"/console/resources/{orders.id}/delete?page=2")).text
    assert (len(loses(first)), len(loses(second))) == (20, 6)
    assert not loses(first).keys() & loses(second).keys()


async def test_viewer_sees_no_forms(app: App, local: Acting, owner: Browser, orders: Resource, read: Scope) -> None:
    """
    On no page of the room, but that of signing out.
    """
    viewer = await invited(app, local, OperatorRole.VIEWER)
    path = f"/console/resources/{orders.id}"
    one = f"{path}/scopes/{read.id}"
    for page in ("/console/resources", "/console/resources/new", path, f"{path}/delete", one, f"{one}/delete"):
        text = (await viewer.open(page)).text
        assert viewer.shown.status_code == 200
        assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', text) == ["/console/sign-out"]


async def test_ten_thousand_permissions_are_pages(ctx: Context, owner: Browser, orders: Resource) -> None:
    """
    Each page holds twenty; the last one is reached from the nearer end.
    """
    with ctx.database.write() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
            "INSERT INTO scopes (tenant_id, id, resource_id, name, created_at) "
            "SELECT 'default', 's' || i, :resource, 'scope:' || i, (SELECT created_at FROM resources LIMIT 1) FROM n",
            {"resource": orders.id},
        )
    page = (await owner.open(f"/console/resources/{orders.id}?page=500")).text
    assert "10,000 permissions" in page
    assert "Page 500 of 500" in page
    assert page.count('<th scope="row">') == 20
    assert len(page) < 100_000
    added = await owner.send(f"/console/resources/{orders.id}/scopes", scope_name="newest")
    assert added.headers["location"].endswith("?page=501")
    assert "scope:7777" in (await owner.open(f"/console/resources/{orders.id}?search=:7777")).text
