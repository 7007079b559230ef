"""
A form that is sent when its session has ended: it waits, and nobody loses what they typed.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import PASSWORD, PAYLOAD, Browser, invited
from watchword.server.domain.names import OperatorRole
from watchword.server.web.console.waiting import SECRET_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import httpx

    from tests.support.clock import MovedClock
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application

    _Send = Callable[[Browser], Coroutine[None, None, httpx.Response]]

_NEW = "/console/applications"


async def _sent_too_late(browser: Browser, clock: MovedClock, **fields: str) -> httpx.Response:
    await browser.open(f"{_NEW}/new")
    clock.move(hours=13)
    return await browser.send(_NEW, **fields)


async def test_what_was_typed_is_sent_after_signing_in(owner: Browser, clock: MovedClock) -> None:
    """
    Not by signing in: by whoever sees what it is. A wrong password loses nothing.
    """
    shown = await _sent_too_late(owner, clock, name=f"Lathe {PAYLOAD}", description="turns")
    assert shown.status_code == 200
    assert "Your session has ended: what you sent just now was not taken." in shown.text
    assert (await owner.send("/console/sign-in", name="Ada", password="wrong")).status_code == 401
    waits = await owner.send("/console/sign-in", name="Ada", password=PASSWORD)
    assert waits.status_code == 200
    assert "<dt>Description</dt><dd><code>turns</code></dd>" in waits.text
    assert "<dt>Once</dt>" not in waits.text
    assert "<script>alert" not in waits.text
    assert "Lathe" not in (await owner.client.get(_NEW)).text
    sent = await owner.send(_NEW)
    assert (sent.status_code, "It is shown this once" in sent.text) == (200, True)
    assert "Lathe &lt;script&gt;" in (await owner.client.get(_NEW)).text
    # The same form once more makes nothing more.
    owner.shown = waits
    again = await owner.send(_NEW)
    assert "This was done already" in (await owner.open(again.headers["location"])).text


async def test_form_of_a_page_waits_with_what_it_was_shown_with(owner: Browser, clock: MovedClock) -> None:
    """
    So that what was changed by others meanwhile is not written over; what is no reader's matter is not shown.
    """
    await owner.open(f"{_NEW}/new")
    await owner.send(_NEW, name="Lathe")
    of_it = re.search(rf'href="({_NEW}/(?!new)[^/"]+)"', (await owner.open(_NEW)).text)
    assert of_it is not None
    await owner.open(of_it[1])
    clock.move(hours=13)
    await owner.send(of_it[1], name="Mill", description="", custom_data="{}")
    waits = await owner.send("/console/sign-in", name="Ada", password=PASSWORD)
    assert "<dt>Name</dt><dd><code>Mill</code></dd>" in waits.text
    assert "was_name" in waits.text
    assert "<dt>Was" not in waits.text
    assert f'<a href="{of_it[1]}">Leave it</a>' in waits.text
    assert (await owner.send(of_it[1])).status_code == 303
    assert "Mill</h1>" in (await owner.open(of_it[1])).text


async def test_form_goes_where_it_was_sent_however_that_is_called(owner: Browser, clock: MovedClock) -> None:
    """
    The address is written as it came.
    """
    await owner.open(f"{_NEW}/new")
    clock.move(hours=13)
    await owner.send(f"{_NEW}/s%C3%B6%20%3F/delete", name="Lathe")
    await owner.send("/console/sign-in", name="Ada", password=PASSWORD)
    assert f'action="{_NEW}/s%C3%B6%20%3F/delete"' in owner.shown.text


async def test_another_tab_has_signed_in_meanwhile(owner: Browser, clock: MovedClock) -> None:
    """
    The form goes on with the session that is there.
    """
    form = await _sent_too_late(owner, clock, name="Lathe")
    await owner.sign_in("Ada")
    session = owner.client.cookies["watchword-session"]
    owner.shown = form
    await owner.send("/console/sign-in")
    assert owner.client.cookies["watchword-session"] == session
    assert "It is shown this once" in (await owner.send(_NEW)).text


async def test_what_is_grave_says_what_it_does(owner: Browser, clock: MovedClock) -> None:
    """
    Whoever has come in may be somebody else, and is not asked for the password again.
    """
    await owner.open(f"{_NEW}/new")
    await owner.send(_NEW, name="Lathe")
    at = re.search(rf'href="({_NEW}/(?!new)[^/"]+)"', (await owner.open(_NEW)).text)
    assert at is not None
    await owner.open(f"{at[1]}/delete")
    clock.move(hours=13)
    await owner.send(f"{at[1]}/delete", name="Lathe")
    waits = await owner.send("/console/sign-in", name="Ada", password=PASSWORD)
    assert "<strong>Delete the application “Lathe”</strong>" in waits.text
    assert f'sent from <a href="{at[1]}/delete">this page</a>' in waits.text


async def test_who_comes_in_instead_has_their_own_rights(
    app: Application, local: Acting, owner: Browser, clock: MovedClock
) -> None:
    """
    A viewer at the same screen sends nothing that a viewer may not.
    """
    await invited(app, local, OperatorRole.VIEWER)
    await _sent_too_late(owner, clock, name="Lathe")
    await owner.send("/console/sign-in", name="viewer", password=PASSWORD)
    assert (await owner.send(_NEW)).status_code == 403


async def test_who_only_looked_is_told_that_the_session_has_ended(owner: Browser, clock: MovedClock) -> None:
    """
    And goes on there. A stranger has had none.
    """
    clock.move(hours=13)
    sent_away = await owner.open("/console/roles?page=2")
    page = await owner.open(sent_away.headers["location"])
    assert "Your session has ended. Sign in, and go on where you were." in page.text
    on = await owner.send("/console/sign-in", name="Ada", password=PASSWORD)
    assert on.headers["location"] == "/console/roles?page=2"
    owner.client.cookies.clear()
    sent_away = await owner.open("/console/roles")
    assert "has ended" not in (await owner.open(sent_away.headers["location"])).text


async def _of_another_origin(owner: Browser) -> httpx.Response:
    return await owner.send(_NEW, origin="https://evil.example", name="Lathe")


async def _of_another_browser(owner: Browser) -> httpx.Response:
    return await owner.send(_NEW, form_token="0" * 64, name="Lathe")


async def _without_a_session(owner: Browser) -> httpx.Response:
    owner.client.cookies.delete("watchword-session")
    return await owner.send(_NEW, name="Lathe")


async def _with_a_secret(owner: Browser) -> httpx.Response:
    return await owner.send("/console/users", name="Lathe", password="not to be read")


async def _too_long(owner: Browser) -> httpx.Response:
    return await owner.send(_NEW, name="\N{LATIN SMALL LETTER E WITH ACUTE}" * 8_000)


async def _with_too_many_fields(owner: Browser) -> httpx.Response:
    return await owner.send(_NEW, **{f"name{number}": "x" for number in range(501)})


async def _to_nowhere(owner: Browser) -> httpx.Response:
    return await owner.send("/console/nowhere", name="Lathe")


@pytest.mark.parametrize(
    "send",
    [
        _of_another_origin, _of_another_browser, _without_a_session, _with_a_secret, _too_long, _with_too_many_fields,
        _to_nowhere,
    ],
    ids=lambda send: send.__name__.strip("_"),
)  # fmt: skip
async def test_what_does_not_wait(owner: Browser, clock: MovedClock, send: _Send) -> None:
    """
    What is no form of this browser's own pages, has a secret, or would be too long within another form.
    """
    await owner.open(f"{_NEW}/new")
    clock.move(hours=13)
    answer = await send(owner)
    assert (answer.status_code, "Lathe" in answer.text) == (303, False)
    assert "what you sent just now was not taken" in (await owner.open(answer.headers["location"])).text


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/../api", "\\evil", "javascript:alert(1)"])
async def test_a_form_is_sent_nowhere_else(owner: Browser, path: str) -> None:
    """
    Whatever stands in the page that lets in.
    """
    await owner.send("/console/sign-out")
    await owner.open("/console/sign-in")
    fields = {"name": "Ada", "password": PASSWORD, "sent": path, "kept.name": "x"}
    waits = await owner.send("/console/sign-in", **fields)
    assert re.findall(r'<form method="post" action="([^"]*)"', waits.text) == ["/console/sign-out", "/console"]


def test_fields_with_secrets_are_known() -> None:
    """
    All that templates show as dots.
    """
    templates = files("watchword.server.web.console") / "templates"
    fields = [
        name
        for template in templates.iterdir()
        for name in re.findall(r'name="([^"]+)" type="password"', template.read_text())
    ]
    assert len(fields) > 5
    assert {name for name in fields if not name.startswith("{{")} == SECRET_FIELDS - {"confirming_password"}
