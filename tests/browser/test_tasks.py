"""
The main task of every room, with JavaScript and without; and what JavaScript adds.
"""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import FloatRect, expect

from tests.browser.chromium import BETWEEN, NARROW
from tests.browser.console import INDICATOR, fill_in
from tests.browser.tasks import TASKS, WITH_SCRIPTS
from tests.support.shop import unique
from watchword.server.web.console.pages import ROOMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, Page, Route

    from tests.browser.console import Console

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_every_room_has_a_task() -> None:
    """
    A room that nobody uses here may be of no use to anybody.
    """
    assert {name for group in ROOMS for _, name in group} | {"account"} == TASKS.keys()


@pytest.mark.parametrize("task", [task for tasks in TASKS.values() for task in tasks], ids=lambda task: task.__name__)
def test_task_can_be_done_without_javascript(
    visit: Callable[..., Page], console: Console, task: Callable[[Page, Console], None]
) -> None:
    """
    From the first page to the last, as somebody does it by hand.
    """
    task(visit(javascript=False), console)


@pytest.mark.parametrize("task", WITH_SCRIPTS, ids=lambda task: task.__name__)
def test_scripts_are_in_nobodys_way(page: Page, console: Console, task: Callable[[Page, Console], None]) -> None:
    """
    Where they look as one types, copy, or read a part of a page anew.
    """
    task(page, console)


def test_secret_is_copied(page: Page) -> None:
    """
    The button puts into the clipboard what is shown, and says so to all who look or listen. Then it is as before.
    """
    page.goto("/console/applications/new")
    fill_in(page, {"Name": unique("Copied ")})
    page.get_by_role("button", name="Create").click()
    button = page.get_by_role("button", name="Copy secret")
    button.click()
    copied = page.get_by_role("button", name="Copied", exact=True)
    copied.wait_for()
    assert copied.inner_text() == "Copied"
    page.get_by_role("status").get_by_text("Copied secret.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#secret").inner_text()
    copied.click()
    button.wait_for()
    assert button.inner_text() == "Copy"
    assert page.locator("#said").inner_text() == ""
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('not allowed')); }")
    button.click()
    page.get_by_role("status").get_by_text("Not copied secret.").wait_for()
    button.wait_for()


def test_form_is_sent_once_by_a_double_click(page: Page) -> None:
    """
    So the secret of what it has made is seen. From the page before, it can be sent again.
    """
    page.goto("/console/applications/new")
    for name in (unique("Twice "), unique("Anew ")):
        fill_in(page, {"Name": name})
        page.get_by_role("button", name="Create").dblclick()
        page.get_by_role("heading", name="The application is there").wait_for()
        assert page.locator("#secret").inner_text().startswith("ww_")
        page.go_back()


def test_way_back_sends_no_refused_form_again(page: Page) -> None:
    """
    The browser does not ask for that either: it shows the page of the form, or what stands at its address.
    """
    page.goto("/console/applications/new")
    fill_in(page, {"Name": " "})
    page.get_by_role("button", name="Create").click()
    page.get_by_role("alert").wait_for()
    page.get_by_role("link", name="Roles", exact=True).click()
    page.get_by_role("heading", name="Roles").wait_for()
    page.go_back()
    page.get_by_role("heading", name="Applications").wait_for()


def test_search_looks_as_one_types(page: Page) -> None:
    """
    The list follows, and the address with it: to load it again shows the same. Who listens is told how many there are.
    """
    page.goto("/console/applications")
    page.get_by_label("Search by id, name or description").press_sequentially("fraud")
    page.get_by_role("status").get_by_text("1 application with “fraud”").wait_for()
    assert page.locator("caption").inner_text() == "1 application with “fraud”"
    assert page.url.endswith("?search=fraud")
    page.reload()
    assert page.get_by_role("row").count() == 2
    page.get_by_label("Search by id, name or description").fill("nobody has this")
    page.get_by_role("status").get_by_text("Nothing is called “nobody has this”.").wait_for()


def test_scopes_are_suggested_as_one_types(page: Page) -> None:
    """
    Those of the API that stands beside, though no page was asked for; the other fields keep what they have.
    """
    page.goto("/console/explain")
    scopes, typed = page.locator("#scopes option"), page.get_by_label("API identifier (resource)")
    page.get_by_label("Application: its App ID or name").fill("half a na")
    typed.press_sequentially("https://default.logto.app/api")
    expect(scopes).to_have_count(1)
    typed.fill(INDICATOR)
    expect(scopes).to_have_count(2)
    page.get_by_label("Scopes, with spaces between").press_sequentially("read:products w")
    expect(scopes).to_have_count(1)
    expect(scopes).to_have_attribute("value", "read:products write:products")
    assert page.get_by_label("Application: its App ID or name").input_value() == "half a na"
    assert page.url.endswith("/console/explain")


@pytest.mark.parametrize("is_answered", [True, False])
def test_search_that_fails_says_so_in_place(chromium: Browser, console: Console, is_answered: bool) -> None:
    """
    What it had found with other words is not left under the new ones; once it can look again, it does.

    In a window of its own, in which requests may fail.
    """

    def fail(route: Route) -> None:
        if is_answered:
            route.fulfill(status=HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            route.abort()

    with closing(chromium.new_context(base_url=console.origin, storage_state=console.owner)) as own:
        page = own.new_page()
        page.goto("/console/applications")
        box = page.get_by_label("Search by id, name or description")
        page.route("**/console/applications?search=*", fail)
        box.fill("fraud")
        page.get_by_role("alert").get_by_text("The server did not answer.").wait_for()
        assert page.get_by_role("row").count() == 0
        page.unroute_all()
        box.press("Enter")
        page.get_by_role("link", name="Fraud watch").wait_for()
        assert page.get_by_role("alert").count() == 0


def test_times_are_in_the_readers_zone(page: Page, console: Console) -> None:
    """
    In UTC where there is no JavaScript, and where one points. Both are written alike.
    """
    page.goto(console.address("/applications/{application}"))
    time = page.locator("time").first
    in_utc = datetime.fromisoformat(time.get_attribute("datetime") or "")
    assert time.get_attribute("title") == f"{in_utc:%Y-%m-%d %H:%M} UTC"
    behind = page.evaluate("(at) => new Date(at).getTimezoneOffset()", in_utc.isoformat())
    assert behind in {-60, -120}, "the browser is not in Berlin"
    assert time.inner_text() == f"{in_utc - timedelta(minutes=behind):%Y-%m-%d %H:%M}"


def test_log_is_asked_for_times_in_the_readers_zone(visit: Callable[..., Page]) -> None:
    """
    The address has them in UTC, however they were typed; where there is no JavaScript the fields do, too.
    """
    address = "/console/logs?from=2026-07-01T10%3A00%3A05"
    page = visit(javascript=False)
    page.goto(address)
    assert page.get_by_label("From (UTC)").input_value() == "2026-07-01T10:00:05"
    page = visit()
    page.goto(address)
    assert page.get_by_label("From (your time)").input_value() == "2026-07-01T12:00:05"  # Berlin, in summer
    page.get_by_label("To (your time)").fill("2026-12-01T12:00")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/console/logs?*to=2026-12-01T11%3A00%3A00")
    assert "from=2026-07-01T10%3A00%3A05" in page.url
    assert page.get_by_label("To (your time)").input_value() in {"2026-12-01T12:00", "2026-12-01T12:00:00"}
    twice = "/console/logs?from=2026-10-25T01%3A30%3A00"  # half past two, for the second time: in winter
    page.goto(twice)
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/console/logs?*event=*")
    assert "from=2026-10-25T01%3A30%3A00" in page.url
    page.get_by_label("From (your time)").fill("")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/console/logs?*&from=&*")
    assert page.get_by_label("From (your time)").input_value() == ""


def test_application_is_created_by_keyboard_alone(page: Page) -> None:
    """
    The first thing one reaches leads past the navigation; what has the focus is seen; Enter sends the form.
    """
    name = unique("Keys ")
    page.goto("/console/applications")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    assert page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    walk_to(page, "Create application")
    page.keyboard.press("Enter")
    page.wait_for_url("**/new")
    walk_to(page, "Name")
    page.keyboard.type(name)
    walk_to(page, "Shop reader Looks at products")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_text("It is shown this once.").wait_for()
    walk_to(page, "Copy secret")
    page.keyboard.press("Enter")
    page.get_by_text("Copied", exact=True).wait_for()
    page.get_by_role("link", name="Take away role Shop reader").wait_for()


@pytest.fixture
def many_roles(console: Console) -> Iterator[list[str]]:
    """
    Have more roles than a page shows, and return their names.
    """
    role = {"description": "x", "type": "MachineToMachine"}
    with console.server.new_management() as management:
        roles = [management.post("/roles", json={"name": unique("Of many "), **role}).json() for _ in range(50)]
        yield [role["name"] for role in roles]
        for one in roles:
            assert management.delete(f"/roles/{one['id']}").status_code == HTTPStatus.NO_CONTENT


def test_enter_sends_the_form_and_not_its_search(page: Page, many_roles: list[str]) -> None:
    """
    The search stands before the form's own button. In its field Enter searches.
    """
    name = unique("Entered ")
    page.goto("/console/applications/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("There are more roles than are shown").press_sequentially(f"{many_roles[0]}\n")
    page.get_by_label(many_roles[0]).wait_for()
    assert page.get_by_role("checkbox").count() == 1
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_text("It is shown this once.").wait_for()
    page.get_by_role("heading", name=name).wait_for()


def test_narrow_window_reaches_every_room(page: Page) -> None:
    """
    By keyboard and by finger: each link of the navigation is shown where it is asked for.
    """
    page.set_viewport_size(NARROW)
    page.goto("/console/applications")
    for label in [label for group in ROOMS for label, _ in group]:
        page.get_by_role("navigation", name="Rooms").get_by_role("link", name=label, exact=True).click()
        here = page.locator("nav.rooms a[aria-current=page]")
        assert here.inner_text() == label
        box = here.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW["width"]


def test_table_that_goes_on_is_shaded_where_it_does(page: Page) -> None:
    """
    On the right at first, on the left at its end, and nowhere in a wide window.
    """
    page.goto("/console/account")
    assert corner(page, "right") == corner(page, "left")
    page.set_viewport_size(BETWEEN)
    assert corner(page, "right") != corner(page, "left")
    right, left = corner(page, "right"), corner(page, "left")
    page.get_by_role("region", name="List of sessions").evaluate("(one) => one.scrollTo(one.scrollWidth, 0)")
    assert corner(page, "right") == left
    assert corner(page, "left") != left
    assert corner(page, "left") != right  # it fades away to the other side


def test_table_that_is_whole_is_no_stop_of_the_keyboard(page: Page) -> None:
    """
    One that can be scrolled is; and it becomes one as the window gets narrow.
    """
    page.goto("/console/account")
    table = page.locator(".scroll")
    table.and_(page.locator("[tabindex='-1']")).wait_for()
    page.set_viewport_size(BETWEEN)
    table.and_(page.locator("[tabindex='0']")).wait_for()
    page.set_viewport_size(NARROW)
    table.and_(page.locator("[tabindex='-1']")).wait_for()


def test_window_that_gets_narrow_stays_where_one_reads(page: Page, console: Console) -> None:
    """
    The rooms move in their line alone, so that the one that is shown is in sight: the page does not.
    """
    page.goto(console.address("/applications/{application}"))
    page.evaluate("scrollTo(0, 500)")
    page.set_viewport_size(BETWEEN)
    own = page.get_by_role("navigation", name="Rooms").locator("[aria-current]")
    page.wait_for_function("matchMedia('(max-width: 55.99rem)').matches")
    assert page.evaluate("scrollY") > 300
    page.set_viewport_size(NARROW)
    page.reload()
    box = own.bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= NARROW["width"] - box["width"]


def test_log_is_read_on_a_telephone_without_moving_it(page: Page) -> None:
    """
    How each thing came out stands beside when it was; who did what says so below. In a wide window it is a table.
    """
    page.goto("/console/logs")
    page.get_by_role("columnheader", name="Outcome").wait_for()
    row = page.locator("tbody tr", has=page.locator("[data-label=What]:not(:empty)")).first
    what = row.locator("[data-label=What]")
    label = "(one) => getComputedStyle(one, '::before').content"
    assert what.evaluate(label) == "none"
    page.set_viewport_size(NARROW)
    page.locator(".scroll[tabindex='-1']").wait_for()
    assert '"What"' in what.evaluate(label)
    time, outcome, event = (row.locator("th, td").nth(place) for place in range(3))
    assert top_of(time) == top_of(outcome) < top_of(event) < top_of(what)


def test_role_is_given_by_choice_alone(page: Page, console: Console) -> None:
    """
    Nothing is chosen beforehand, and least of all the right to run this server.
    """
    page.goto(console.address("/applications/{application}"))
    choice = page.get_by_label("Another role")
    assert choice.input_value() == ""
    page.get_by_role("button", name="Give role").click()
    assert choice.evaluate("one => one.validity.valueMissing")


def test_row_of_a_table_has_one_line_below_it(page: Page) -> None:
    """
    Whatever is in its cells.
    """
    page.goto("/console/operators")
    page.get_by_role("button", name="Change role of Ada").wait_for()
    ends = "(row) => [...row.cells].map((cell) => cell.getBoundingClientRect().bottom)"
    assert len(set(page.get_by_role("row").last.evaluate(ends))) == 1


def top_of(one: Locator) -> float:
    """
    Return how far down the page something is.
    """
    box = one.bounding_box()
    assert box is not None
    return box["y"]


def corner(page: Page, side: str) -> bytes:
    """
    Return a picture of what lies below a table, at one side of its frame.
    """
    page.locator(".scroll").evaluate("(one) => one.scrollIntoView({ block: 'end' })")
    box = page.locator(".scroll").bounding_box()
    assert box is not None
    left = box["x"] + (box["width"] - 4 if side == "right" else 0)
    return page.screenshot(clip=FloatRect(x=left, y=box["y"] + box["height"] - 8, width=4, height=4))


def focused(page: Page) -> str:
    """
    Return what the thing that has the focus is called.
    """
    name: str = page.evaluate(
        """() => {
          const one = document.activeElement;
          const text = one.getAttribute("aria-label") ?? one.labels?.[0]?.textContent ?? one.textContent;
          return text.trim().replace(/\\s+/g, " ");
        }"""
    )
    return name


def walk_to(page: Page, name: str) -> None:
    """
    Press Tab until a thing has the focus; wherever it is on the way, it is seen.
    """
    for _ in range(60):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or page.evaluate("document.activeElement === document.body"), focused(page)
        if focused(page) == name:
            return
    pytest.fail(f"no Tab leads to {name}")
