"""
Operators: who comes in, who is let go, and what each role may do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Browser, invited
from tests.support.roles import make_role
from watchword.server.domain.names import ApplicationType, OperatorRole
from watchword.server.operations import applications, logs, operators, resources, scopes, signing_keys, users
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.operation import Acting
from watchword.server.operations.resources import NewResource
from watchword.server.operations.users import NewUser
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page
from watchword.server.web.console.forms import mark
from watchword.server.web.console.guard import Guard
from watchword.server.web.console.rooms import all_routes

if TYPE_CHECKING:
    from tests.support.clock import MovedClock
    from watchword.server.web.app import Application


WRITES = {
    "/start/resource": {"name": "x", "indicator": "https://x.example", "permissions": "read"},
    "/start/permissions": {"resource": "{api}", "permissions": "more"},
    "/start/role": {"name": "x", "resource": "{api}", "scope": "{scope}"},
    "/start/application": {"name": "x", "role": "{role}"},
    "/start/assign": {"application": "{app}", "role": "{role}"},
    "/start/try": {"application": "{app}", "resource": "{api}", "secret": "x", "scope": "read"},
    "/applications": {"name": "x"},
    "/applications/{app}": {"name": "x", "was_name": mark("shop-bot")},
    "/applications/{app}/secrets": {"name": "x"},
    "/applications/{app}/secrets/delete": {"name": "Default secret"},
    "/applications/{app}/roles": {"role": "{role}"},
    "/applications/{app}/roles/{role}/remove": {},
    "/applications/{app}/delete": {"name": "shop-bot"},
    "/resources": {"name": "x", "indicator": "https://x.example", "access_token_ttl": "600"},
    "/resources/{api}": {"name": "x", "was_name": mark("Shop")},
    "/resources/{api}/default": {"default": "yes"},
    "/resources/{api}/scopes": {"scope_name": "x"},
    "/resources/{api}/scopes/{scope}": {"description": "x", "was_description": mark("")},
    "/resources/{api}/scopes/{scope}/delete": {},
    "/resources/{api}/delete": {"name": "Shop"},
    "/roles": {"name": "x", "description": "x"},
    "/roles/{role}": {"name": "x", "was_name": mark("reader")},
    "/roles/{role}/permissions": {"scope": "{scope}"},
    "/roles/{role}/permissions/{scope}/remove": {},
    "/roles/{role}/members": {"member": "{app}"},
    "/roles/{role}/members/{app}/remove": {},
    "/roles/{role}/delete": {"name": "reader"},
    "/users": {"username": "x"},
    "/users/{user}": {"username": "x", "was_username": mark("ada")},
    "/users/{user}/roles": {"role": "{role}"},
    "/users/{user}/roles/{role}/remove": {},
    "/users/{user}/delete": {"name": "ada"},
    "/keys/rotate": {"algorithm": "ES256", "when": "now"},
    "/keys/{key}/revoke": {},
    "/explain/remedies": {"application": "{app}"},
    "/explain/secrets": {"application": "{app}"},
    "/operators": {"role": "owner"},
    "/operators/invitations/take-back": {"invitation": "x"},
    "/operators/{operator}/role": {"role": "viewer"},
    "/operators/{operator}/remove": {},
}


# What every operator may: with their own session alone.
OWN = {"/sign-out", "/account/password", "/account/sessions/end", "/account/sessions/end-others"}

# What only looks, within a form.
LOOKS = {"/applications/new", "/roles/new", "/roles/some/permissions/look"}


def test_every_form_is_among_those_that_are_tried() -> None:
    """
    What nobody tries as a viewer, nobody knows to be refused.
    """
    forms = [route for route in all_routes(Guard()) if route.method == "POST" and not route.is_open]
    tried = [re.sub(r"{\w+}", "some", path) for path in WRITES] + sorted(OWN | LOOKS)
    assert [route.pattern.pattern for route in forms if not any(map(route.pattern.fullmatch, tried))] == []


def one_of_each(local: Acting) -> dict[str, str]:
    """
    Put something into every room; return the ids, as `WRITES` names them.
    """
    new = NewApplication(name="shop-bot", type=ApplicationType.MACHINE_TO_MACHINE)
    application, _ = applications.create(local, new)
    api = resources.create(local, NewResource(name="Shop", indicator="https://shop.example"))
    return {
        "app": application.id,
        "role": make_role(local, "reader").id,
        "operator": next(one for one in operators.listing(local) if one.name == "Ada").id,
        "api": api.id,
        "scope": scopes.create(local, api.id, "read", None).id,
        "user": users.create(local, NewUser(username="ada")).id,
        "key": signing_keys.listing(local)[0].id,
    }


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("role", [OperatorRole.VIEWER, OperatorRole.EDITOR])
@pytest.mark.parametrize("path", WRITES)
async def test_role_bounds_what_an_operator_may_do(
    app: Application, local: Acting, role: OperatorRole, path: str
) -> None:
    """
    Judged by the operation, whatever a page shows: a viewer writes nothing, an editor has no say over operators.
    """
    browser, names = await invited(app, local, role), one_of_each(local)
    await browser.open("/console/explain")
    fields = {name: value.format(**names) for name, value in WRITES[path].items()}
    answer = await browser.send("/console" + path.format(**names), **fields)
    may = role is OperatorRole.EDITOR and not path.startswith("/operators")
    assert (answer.status_code != 403) == may
    assert may or "Forbidden" in answer.text
    assert next(one.role for one in operators.listing(local) if one.name == "Ada") is OperatorRole.OWNER


# Pages that are there for their form.
OF_FORMS = (
    *("/applications/new", "/applications/{app}/delete", "/resources/new", "/resources/{api}/delete"),
    *("/resources/{api}/default",),
    *("/resources/{api}/scopes/{scope}/delete", "/roles/new", "/roles/{role}/permissions", "/roles/{role}/members/add"),
    *("/roles/{role}/delete", "/users/new", "/users/{user}/delete"),
    *("/keys/rotate?algorithm=ES256", "/keys/{key}/revoke"),
)


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("path", OF_FORMS)
async def test_viewer_is_told_in_place_of_a_form(app: Application, local: Acting, path: str) -> None:
    """
    Nobody fills in what is refused when it is sent.
    """
    names = one_of_each(local)
    for role, told in ((OperatorRole.VIEWER, True), (OperatorRole.EDITOR, False)):
        browser = await invited(app, local, role)
        page = await browser.open("/console" + path.format(**names))
        forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page.text)
        assert (page.status_code, "Viewers look on" in page.text, forms == ["/console/sign-out"]) == (200, told, told)


async def test_viewer_sees_no_secret_and_no_forms(app: Application, local: Acting, owner: Browser) -> None:
    """
    But that of signing out.
    """
    await owner.open("/console/applications/new")
    made = await owner.send("/console/applications", name="shop-bot")
    found = re.search(r'id="app-id">(\w+)<', made.text)
    assert found is not None
    viewer = await invited(app, local, OperatorRole.VIEWER)
    page = (await viewer.open(f"/console/applications/{found[1]}")).text
    assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', page) == ["/console/sign-out"]
    assert re.search(r"ww_\w{49}", page) is None


async def test_owner_invites_changes_and_removes(app: Application, local: Acting, owner: Browser) -> None:
    """
    The link is shown once; somebody has to own the server.
    """
    await owner.open("/console/operators")
    shown = await owner.send("/console/operators", role="editor")
    link = re.search(r"(?:http://127.0.0.1:3001)?/console/join#(\w+)", shown.text)
    assert link is not None
    assert link[1] not in (await owner.open("/console/operators")).text
    assert (await Browser(app).join(f"{link[0]} ", "Ben")).status_code == 303  # as whoever has no script may paste it
    page = (await owner.open("/console/operators")).text
    assert "Ben" in page
    ids = {one.name: one.id for one in operators.listing(local)}
    ada, ben = ids["Ada"], ids["Ben"]
    assert "would own the server" in (await owner.open(f"/console/operators/{ada}/remove")).text
    assert "Remove <bdi>Ben</bdi>?" in (await owner.open(f"/console/operators/{ben}/remove")).text
    assert (await owner.open("/console/operators/nobody/remove")).status_code == 404
    assert "would own the server" in (await owner.open(f"/console/operators/{ada}/role?role=viewer")).text
    assert "is an editor already" in (await owner.open(f"/console/operators/{ben}/role?role=editor")).text
    assert (await owner.open(f"/console/operators/{ben}/role?role=king")).status_code == 422
    operators.invite(local, OperatorRole.VIEWER)
    looks = (await owner.open(f"/console/operators/{ben}/role?role=viewer")).text
    assert all(told in looks for told in ("Make <bdi>Ben</bdi> a viewer?", "Viewers look on.", "there is one."))
    await owner.open("/console/operators")
    assert (await owner.send(f"/console/operators/{ada}/remove")).status_code == 422
    assert (await owner.send(f"/console/operators/{ada}/role", role="viewer")).status_code == 422
    await owner.open("/console/operators")
    assert (await owner.send(f"/console/operators/{ben}/role", role="king")).status_code == 422
    await owner.open("/console/operators")
    assert (await owner.send(f"/console/operators/{ben}/role", role="owner")).status_code == 303
    assert (await owner.send(f"/console/operators/{ada}/remove")).status_code == 303
    assert (await owner.open("/console/operators")).status_code == 303  # no longer hers to see


async def test_owner_takes_an_invitation_back(
    app: Application, local: Acting, owner: Browser, clock: MovedClock
) -> None:
    """
    Those that are good are listed, without their links. One that is taken back lets nobody in, the other does.
    """
    kept, other = operators.invite(local, OperatorRole.EDITOR), operators.invite(local, OperatorRole.VIEWER)
    page = (await owner.open("/console/operators")).text
    assert kept not in page
    found = re.findall(r'name="invitation" value="(\w+)"', page)
    assert len(found) == 2
    gone = next(link.id for link in operators.invitations(local) if link.role is OperatorRole.EDITOR)
    assert (await owner.send("/console/operators/invitations/take-back", invitation=gone)).status_code == 303
    assert (await Browser(app).join(kept, "Eve")).status_code == 403
    again = await owner.send("/console/operators/invitations/take-back", invitation=gone)
    assert (again.status_code, "It is not there" in again.text) == (404, True)
    assert (await Browser(app).join(other, "Ben")).status_code == 303
    assert "Open invitations" not in (await owner.open("/console/operators")).text
    operators.invite(local, OperatorRole.VIEWER)
    assert "Open invitations" in (await owner.open("/console/operators")).text
    clock.move(minutes=15)
    assert "Open invitations" not in (await owner.open("/console/operators")).text
    taken_back = LogFilter(key="Operator.Invitation.Deleted")
    told = logs.listing(local, taken_back, Page(limit=20, offset=0), count_up_to=None).records
    assert [one.payload["data"] for one in told] == [{"role": "editor"}]


async def test_invitation_goes_with_the_owner_who_kept_it(app: Application, local: Acting, owner: Browser) -> None:
    """
    Who is removed, or made less, does not come back by a link of their own.
    """
    eve = await invited(app, local, OperatorRole.OWNER)
    ids = {one.name: one.id for one in operators.listing(local)}
    for path, fields in ((f"{ids['owner']}/role", {"role": "viewer"}), (f"{ids['owner']}/remove", {})):
        kept = operators.invite(local, OperatorRole.OWNER)
        await owner.open("/console/operators")
        assert "They end when an operator gets another role" in owner.shown.text
        assert (await owner.send(f"/console/operators/{path}", **fields)).status_code == 303
        assert "no longer good" in (await owner.open("/console/operators")).text or path.endswith("remove")
        assert (await Browser(app).join(kept, "Eve again")).status_code == 403
    assert (await eve.open("/console/operators")).status_code == 303
