"""
The console: the way in, sessions, forms, what each role may do, and pages that give nothing away.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.support.browser import FOREIGN, ORIGIN, PASSWORD, PAYLOAD, TOKEN, Browser, invited
from tests.support.home import settings_of
from watchword.server.bootstrap import open_context
from watchword.server.domain.names import ApplicationType, OperatorRole, RoleType
from watchword.server.jobs import operator_sessions
from watchword.server.operations import applications, logs, operators, resources, roles, scopes, signing_keys, users
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.operation import Acting
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page
from watchword.server.web.app import create_app
from watchword.server.web.console.app import _origin_of
from watchword.server.web.console.guard import Guard
from watchword.server.web.console.rooms import all_routes
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.clock import MovedClock
    from watchword.server.context import Context
    from watchword.server.domain.records import Role
    from watchword.server.web.app import Application


def make_role(local: Acting, name: str) -> Role:
    """
    Make a role for machines, which gives nothing.
    """
    return roles.create(local, NewRole(name=name, description=name, type=RoleType.MACHINE_TO_MACHINE, scope_ids=[]))


async def test_first_operator_comes_in_by_the_link(app: Application, local: Acting) -> None:
    """
    The link is good once, and dead once there is an operator.
    """
    first, other = operators.invite(local, OperatorRole.OWNER), operators.invite(local, OperatorRole.OWNER)
    browser = Browser(app)
    assert "first operator" in (await browser.open("/console")).text
    answer = await browser.join(first, "Ada")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console")
    assert "HttpOnly; SameSite=Lax" in answer.headers["set-cookie"]
    assert '><bdi>Ada</bdi> <span class="quiet">owner</span>' in (await browser.open("/console/applications")).text
    for used in (first, other, "nonsense"):
        again = await Browser(app).join(used, "Eve")
        assert again.status_code == 403
        assert "not good" in again.text


async def test_invitation_is_too_old_after_fifteen_minutes(app: Application, local: Acting, clock: MovedClock) -> None:
    """
    And good until then.
    """
    late = operators.invite(local, OperatorRole.OWNER)
    clock.move(seconds=1)
    in_time = operators.invite(local, OperatorRole.OWNER)
    clock.move(minutes=14, seconds=59)
    assert (await Browser(app).join(late, "Eve")).status_code == 403
    assert (await Browser(app).join(in_time, "Ada")).status_code == 303


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"password": "short", "again": "short"}, "12 to 1024"),
        ({"password": PASSWORD, "again": "something else"}, "differ"),
        ({"name": " ", "password": PASSWORD, "again": PASSWORD}, "printable"),
        ({"name": "a\u0007b", "password": PASSWORD, "again": PASSWORD}, "printable"),
    ],
)
async def test_bad_name_or_password_is_told(app: Application, local: Acting, fields: dict[str, str], text: str) -> None:
    """
    The invitation is not used up by it.
    """
    invitation, browser = operators.invite(local, OperatorRole.OWNER), Browser(app)
    await browser.open("/console/join")
    answer = await browser.send("/console/join", **{"invitation": invitation, "name": "Ada", **fields})
    assert answer.status_code == 422
    assert text in answer.text
    assert PASSWORD not in answer.text
    assert (await browser.join(invitation, "Ada")).status_code == 303


@pytest.mark.usefixtures("owner")
async def test_sign_in_by_name_in_whatever_case(app: Application) -> None:
    """
    An unknown name and a wrong password look the same.
    """
    browser = Browser(app)
    refused = [await browser.sign_in("Ada", "wrong password"), await browser.sign_in("Nobody")]
    assert [answer.status_code for answer in refused] == [401, 401]
    texts = {re.sub(r'value="[^"]*"', "", answer.text) for answer in refused}
    assert len(texts) == 1
    assert (await browser.sign_in(" aDA ")).status_code == 303
    assert (await browser.open("/console")).headers["location"] == "/console/start"


@pytest.mark.usefixtures("owner")
async def test_too_many_tries_are_refused_whatever_the_password(app: Application) -> None:
    """
    From one source for one name; others get in meanwhile.
    """
    guesser = Browser(app, "203.0.113.7")
    for _ in range(10):
        assert (await guesser.sign_in("Ada", "wrong password")).status_code == 401
    assert (await guesser.sign_in("Ada")).status_code == 429
    assert (await Browser(app, "203.0.113.8").sign_in("Ada")).status_code == 303


PAGES = (
    "/start",
    "/applications",
    "/applications/new",
    "/applications/x",
    "/applications/%00",
    "/explain",
    "/explain/scope",
    "/logs",
    "/logs/x",
    "/logs/export",
    "/keys",
    "/keys/x/revoke",
    "/settings",
    "/operators",
    "/nothing",
    "/%2E%2E/api/users",
)


@pytest.mark.parametrize("path", PAGES)
async def test_strangers_are_sent_to_sign_in(app: Application, path: str) -> None:
    """
    From every page, and every form, below the console.
    """
    browser = Browser(app)
    shown, sent = await browser.client.get("/console" + path), await browser.send("/console" + path)
    assert [shown.status_code, sent.status_code] == [303, 303]
    assert shown.headers["location"].startswith("/console/sign-in?to=%2F")
    assert sent.headers["location"].partition("?")[0] == "/console/sign-in"


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize(
    "to",
    [
        *("//evil.example", "https://evil.example", "/\\evil.example", "\t//evil.example", "/x\r\ny: z"),
        *("/..//evil.example", "/../api/status", "/x/%2e%2E/%2e./api/status", "/x//y", "x", ""),
    ],
)
async def test_sign_in_leads_nowhere_else(app: Application, to: str) -> None:
    """
    No open redirect, whatever an address brings along.
    """
    browser = Browser(app)
    await browser.open("/console/sign-in")
    answer = await browser.send("/console/sign-in", name="Ada", password=PASSWORD, to=to)
    assert answer.headers["location"] == "/console"


async def test_form_from_elsewhere_changes_nothing(app: Application, owner: Browser) -> None:
    """
    Another origin, none, another browser's token, and no token: 403 each time.
    """
    await owner.open("/console/applications/new")
    other = Browser(app)
    await other.open("/console/sign-in")
    foreign = TOKEN.search(other.shown.text)
    assert foreign is not None
    path, fields = "/console/applications", {"name": "forged"}
    answers = [
        await owner.send(path, origin="https://evil.example", **fields),
        await owner.send(path, origin="null", **fields),
        await owner.send(path, origin=None, **fields),
        await owner.client.post(path, data=fields, headers={"origin": ORIGIN}),
        await owner.client.post(path, data={**fields, "form_token": foreign[1]}, headers={"origin": ORIGIN}),
        await owner.client.post(path, json=fields, headers={"origin": ORIGIN}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403, 403, 403, 400]
    assert "forged" not in (await owner.open(path)).text


async def test_application_is_created_and_its_secret_shown_once(ctx: Context, local: Acting, owner: Browser) -> None:
    """
    With the roles that were ticked; the secret works, and no page shows it again.
    """
    role = roles.create(
        local, NewRole(name="reader", description="Reads", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[])
    )
    await owner.open("/console/applications/new")
    made = await owner.send("/console/applications", name="shop-bot", role=role.id)
    secret = re.search(r"ww_\w{49}", made.text)
    app_id = re.search(r'id="app-id">(\w+)<', made.text)
    assert secret is not None
    assert app_id is not None
    assert "Take away role reader" in made.text
    page = await owner.open(f"/console/applications/{app_id[1]}")
    assert secret[0] not in page.text
    answer = await owner.client.post(
        "/oidc/token", data={"grant_type": "client_credentials"}, auth=(app_id[1], secret[0])
    )
    assert answer.json()["error"] == "invalid_target"  # it has proved who it is
    assert "shop-bot" in (await owner.open("/console/applications?search=SHOP")).text
    assert "Nothing is called" in (await owner.open("/console/applications?search=100%25")).text


async def test_page_of_an_application_does_what_it_says(ctx: Context, local: Acting, owner: Browser) -> None:
    """
    Secrets and roles come and go; it goes itself where its name is typed.
    """
    role = roles.create(
        local, NewRole(name="reader", description="Reads", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[])
    )
    await owner.open("/console/applications/new")
    made = await owner.send("/console/applications", name="shop-bot")
    found = re.search(r'id="app-id">(\w+)<', made.text)
    assert found is not None
    path = f"/console/applications/{found[1]}"
    assert "The new secret" in (await owner.send(f"{path}/secrets", name="second")).text
    assert (await owner.send(f"{path}/secrets", name="second")).status_code == 422
    await owner.open(path)
    assert (await owner.send(f"{path}/roles", role=role.id)).status_code == 303
    assert "Take away role reader" in (await owner.open(path)).text
    assert (await owner.send(f"{path}/roles/remove", role=role.id)).status_code == 303
    preview = (await owner.open(f"{path}/secrets/delete?name=second")).text
    assert "never used" in preview
    assert "1 other secret stays" in preview
    assert (await owner.open(f"{path}/secrets/delete?name=third")).status_code == 404
    await owner.open(path)
    assert (await owner.send(f"{path}/secrets/delete", name="second")).status_code == 303
    assert "without a secret" in (await owner.open(f"{path}/secrets/delete?name=Default+secret")).text
    await owner.open(path)  # says once that it is gone
    page = (await owner.open(path)).text
    assert "second" not in page
    assert "It holds no role" in page
    assert (await owner.send(f"{path}/delete", name="another")).status_code == 422
    assert (await owner.send(f"{path}/delete", name="shop-bot")).status_code == 303
    assert (await owner.open(path)).status_code == 404


WRITES = {
    "/start/resource": {"name": "x", "indicator": "https://x.example", "permissions": "read"},
    "/start/permissions": {"resource": "{api}", "permissions": "more"},
    "/start/role": {"name": "x", "resource": "{api}", "scope": "{scope}"},
    "/start/application": {"name": "x", "role": "{role}"},
    "/start/assign": {"application": "{app}", "role": "{role}"},
    "/start/try": {"application": "{app}", "resource": "{api}", "secret": "x", "scope": "read"},
    "/applications": {"name": "x"},
    "/applications/{app}": {"name": "x"},
    "/applications/{app}/secrets": {"name": "x"},
    "/applications/{app}/secrets/delete": {"name": "Default secret"},
    "/applications/{app}/roles": {"role": "{role}"},
    "/applications/{app}/roles/remove": {"role": "{role}"},
    "/applications/{app}/delete": {"name": "shop-bot"},
    "/resources": {"name": "x", "indicator": "https://x.example", "lifetime": "600"},
    "/resources/{api}": {"name": "x", "lifetime": "600"},
    "/resources/{api}/default": {"default": "yes"},
    "/resources/{api}/scopes": {"scope_name": "x"},
    "/resources/{api}/scopes/{scope}": {"description": "x"},
    "/resources/{api}/scopes/{scope}/delete": {},
    "/resources/{api}/delete": {"name": "Shop"},
    "/roles": {"name": "x", "description": "x"},
    "/roles/{role}": {"name": "x", "description": "x"},
    "/roles/{role}/permissions": {"scope": "{scope}"},
    "/roles/{role}/permissions/remove": {"scope": "{scope}"},
    "/roles/{role}/members": {"member": "{app}"},
    "/roles/{role}/members/remove": {"member": "{app}"},
    "/roles/{role}/delete": {"name": "reader"},
    "/users": {"username": "x"},
    "/users/{user}": {"username": "x"},
    "/users/{user}/roles": {"role": "{role}"},
    "/users/{user}/roles/remove": {"role": "{role}"},
    "/users/{user}/delete": {"name": "ada"},
    "/keys/rotate": {"algorithm": "ES256", "when": "now"},
    "/keys/{key}/revoke": {},
    "/explain/remedies": {"application": "{app}"},
    "/explain/secrets": {"application": "{app}"},
    "/operators": {"role": "owner"},
    "/operators/{operator}/role": {"role": "viewer"},
    "/operators/{operator}/remove": {},
}


# What every operator may: with their own session alone.
OWN = {"/sign-out", "/account/password", "/account/sessions/end", "/account/sessions/end-others"}


def test_every_form_is_among_those_that_are_tried() -> None:
    """
    What nobody tries as a viewer, nobody knows to be refused.
    """
    forms = [route for route in all_routes(Guard(time.monotonic)) if route.method == "POST" and not route.is_open]
    tried = [re.sub(r"{\w+}", "some", path) for path in WRITES] + sorted(OWN)
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


async def test_session_ends_by_idleness_by_age_and_by_hand(
    app: Application, local: Acting, owner: Browser, clock: MovedClock
) -> None:
    """
    And at once where the operator is removed.
    """
    for _ in range(24):  # it is in use, and lasts twelve hours
        clock.move(minutes=29)
        assert (await owner.open("/console/applications")).status_code == 200
    clock.move(minutes=29)
    assert (await owner.open("/console/applications")).status_code == 303
    await owner.sign_in("Ada")
    clock.move(minutes=30)
    assert (await owner.open("/console/applications")).status_code == 303
    await owner.sign_in("Ada")
    stolen = dict(owner.client.cookies)
    await owner.open("/console/applications")
    assert (await owner.send("/console/sign-out")).status_code == 303
    thief = Browser(app)
    thief.client.cookies.update(stolen)
    assert (await thief.open("/console/applications")).status_code == 303
    editor = await invited(app, local, OperatorRole.EDITOR)
    assert (await editor.open("/console/applications")).status_code == 200
    gone = next(one for one in operators.listing(local) if one.role is OperatorRole.EDITOR)
    operators.remove(local, gone.id)
    assert (await editor.open("/console/applications")).status_code == 303


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
    await owner.open("/console/operators")
    assert (await owner.send(f"/console/operators/{ada}/remove")).status_code == 422
    assert (await owner.send(f"/console/operators/{ada}/role", role="viewer")).status_code == 422
    await owner.open("/console/operators")
    assert (await owner.send(f"/console/operators/{ben}/role", role="king")).status_code == 422
    await owner.open("/console/operators")
    assert (await owner.send(f"/console/operators/{ben}/role", role="owner")).status_code == 303
    assert (await owner.send(f"/console/operators/{ada}/remove")).status_code == 303
    assert (await owner.open("/console/operators")).status_code == 303  # no longer hers to see


async def test_explanation_has_an_address(owner: Browser) -> None:
    """
    It can be handed on, and says what the command line says.
    """
    made = await owner.open("/console/applications/new")
    made = await owner.send("/console/applications", name="shop-bot")
    found = re.search(r'id="app-id">(\w+)<', made.text)
    assert found is not None
    page = (
        await owner.open(f"/console/explain?application={found[1]}&resource=https://default.logto.app/api&scope=all")
    ).text
    assert "no role of the application gives it" in page
    assert "Give “shop-bot” the role “Logto Management API access”." in page
    assert "Refused: <code>invalid_target</code>" in (await owner.open(f"/console/explain?application={found[1]}")).text
    assert (await owner.open("/console/explain?application=nobody")).status_code == 404


async def test_what_people_type_is_shown_as_text(ctx: Context, local: Acting, owner: Browser) -> None:
    """
    In names, searches, questions and refusals: nothing of it becomes markup, or is run as a template.
    """
    make_role(local, PAYLOAD)
    await owner.open("/console/applications/new")
    made = await owner.send("/console/applications", name=PAYLOAD, description=PAYLOAD)
    found = re.search(r'id="app-id">(\w+)<', made.text)
    assert found is not None
    pages = [made.text, *[
        (await owner.client.get(path, params=query)).text
        for path, query in (
            ("/console/applications", {}),
            ("/console/applications", {"search": PAYLOAD}),
            ("/console/applications/new", {}),
            (f"/console/applications/{found[1]}", {}),
            ("/console/explain", {"application": PAYLOAD, "resource": PAYLOAD, "scope": PAYLOAD}),
            ("/console/explain", {"application": found[1], "resource": PAYLOAD, "scope": PAYLOAD}),
        )
    ]]  # fmt: skip
    for page in pages:
        assert "<script>alert" not in page
        assert str(71993 * 71993) not in page


async def test_every_page_is_bound(app: Application, owner: Browser) -> None:
    """
    Nothing from elsewhere, no frame around it, nothing kept; only the two files may be.
    """
    for path in (
        "",
        "/sign-in",
        "/join",
        "/start",
        "/applications",
        "/applications/new",
        "/nothing",
        "/explain",
        "/logs",
        "/keys",
        "/settings",
        "/operators",
    ):
        for browser in (owner, Browser(app)):
            answer = await browser.client.get("/console" + path)
            if answer.status_code != 303:
                policy = answer.headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert FOREIGN.search(answer.text) is None
            assert answer.headers["cache-control"] == "no-store"
    for name in ("console.css", "console.js", "htmx.min.js", "icon.svg"):
        answer = await owner.client.get(f"/console/{name}")
        assert answer.status_code == 200
        again = await owner.client.get(f"/console/{name}", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304


async def test_everything_is_recorded_with_the_operators_name(local: Acting, owner: Browser) -> None:
    """
    Who did it, by id and by name.
    """
    await owner.open("/console/applications/new")
    await owner.send("/console/applications", name="shop-bot")
    entries = logs.listing(local, LogFilter(), Page(limit=20, offset=0), count_up_to=None).records
    made = next(entry for entry in entries if entry.key == "Application.Created")
    assert made.payload["actor"] == {"type": "operator", "id": operators.listing(local)[0].id, "name": "Ada"}
    signed = {entry.key for entry in entries if '"name":"Ada"' in json.dumps(entry.payload, separators=(",", ":"))}
    assert signed >= {"Operator.Created", "Application.Created"}


@pytest.fixture
async def exposed(home: Path) -> AsyncIterator[Context]:
    """
    A server whose endpoint is plain http, off loopback.
    """
    ctx = open_context(settings_of(home, endpoint="http://id.example", allow_http_endpoint=True), NoRequestLines())
    yield ctx
    ctx.close()


async def test_plain_http_off_loopback_has_one_page(exposed: Context) -> None:
    """
    It says why, and what to do; nobody types a password there.
    """
    browser = Browser(create_app(exposed, lambda: None))
    for path in ("", "/sign-in", "/applications"):
        answer = await browser.client.get("/console" + path)
        assert answer.status_code == 403
        assert "The console needs https" in answer.text
        assert "id.example" in answer.text
        assert "<form" not in answer.text
        loaded = re.findall(r'(?:href|src)="(/console/[^"]+|/docs[^"]*|/api[^"]*)"', answer.text)
        assert len(loaded) == 6  # icon, stylesheet, scripts, and what is open to all
        for address in loaded:
            assert (await browser.client.get(address)).status_code == 200, address


@pytest.mark.usefixtures("owner")
@pytest.mark.parametrize("path", ["", "/sign-in", "/join"])
async def test_way_in_says_what_it_leads_to(app: Application, path: str) -> None:
    """
    Whoever has several servers knows whose password is asked for.
    """
    page = (await Browser(app).open(f"/console{path}")).text
    assert '<span class="brand">Watchword</span> <span class="quiet">127.0.0.1:3001</span>' in page


async def test_cookies_are_bound_to_the_host_over_https(home: Path) -> None:
    """
    `__Host-`: secure, for the whole host and no other.
    """
    ctx = open_context(settings_of(home, endpoint="https://id.example"), NoRequestLines())
    answer = await Browser(create_app(ctx, lambda: None)).client.get("/console/join")
    assert re.fullmatch(
        r"__Host-watchword-form=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure", answer.headers["set-cookie"]
    )
    ctx.close()


async def test_sessions_that_are_over_are_forgotten(ctx: Context, owner: Browser, clock: MovedClock) -> None:
    """
    A job deletes what nobody can use any more.
    """
    assert (await owner.open("/console/applications")).status_code == 200
    for minutes, left in ((29, 1), (1, 0)):
        clock.move(minutes=minutes)
        operator_sessions.run_once(ctx, ctx.clock())
        with ctx.database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM operator_sessions").scalar_one() == left


async def test_invitation_goes_with_the_owner_who_kept_it(app: Application, local: Acting, owner: Browser) -> None:
    """
    Who is removed, or made less, does not come back by a link of their own.
    """
    eve = await invited(app, local, OperatorRole.OWNER)
    ids = {one.name: one.id for one in operators.listing(local)}
    for path, fields in ((f"{ids['owner']}/role", {"role": "viewer"}), (f"{ids['owner']}/remove", {})):
        kept = operators.invite(local, OperatorRole.OWNER)
        await owner.open("/console/operators")
        assert (await owner.send(f"/console/operators/{path}", **fields)).status_code == 303
        assert (await Browser(app).join(kept, "Eve again")).status_code == 403
    assert (await eve.open("/console/operators")).status_code == 303


@pytest.mark.usefixtures("owner")
async def test_tries_at_once_and_other_spellings_are_counted(app: Application) -> None:
    """
    Neither many at a time nor blanks around a name get a guesser further.
    """
    browsers = [Browser(app, "203.0.113.7") for _ in range(30)]
    answers = await asyncio.gather(
        *(browser.sign_in(" " * number + "ADA", "wrong password") for number, browser in enumerate(browsers))
    )
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses[401] + statuses[503] == 10
    assert statuses[429] == 20
    late = await browsers[0].sign_in("Ada")
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) <= 61


@pytest.mark.usefixtures("owner")
async def test_way_back_has_the_whole_address(app: Application) -> None:
    """
    A question that was handed on is there after signing in; what was sent is not sent again.
    """
    browser = Browser(app)
    sent_away = await browser.client.get("/console/explain?application=x&scope=a%20b")
    await browser.open(sent_away.headers["location"])
    to = re.search(r'name="to" value="([^"]*)"', browser.shown.text)
    assert to is not None
    answer = await browser.send("/console/sign-in", name="Ada", password=PASSWORD, to=unescape(to[1]))
    assert answer.headers["location"] == "/console/explain?application=x&scope=a%20b"
    late = Browser(app)
    posted = await late.send("/console/applications/x/secrets")
    assert posted.headers["location"] == "/console/sign-in?to=%2Fapplications%2Fx"
    assert "what you sent was not taken" in (await late.open(posted.headers["location"])).text


@pytest.mark.parametrize("foreign", ["flag", "a/b=1", "version=1", 'prefs={"a":1,"b":[2]}', "=", ";;"])
async def test_cookies_of_others_are_in_nobodys_way(owner: Browser, foreign: str) -> None:
    """
    Other servers on this host set theirs for all ports.
    """
    own = "; ".join(f"{name}={value}" for name, value in owner.client.cookies.items())
    owner.client.cookies.clear()
    answer = await owner.client.get("/console/applications", headers={"cookie": f"{foreign}; {own}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://ID.example.com:443", "https://id.example.com"),
        ("https://id.example.com:8443", "https://id.example.com:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:3001", "http://[::1]:3001"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_origin_is_written_as_browsers_do(endpoint: str, origin: str) -> None:
    """
    However the setting is written.
    """
    assert _origin_of(urlsplit(endpoint)) == origin


async def test_long_names_are_refused(owner: Browser) -> None:
    """
    A form's own limit binds nobody.
    """
    await owner.open("/console/applications/new")
    assert (await owner.send("/console/applications", name="x" * 257)).status_code == 422
    assert (await owner.open("/console/applications?page=999")).status_code == 200
