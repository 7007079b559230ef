"""
Forms: what is typed into them, and the addresses that they are sent to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.browser import ORIGIN, invited
from watchword.server.domain.names import OperatorRole
from watchword.server.domain.problems import Problem
from watchword.server.operations import resources, scopes
from watchword.server.operations.resources import NewResource
from watchword.server.web.console import users as users_room
from watchword.server.web.console.forms import is_typed, json_object

if TYPE_CHECKING:
    from tests.support.browser import Browser
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application


@pytest.mark.parametrize(
    "text", ["[]", "1", "{", '{"a": NaN}', '{"a": 1e999}', '{"a": "\\ud800"}', "[" * 100_000, "\ud800"]
)
def test_what_is_no_json_object_is_told(text: str) -> None:
    """
    What the database could not keep as it is, too.
    """
    with pytest.raises(Problem) as refused:
        json_object(text)
    assert refused.value.status == 422


def test_json_object_is_read() -> None:
    """
    An empty field is an empty one.
    """
    assert json_object("") == {}
    assert json_object('{"team": {"name": "blau"}}') == {"team": {"name": "blau"}}


def test_name_is_typed_as_a_page_shows_it() -> None:
    """
    A browser shows one blank where there are many.
    """
    assert is_typed(" shop  bot", "shop bot\n", "x1")
    assert not is_typed("shopbot", "shop bot", "x1")


@pytest.mark.parametrize("name", ["shop bot", "  ", "\u202e\u0301"])
def test_id_is_typed_in_place_of_a_name(name: str) -> None:
    """
    No field that was left empty stands for a name of blanks.
    """
    assert is_typed(" x1 ", name, "x1")
    assert not is_typed("x1 x1", name, "x1")
    assert not is_typed("", name, "x1")
    assert not is_typed("  ", name, "x1")


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("/applications/x/secrets", "/applications/x"),
        ("/applications/x/secrets/delete", "/applications/x"),
        ("/start/try", "/start"),
        ("/explain/remedies", "/explain"),
        ("/account/sessions/end-others", "/account"),
        ("/keys/rotate", "/keys"),
    ],
)
async def test_address_of_a_form_leads_to_its_page(owner: Browser, path: str, above: str) -> None:
    """
    Whoever loads a refused form's page anew is not lost.
    """
    answer = await owner.open(f"/console{path}")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console{above}")


@pytest.mark.parametrize(
    ("path", "fields", "back"),
    [
        ("/applications/gone/roles", {"role": "x"}, "/console/applications/gone"),
        ("/applications/gone/secrets/delete/", {"name": "x"}, "/console/applications/gone/secrets/delete"),
        ("/operators", {"role": "king"}, "/console/operators"),
        ("/resources", {"form_token": "too old"}, "/console/resources/new"),
        ("/roles/a%22%3E%3Cb%3E/members", {"member": "x"}, "/console/roles/a%22%3E%3Cb%3E/members"),
        ("//evil.example/delete", {}, "/console"),
    ],
)
async def test_refusal_leads_back_to_the_page_of_its_form(
    owner: Browser, path: str, fields: dict[str, str], back: str
) -> None:
    """
    Never out of the console, whatever the address was.
    """
    await owner.open("/console/applications/new")
    refused = await owner.send(f"/console{path}", **fields)
    assert 400 <= refused.status_code < 500
    assert f'<p><a href="{back}">' in refused.text


async def test_what_is_gone_leads_to_the_page_above(owner: Browser) -> None:
    """
    As far as there is one.
    """
    for path, back in (("/roles/gone/members", "/roles/gone"), ("/roles/gone", "/roles"), ("/nothing", "")):
        answer = await owner.open(f"/console{path}")
        assert answer.status_code == 404
        assert f'<p><a href="/console{back}">' in answer.text


async def test_address_that_can_not_be_read_is_not_called_a_form(owner: Browser) -> None:
    """
    Nor does a form that can't be read bear the address's name.
    """
    answer = await owner.open("/console/roles?search=%ff")
    assert (answer.status_code, "The address can&#39;t be read." in answer.text) == (400, True)
    await owner.open("/console/roles/new")
    headers = {"origin": ORIGIN, "content-type": "application/x-www-form-urlencoded"}
    sent = await owner.client.post("/console/roles", content="name=%ff", headers=headers)
    assert (sent.status_code, "The form can&#39;t be read." in sent.text) == (400, True)


async def test_pages_of_a_list_are_reached_from_a_refused_form(local: Acting, owner: Browser) -> None:
    """
    The list stands at the address of its page, not at the form's.
    """
    api = resources.create(local, NewResource(name="Shop", indicator="https://shop.example"))
    for number in range(21):
        scopes.create(local, api.id, f"do:{number}", None)
    await owner.open(f"/console/resources/{api.id}")
    refused = await owner.send(f"/console/resources/{api.id}/scopes", scope_name="do:1")
    assert refused.status_code == 422
    assert f'href="/console/resources/{api.id}?page=2"' in refused.text


@pytest.mark.usefixtures("owner")
async def test_viewer_can_not_have_passwords_hashed(
    app: Application, local: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Each takes 50 ms: the permission comes first.
    """
    hashed: list[str] = []
    viewer = await invited(app, local, OperatorRole.VIEWER)
    monkeypatch.setattr(users_room, "read_password", lambda *given: hashed.append(given[0]))
    await viewer.open("/console/users")
    assert (await viewer.send("/console/users", username="eve", password="correct horse")).status_code == 403
    assert hashed == []
