"""
What the overview reads again by itself: how old it is, and that it leaves alone whoever reads in it.
"""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import BETWEEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page, Route

    from tests.browser.console import Console

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TICK = 10_000
_PART = "**/console/overview?part=now"
_WATCH = """() => {
  window.asked = 0;
  document.addEventListener("htmx:beforeRequest", () => { window.asked += 1; });
  document.addEventListener("htmx:afterRequest", () => { document.body.dataset.answered = ""; });
  for (const id of ["now", "as-of"]) document.getElementById(id).dataset.before = "";
}"""
_SELECT = "getSelection().selectAllChildren(document.getElementById('failures'))"


@pytest.fixture
def overview(chromium: Browser, console: Console) -> Iterator[Page]:
    """
    Open the overview in a window of its own, whose clock can be moved, and in which requests may fail.
    """
    options = {"base_url": console.origin, "storage_state": console.owner, "timezone_id": "Europe/Berlin"}
    with closing(chromium.new_context(**options)) as own:  # type: ignore[arg-type]
        page = own.new_page()
        page.clock.install()
        page.goto("/console/overview")
        page.evaluate(_WATCH)
        yield page


def wait_for_a_tick(page: Page) -> int:
    """
    Let the time pass; return how often the part has been asked for since the page was opened.
    """
    page.clock.fast_forward(TICK)
    asked: int = page.evaluate("window.asked")
    return asked


def assert_renewed(page: Page) -> None:
    """
    Wait for another part in the place of the one that was there, and for another time with it.
    """
    page.locator("#now:not([data-before])").wait_for()
    page.locator("#as-of:not([data-before])").wait_for()


def test_it_says_how_old_it_is(overview: Page, visit: Callable[..., Page]) -> None:
    """
    In the reader's zone where there is JavaScript, and silently; what can't be paused has no button.
    """
    assert wait_for_a_tick(overview) == 1
    assert_renewed(overview)
    time = overview.locator("#as-of time")
    assert (time.get_attribute("title") or "").endswith(" UTC")
    assert "UTC" not in time.inner_text()
    assert overview.locator("[aria-live], [role=status]:not(:empty)").count() == 0
    page = visit(javascript=False)
    page.goto("/console/overview")
    assert page.locator("#as-of").inner_text().endswith(" UTC")
    assert not page.get_by_text("Pause updates").is_visible()


def test_it_is_paused_by_keyboard(overview: Page) -> None:
    """
    And goes on at once where it is resumed.
    """
    overview.get_by_role("button", name="Pause updates").focus()
    overview.keyboard.press("Enter")
    assert wait_for_a_tick(overview) == 0
    assert overview.get_by_role("button", name="Resume updates").evaluate("one => one === document.activeElement")
    overview.keyboard.press("Space")
    assert_renewed(overview)
    overview.get_by_role("button", name="Pause updates").wait_for()
    assert wait_for_a_tick(overview) == 2


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (_SELECT, "getSelection().removeAllRanges()"),
        ("document.querySelector('#now a').focus()", "document.activeElement.blur()"),
        ("document.querySelector('#now details').open = true", "document.querySelector('#now details').open = false"),
    ],
    ids=["selection", "focus", "table"],
)
def test_it_stays_while_somebody_reads_in_it(overview: Page, begin: str, end: str) -> None:
    """
    Has selected a text, goes through it by keyboard, has opened a table.
    """
    overview.evaluate(begin)
    assert wait_for_a_tick(overview) == 0
    overview.evaluate(end)
    assert wait_for_a_tick(overview) == 1
    assert_renewed(overview)


def test_answer_that_is_late_takes_no_selection_away(overview: Page) -> None:
    """
    What was selected while the server was asked is still there.
    """

    def select_meanwhile(route: Route) -> None:
        overview.evaluate(_SELECT)
        route.continue_()

    overview.route(_PART, select_meanwhile)
    wait_for_a_tick(overview)
    overview.locator("body[data-answered]").wait_for()
    assert overview.locator("#now[data-before]").count() == overview.locator("#as-of[data-before]").count() == 1
    assert overview.evaluate("getSelection().toString()") == "Refused, and why"


@pytest.mark.parametrize("is_answered", [True, False])
def test_it_says_that_it_is_not_renewed(overview: Page, is_answered: bool) -> None:
    """
    What it shows stays, with its time; once the server answers again, it is as before.
    """

    def fail(route: Route) -> None:
        if is_answered:
            route.fulfill(status=HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            route.abort()

    read_at = overview.locator("#as-of time").get_attribute("datetime")
    overview.route(_PART, fail)
    wait_for_a_tick(overview)
    overview.get_by_text("The server did not answer. Not updated since").wait_for()
    assert overview.locator("#as-of time").get_attribute("datetime") == read_at
    assert overview.locator("#now[data-before]").count() == 1
    overview.unroute_all()
    wait_for_a_tick(overview)
    assert_renewed(overview)
    assert overview.locator("#as-of").inner_text().startswith("As of ")


def test_what_is_read_again_stays_where_it_was_moved(overview: Page) -> None:
    """
    A table that is wider than the window.
    """
    overview.set_viewport_size(BETWEEN)
    refusals = overview.get_by_role("region", name="List of refusals")
    refusals.evaluate("(table) => { table.scrollLeft = 60; }")
    wait_for_a_tick(overview)
    assert_renewed(overview)
    assert refusals.evaluate("(table) => table.scrollLeft") == 60
