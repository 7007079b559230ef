"""
The console: forms, applications, and pages that give nothing away.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import FOREIGN, ORIGIN, PAYLOAD, TOKEN, Browser
from tests.support.roles import make_role
from watchword.server.domain.names import RoleType
from watchword.server.operations import logs, operators, roles
from watchword.server.operations.operation import Acting
from watchword.server.operations.roles import NewRole
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page

if TYPE_CHECKING:
    from watchword.server.context import Context
    from watchword.server.web.app import Application


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
    assert (await owner.send(f"{path}/roles/{role.id}/remove")).status_code == 303
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


async def test_long_names_are_refused(owner: Browser) -> None:
    """
    A form's own limit binds nobody.
    """
    await owner.open("/console/applications/new")
    assert (await owner.send("/console/applications", name="x" * 257)).status_code == 422
    assert (await owner.open("/console/applications?page=999")).status_code == 200


@pytest.mark.parametrize(("method", "status"), [("GET", 303), ("HEAD", 303), ("POST", 404)])
async def test_endpoint_itself_leads_to_the_console(app: Application, method: str, status: int) -> None:
    """
    Whoever opens it in a browser is a person. Nothing else of it is taken.
    """
    answer = await Browser(app).client.request(method, "/")
    assert (answer.status_code, answer.headers.get("location")) == (status, "/console" if status == 303 else None)
