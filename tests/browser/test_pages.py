"""
Every page, looked at in Chromium: both themes, both widths, and that it does nothing but what it may.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import window
from tests.browser.judging import OF_DOCS, judge
from tests.browser.shown import SHOWN, Shown
from watchword.server.web.console.guard import Guard
from watchword.server.web.console.rooms import all_routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from tests.browser.console import Console

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
PAGE_OF_PICTURES = OF_DOCS.parents[1] / "reference" / "console.md"


def paths_of_pages() -> list[re.Pattern[str]]:
    """
    Return what the console shows, by the patterns of its routes; what it gives to be saved is no page.
    """
    routes = all_routes(Guard())
    return [route.pattern for route in routes if route.method == "GET" and route.pattern.pattern != "/logs/export"]


def test_every_page_is_looked_at() -> None:
    """
    A page that no line of the table shows is one that nobody has judged.
    """
    shown = [re.sub(r"{\w+}", "some", re.sub(r"[?#].*", "", one.path)) for one in SHOWN]
    assert [pattern.pattern for pattern in paths_of_pages() if not any(map(pattern.fullmatch, shown))] == []
    assert len({one.name for one in SHOWN}) == len(SHOWN)


@pytest.mark.parametrize("shown", SHOWN, ids=lambda one: one.name)
def test_page_is_accessible_and_fits(visit: Callable[..., Page], console: Console, shown: Shown) -> None:
    """
    axe-core has nothing against it, and a narrow window holds it.
    """
    page = visit(session=shown.session.of(console))
    shown.show(page, console)
    judge(page, shown.name, shown.in_docs)


_FORBIDDEN = """() => {
  const script = document.createElement("script");
  script.textContent = "window.was_run = true";
  document.body.append(script);
  const picture = document.createElement("img");
  picture.src = "http://127.0.0.1:9/elsewhere.png";
  document.body.append(picture);
  setTimeout(() => { throw new Error("of ours"); });
  alert("hello");
  return window.was_run;
}"""


def do_what_is_forbidden(chromium: Browser, console: Console) -> None:
    """
    Run a script in a page, ask for a file from elsewhere, fail, and talk in a dialog.
    """
    with window(chromium, console.origin) as page:
        page.goto("/console/sign-in")
        with page.expect_event("pageerror"):
            assert page.evaluate(_FORBIDDEN) is None


def test_window_sees_what_a_page_must_not_do(chromium: Browser, console: Console) -> None:
    """
    Else all the other tests would see nothing, whatever a page did.
    """
    with pytest.raises(AssertionError) as seen:
        do_what_is_forbidden(chromium, console)
    faults = str(seen.value)
    assert all(one in faults for one in ("script-src", "img-src", "of ours", "dialog: hello")), faults


def frame_a_page(chromium: Browser, console: Console) -> None:
    """
    Put a page into a frame, in a page of our own origin.
    """
    with window(chromium, console.origin, session=console.owner) as page:
        body = "<iframe src=/console/operators></iframe>"
        page.route("**/frame", lambda route: route.fulfill(content_type="text/html", body=body))
        page.goto("/frame")
        assert "Operators" not in page.frames[-1].content()


def test_no_page_is_shown_in_a_frame(chromium: Browser, console: Console) -> None:
    """
    Not even in one of our own origin's: who clicks there would click what is laid under it.
    """
    with pytest.raises(AssertionError, match="frame-ancestors"):
        frame_a_page(chromium, console)


def test_docs_have_the_pictures_that_the_table_names() -> None:
    """
    And no others, so that `make pictures` writes all of them anew; one page shows each.
    """
    named = {f"{one.name}-{look}.png" for one in SHOWN for look in one.in_docs}
    assert {path.name for path in OF_DOCS.iterdir()} == named
    shown = re.findall(r"\(\.\./pictures/console/([^)]+)\)", PAGE_OF_PICTURES.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(named)
