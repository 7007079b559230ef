"""
Forms that make something with a secret, sent twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.browser import Browser
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import applications, resources, roles, scopes, secrets
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.web.app import create_app

if TYPE_CHECKING:
    import httpx

    from watchword.server.context import Context
    from watchword.server.operations.operation import Acting


def ids(local: Acting, name: str) -> list[str]:
    """
    Return the ids of all applications with a name.
    """
    found = applications.listing(local, ApplicationFilter(), NO_SEARCH, None).records
    return [one.id for one in found if one.name == name]


async def twice(browser: Browser, ctx: Context, path: str, **fields: str) -> tuple[httpx.Response, httpx.Response]:
    """
    Send a form of the page that is shown twice; the second time to another worker.
    """
    worker = Browser(create_app(ctx, lambda: None))
    worker.client.cookies.update(browser.client.cookies)
    worker.shown = browser.shown
    return await browser.send(path, **fields), await worker.send(path, **fields)


async def test_application_is_created_once(ctx: Context, local: Acting, owner: Browser) -> None:
    """
    The second answer leads to its page; under another name the same form makes another.
    """
    form = await owner.open("/console/applications/new")
    first, second = await twice(owner, ctx, "/console/applications", name="Bot")
    assert "It is shown this once" in first.text
    [made] = ids(local, "Bot")
    assert (second.status_code, second.headers["location"]) == (303, f"/console/applications/{made}")
    owner.client.cookies.update(second.cookies)
    assert "This was done already" in (await owner.open(second.headers["location"])).text
    owner.shown = form
    assert (await owner.send("/console/applications", name="Another")).status_code == 200
    assert len(ids(local, "Another")) == 1


async def test_secret_is_added_once(ctx: Context, local: Acting, owner: Browser) -> None:
    """
    From a page that was loaded anew the name is refused as taken.
    """
    machine = NewApplication(name="Bot", type=ApplicationType.MACHINE_TO_MACHINE)
    application, _ = applications.create(local, machine)
    path = f"/console/applications/{application.id}"
    await owner.open(path)
    first, second = await twice(owner, ctx, f"{path}/secrets", name="next")
    assert "The new secret" in first.text
    assert (second.status_code, second.headers["location"]) == (303, path)
    assert len(secrets.listing(local, application.id)) == 2
    assert (await owner.send(f"{path}/secrets", name="next")).status_code == 422


async def test_guide_creates_an_application_once(ctx: Context, local: Acting, owner: Browser) -> None:
    """
    The second answer leads on, with what was chosen.
    """
    api = resources.create(local, NewResource(name="Shop", indicator="https://shop.example"))
    scope = scopes.create(local, api.id, "read:all", None)
    new = NewRole(name="reader", description="x", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[scope.id])
    role = roles.create(local, new)
    await owner.open("/console/start")
    first, second = await twice(owner, ctx, "/console/start/application", name="Bot")
    assert "It is shown this once" in first.text
    [made] = ids(local, "Bot")
    there = f"/console/start?resource={api.id}&role={role.id}&application={made}"
    assert (second.status_code, second.headers["location"]) == (303, there)
