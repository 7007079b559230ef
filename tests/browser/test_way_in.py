"""
The first operator, who comes in by the link that was printed; and the form for whoever is asked first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.browser.chromium import window
from tests.browser.console import PASSWORD, fill_in, forget_passwords, invite, join
from tests.browser.judging import judge
from tests.support.server import start_server
from tests.support.shop import unique

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.browser.console import Console

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_first_operator_comes_in_by_the_printed_link(chromium: Browser, tmp_path: Path) -> None:
    """
    The part behind the # fills the form, stands in no address afterwards, and is sent to nobody but by the form.
    """
    with start_server(tmp_path / "home") as server, window(chromium, server.endpoint) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto("/console")
        page.get_by_role("heading", name="The first operator").wait_for()
        judge(page, "first-operator")
        link = invite(server)
        invitation = link.partition("#")[2]
        page.goto(link)
        assert page.get_by_label("Invitation", exact=True).input_value() == invitation
        assert page.url.endswith("/console/join")
        page.get_by_label("Your name").fill("Ada")
        page.get_by_label("Password, ").fill(PASSWORD)
        page.get_by_label("The password again").fill(PASSWORD)
        page.get_by_role("button", name="Join").click()
        page.get_by_role("heading", name="Get started").wait_for()
        assert [url for url in asked if invitation in url.partition("#")[0]] == []
        assert invitation not in server.output


def test_link_that_is_put_into_the_open_page_fills_it(visit: Callable[..., Page], console: Console) -> None:
    """
    The browser loads nothing anew then: the address differs by what is behind the # alone.
    """
    page, link = visit(session=None), invite(console.server, "viewer")
    page.goto("/console/join")
    page.goto(link)
    page.wait_for_function("!location.hash")
    assert page.get_by_label("Invitation", exact=True).input_value() == link.partition("#")[2]


def test_invitation_is_typed_where_there_is_no_javascript(visit: Callable[..., Page], console: Console) -> None:
    """
    The same page has a field for it.
    """
    page, name = visit(session=None, javascript=False), unique("Typist ")
    join(page, invite(console.server, "viewer"), name)
    page.get_by_role("link", name=name).wait_for()
    page.goto("/console/applications")
    assert page.get_by_role("link", name="Create application").count() == 0


@pytest.mark.parametrize("javascript", [True, False])
def test_sign_in_leads_to_the_page_that_was_asked_for(
    visit: Callable[..., Page], console: Console, javascript: bool
) -> None:
    """
    With its question; signing out leads back to the form.
    """
    page = visit(session=None, javascript=javascript)
    page.goto("/console/explain?application=nobody&scope=a+b")
    fill_in(page, {"Name": "Ada", "Password": PASSWORD})
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_label("Scopes, with spaces between").input_value() == "a b"
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


@pytest.mark.parametrize("javascript", [True, False])
def test_form_goes_on_behind_the_password(visit: Callable[..., Page], console: Console, javascript: bool) -> None:
    """
    What was filled in before the password was asked for is done, once it is said.
    """
    page, name, operator = visit(session=None, javascript=javascript), unique("Waited "), unique("Dora ")
    join(page, invite(console.server, "editor"), operator)
    page.goto("/console/applications/new")
    fill_in(page, {"Name": name})
    forget_passwords(console.server, operator)
    page.get_by_role("button", name="Create").click()
    page.get_by_label(f"Password of {operator}").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name=name).wait_for()
    assert page.locator("#secret").inner_text().startswith("ww_")


# As an attacker writes them: browsers read backslashes, blanks and dots in their own way.
ELSEWHERE = ("//evil.example", "/\\evil.example", "/..//evil.example", "/%2e%2e//evil.example", "@evil.example")


def test_sign_in_leads_to_no_other_host(visit: Callable[..., Page], console: Console) -> None:
    """
    Whatever stands in the address that somebody was sent.
    """
    page = visit(session=None)
    for to in ELSEWHERE:
        page.context.clear_cookies()
        page.goto(f"/console/sign-in?{urlencode({'to': to})}")
        fill_in(page, {"Name": "Ada", "Password": PASSWORD})
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in").click()
        assert page.url.startswith(f"{console.origin}/console"), to
