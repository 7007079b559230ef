"""
Get started: the guide from an empty database to snippets with this reader's own ids, each step done in place.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import FOREIGN, PAYLOAD, invited
from watchword.server.domain.names import ApplicationType, OperatorRole, RoleType
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import (
    application_roles,
    applications,
    logs,
    resources,
    role_scopes,
    roles,
    scopes,
    secrets,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page as Part
from watchword.server.storage.types import to_microseconds
from watchword.server.web.console import steps

if TYPE_CHECKING:
    import httpx

    from tests.support.browser import Browser
    from tests.support.clock import MovedClock
    from watchword.server.context import Context
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application

SHOP = {
    "name": "Online Shopping",
    "indicator": "https://shopping.api",
    "permissions": "read:products\r\nwrite:products",
}
DONE = re.compile(r'<h2 id="step-(\d)">[^<]*<span class="mark good">done')
NEXT = re.compile(r'<h2 id="step-(\d)">[^<]*<span class="mark">next')


def done(page: httpx.Response) -> list[str]:
    """
    Return which steps a page shows to be done.
    """
    return DONE.findall(page.text)


async def create_shop(browser: Browser) -> str:
    """
    Take the first two steps; return the address of the page that shows them.
    """
    await browser.open("/console/start")
    with_resource = (await browser.send("/console/start/resource", **SHOP)).headers["location"]
    page = await browser.open(with_resource)
    found = re.search(r'name="scope" value="(\w+)" checked> <span><code>read:products', page.text)
    assert found is not None
    chosen = dict(re.findall(r"(\w+)=(\w+)", with_resource))
    answer = await browser.send("/console/start/role", name="Products access", scope=found[1], **chosen)
    location: str = answer.headers["location"]
    return location


async def create_application(browser: Browser) -> httpx.Response:
    """
    Take the first three steps; return the page that shows the secret.
    """
    address = await create_shop(browser)
    await browser.open(address)
    chosen = dict(re.findall(r"(\w+)=(\w+)", address))
    return await browser.send("/console/start/application", name="Product sync", **chosen)


async def test_guide_is_walked_from_an_empty_database(owner: Browser) -> None:
    """
    Each step leads to the next one; the address of the page holds where one is, and the secret is shown once.
    """
    page = await owner.open("/console/start")
    assert (done(page), NEXT.findall(page.text)) == ([], ["1"])
    address = await create_shop(owner)
    page = await owner.open(address)
    assert (done(page), NEXT.findall(page.text)) == (["1", "2"], ["3"])
    made = await owner.send(
        "/console/start/application", name="Product sync", **dict(re.findall(r"(\w+)=(\w+)", address))
    )
    assert (done(made), NEXT.findall(made.text)) == (["1", "2", "3"], ["4"])
    secret = re.search(r'<code id="secret">(ww_\w{49})</code>', made.text)
    assert secret is not None
    again = await owner.open(address)
    assert done(again) == ["1", "2", "3"]
    assert secret[1] not in again.text
    app_id = re.search(r'id="app-id">(\w+)<', again.text)
    assert app_id is not None
    answer = await owner.client.post(
        "/oidc/token",
        data={"grant_type": "client_credentials", "resource": "https://shopping.api", "scope": "read:products"},
        auth=(app_id[1], secret[1]),
    )
    assert answer.json()["scope"] == "read:products"
    assert done(await owner.open("/console/start")) == ["1", "2", "3", "4"]


async def test_token_that_is_long_ago_stays_done(
    ctx: Context, local: Acting, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However many records there are since: the use of a secret is noted apart.
    """
    monkeypatch.setattr(steps, "_NEWEST_RECORDS", 1)
    made = await create_application(owner)
    app_id, secret = re.search(r'id="app-id">(\w+)<', made.text), re.search(r"ww_\w{49}", made.text)
    assert app_id is not None
    assert secret is not None
    asked = {"grant_type": "client_credentials", "resource": "https://nowhere.example"}
    assert (await owner.client.post("/oidc/token", data=asked, auth=(app_id[1], secret[0]))).status_code == 400
    assert done(await owner.open("/console/start")) == ["1", "2", "3"]
    secret_id = secrets.listing(local, app_id[1])[0].id
    with ctx.database.write_tokens() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO uses VALUES ('default', '{app_id[1]}', '{secret_id}', {to_microseconds(ctx.clock())})"
        )
    assert done(await owner.open("/console/start")) == ["1", "2", "3", "4"]


async def test_snippets_are_filled_in(owner: Browser) -> None:
    """
    Endpoint, App ID, API identifier and the permissions that the role gives; the secret is in none of them.
    """
    made = await create_application(owner)
    app_id = re.search(r'id="app-id">(\w+)<', made.text)
    secret = re.search(r'<code id="secret">(ww_\w{49})</code>', made.text)
    assert app_id is not None
    assert secret is not None
    snippets = {
        name: unescape(text)
        for name, text in re.findall(r'<code id="token-in-([\w-]+)">(.*?)</code>', made.text, re.DOTALL)
    }
    assert list(snippets) == ["curl", "node", "python", "python-client", "go", "java", "dotnet"]
    for snippet in snippets.values():
        for told in (
            app_id[1],
            "https://shopping.api",
            "read:products",
            "http://127.0.0.1:3001/oidc/token",
            "APP_SECRET",
        ):
            assert told in snippet
        assert "write:products" not in snippet  # the role does not give it
        assert secret[1] not in snippet
    assert FOREIGN.search(re.sub(r"<pre.*?</pre>", "", made.text, flags=re.DOTALL)) is None
    go = await owner.open("/console/start?language=go")
    assert 'id="token-language-go" checked' in go.text
    assert 'id="token-language-curl" checked' in (await owner.open("/console/start?language=cobol")).text


async def test_front_leads_to_what_is_next(owner: Browser) -> None:
    """
    Here, as long as no application of one's own can do anything with an API of one's own.
    """
    assert (await owner.open("/console")).headers["location"] == "/console/start"
    await create_shop(owner)
    assert (await owner.open("/console")).headers["location"] == "/console/start"
    await create_application_with_the_first_role(owner)
    assert (await owner.open("/console")).headers["location"] != "/console/start"


async def create_application_with_the_first_role(browser: Browser) -> None:
    """
    Take the third step from wherever one is.
    """
    page = await browser.open("/console/start")
    role = re.search(r'href="/console/roles/(\w+)"', page.text)
    assert role is not None
    assert (await browser.send("/console/start/application", name="Sync", role=role[1])).status_code == 200


async def test_own_api_of_the_server_is_one_too(owner: Browser) -> None:
    """
    The role that came with the server gives its permission.
    """
    page = await owner.open("/console/start?resource=management-api")
    assert done(page)[:2] == ["1", "2"]
    assert "Logto Management API access" in page.text


async def test_role_that_gives_much_elsewhere_is_seen(local: Acting, owner: Browser) -> None:
    """
    A role may have hundreds of permissions of other APIs before the one that counts here.
    """
    names = [f"thing:{number}" for number in range(150)]
    other = resources.create(local, NewResource(name="Other", indicator="https://other.api"))
    elsewhere = [scopes.create(local, other.id, name, None).id for name in names]
    await create_shop(owner)
    shop = next(one for one in resources.listing(local, None, with_scopes=False)[0].records if one.name == SHOP["name"])
    its_scopes = scopes.listing(local, shop.id, NO_SEARCH, None).records
    role = roles.create(
        local, NewRole(name="All", description="x", type=RoleType.MACHINE_TO_MACHINE, scope_ids=elsewhere)
    )
    role_scopes.add(local, role.id, [its_scopes[0].id])
    page = await owner.open(f"/console/start?resource={shop.id}&role={role.id}")
    assert f'type="hidden" name="role" value="{role.id}"' in page.text


async def test_application_that_is_there_gets_the_role(owner: Browser) -> None:
    """
    Afterwards, as the guide says.
    """
    await owner.open("/console/applications/new")
    made = await owner.send("/console/applications", name="Older one")
    app_id = re.search(r'id="app-id">(\w+)<', made.text)
    assert app_id is not None
    chosen = dict(re.findall(r"(\w+)=(\w+)", await create_shop(owner)))
    page = await owner.open("/console/start")
    assert f'<option value="{app_id[1]}">Older one</option>' in page.text
    answer = await owner.send("/console/start/assign", application=app_id[1], **chosen)
    assert done(await owner.open(answer.headers["location"])) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"name": " "}, "Give the API a name"),
        ({"indicator": "shopping"}, "absolute URI"),
        ({"indicator": "https://default.logto.app/api"}, "already in use"),
        ({"indicator": "https://a.example/" + "x" * 2_000}, "too long"),
        ({"permissions": " \n"}, "Name a permission"),
        ({"permissions": " ".join(map(str, range(51)))}, "At most 50"),
        ({"permissions": "x" * 257}, "too long"),
        ({"permissions": "read " + "\N{GRINNING FACE}" * 129}, "too long"),  # each counts for two, as it does elsewhere
    ],
)
async def test_bad_api_is_told_and_what_was_typed_stays(owner: Browser, fields: dict[str, str], text: str) -> None:
    """
    Nothing is created.
    """
    await owner.open("/console/start")
    answer = await owner.send("/console/start/resource", **{**SHOP, **fields})
    assert answer.status_code == 422
    assert text in answer.text
    assert f'value="{escape({**SHOP, **fields}["indicator"])}"' in answer.text
    assert done(await owner.open("/console/start")) == []
    assert SHOP["name"] not in (await owner.open("/console/resources")).text


async def test_api_without_permissions_gets_them(local: Acting, owner: Browser) -> None:
    """
    One that was created elsewhere is taken on.
    """
    made = resources.create(local, NewResource(name="Bare", indicator="https://bare.example"))
    page = await owner.open("/console/start")
    assert (done(page), NEXT.findall(page.text)) == ([], ["1"])
    answer = await owner.send("/console/start/permissions", resource=made.id, permissions="read")
    assert done(await owner.open(answer.headers["location"])) == ["1"]


async def test_viewer_sees_how_far_it_is_and_no_form(app: Application, local: Acting, owner: Browser) -> None:
    """
    Nor the place to try it.
    """
    await create_application(owner)
    viewer = await invited(app, local, OperatorRole.VIEWER)
    page = await viewer.open("/console/start")
    assert done(page) == ["1", "2", "3"]
    assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page.text) == ["/console/sign-out"]
    assert "Try it" not in page.text


async def test_server_without_a_port_can_not_be_tried(local: Acting, owner: Browser) -> None:
    """
    It says so; what was typed is neither shown nor recorded.
    """
    made = await create_application(owner)
    assert "listens on no port" in made.text
    chosen = dict(re.findall(r'type="hidden" name="(resource|role)" value="(\w+)"', made.text))
    app_id = re.search(r'id="app-id">(\w+)<', made.text)
    assert app_id is not None
    answer = await owner.send("/console/start/try", secret="ww_typed", application=app_id[1], **chosen)
    assert answer.status_code == 501
    assert "ww_typed" not in answer.text
    newest = logs.newest(local, LogFilter(key="Application.Token.Tried"), 5)
    assert [entry.payload["data"] for entry in newest] == [{"id": app_id[1], "resourceId": chosen["resource"]}]


async def test_application_leads_to_what_it_can_get(local: Acting, owner: Browser) -> None:
    """
    By the address that its page has: with the role that it holds, and that role's API, though others are older.
    """
    await create_application(owner)
    orders = resources.create(local, NewResource(name="Orders", indicator="https://orders.api"))
    read = scopes.create(local, orders.id, "read:orders", None)
    empty, reader = (
        roles.create(local, NewRole(name=name, description="x", type=RoleType.MACHINE_TO_MACHINE, scope_ids=ids))
        for name, ids in (("Empty", []), ("Orders access", [read.id]))
    )
    report, _ = applications.create(local, NewApplication(name="Report", type=ApplicationType.MACHINE_TO_MACHINE))
    application_roles.assign(local, report.id, [empty.id, reader.id])
    for address in (f"application={report.id}", f"role={reader.id}", f"resource={orders.id}"):
        page = await owner.open(f"/console/start?{address}")
        assert done(page) == ["1", "2", "3"]
        assert (unescape(page.text).count(report.id) > 2, "read:orders" in page.text) == (True, True)
    for path, link in (
        (f"applications/{report.id}", f"application={report.id}"),
        (f"roles/{reader.id}", f"role={reader.id}"),
        (f"resources/{orders.id}", f"resource={orders.id}"),
    ):
        assert f'href="/console/start?{link}"' in (await owner.open(f"/console/{path}")).text


async def test_application_without_the_role_is_offered_it_first(
    local: Acting, owner: Browser, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where it was named, whoever else holds the role and however many others there are; ids that nobody has do no harm.
    """
    monkeypatch.setattr(steps, "_CHOICES", Part(limit=2, offset=0))
    await create_application(owner)
    bare, _ = applications.create(local, NewApplication(name="Bare", type=ApplicationType.MACHINE_TO_MACHINE))
    clock.move(minutes=1)
    for name in ("First", "Second"):
        applications.create(local, NewApplication(name=name, type=ApplicationType.MACHINE_TO_MACHINE))
    page = await owner.open(f"/console/start?application={bare.id}")
    assert done(page) == ["1", "2"]
    offered = re.findall(r'<option value="\w+">(\w[\w ]*)</option>', page.text.partition('id="other-application"')[2])
    assert offered[0] == "Bare"
    assert len(offered) == 3
    for nobody in ("application=x", "role=x", "application=x&role=x&resource=x"):
        assert done(await owner.open(f"/console/start?{nobody}")) == ["1", "2", "3"]


async def test_more_choices_than_are_shown_are_told(local: Acting, owner: Browser, clock: MovedClock) -> None:
    """
    With the way to them.
    """
    await create_application(owner)
    for number in range(98):
        resources.create(local, NewResource(name=f"API {number}", indicator=f"https://{number}.example"))
    told = '<a href="/console/resources">Any other one</a>'
    assert told not in (await owner.open("/console/start")).text
    clock.move(minutes=1)
    last = resources.create(local, NewResource(name="Last", indicator="https://last.example"))
    page = (await owner.open("/console/start")).text
    assert told in page
    assert f'value="{last.id}"' not in page
    chosen = (await owner.open(f"/console/start?resource={last.id}")).text
    assert f'<a href="/console/resources/{last.id}">Last</a>' in chosen
    assert f'<option value="{last.id}" selected>' in chosen  # sent as it is, the form changes nothing


async def test_notice_of_the_guide_keeps_a_name_to_itself(owner: Browser) -> None:
    """
    It turns nothing that stands around it.
    """
    await owner.open("/console/start")
    made = await owner.send("/console/start/resource", **{**SHOP, "name": "\u202etob"})
    assert "\u2068\u202etob\u2069 is there." in (await owner.open(made.headers["location"])).text


async def test_what_is_typed_is_shown_as_text(owner: Browser) -> None:
    """
    Names and permissions; and ids in the address that nobody has are passed over.
    """
    await owner.open("/console/start")
    permission = PAYLOAD.replace(" ", "")
    answer = await owner.send("/console/start/resource", **{**SHOP, "name": PAYLOAD, "permissions": permission})
    chosen = dict(re.findall(r"(\w+)=(\w+)", answer.headers["location"]))
    page = await owner.open(answer.headers["location"])
    scope = re.search(r'name="scope" value="(\w+)" checked', page.text)
    assert scope is not None
    with_role = await owner.send("/console/start/role", name=PAYLOAD, scope=scope[1], **chosen)
    role = dict(re.findall(r"(\w+)=(\w+)", with_role.headers["location"]))
    made = await owner.send("/console/start/application", name=PAYLOAD, **role)
    for shown in (page, made, await owner.open("/console/start?resource=<script>alert(1)&role=x&application=%00")):
        assert shown.status_code == 200
        assert "<script>alert" not in shown.text
        assert str(71993 * 71993) not in shown.text
