"""
One server, one Chromium and two windows for these tests (on each xdist worker).

Both end with the folder: while Playwright runs, no other test of the process could have an event loop.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.chromium import NAMED_BY, Window, find_chromium, launch_arguments, window
from tests.browser.console import Console, forget_passwords, invite, join, operator_id, put_something_in, sign_in
from tests.browser.judging import axe_script
from tests.support.server import start_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from playwright.sync_api import Browser, Page, StorageState


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """
    Start the system's Chromium.
    """
    executable = find_chromium()
    if executable is None:
        pytest.skip(f"these tests need Chromium: apt-get install chromium, or name one by {NAMED_BY}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_arguments(executable))  # type: ignore[arg-type]
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def console(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """
    Serve a home with something in every room; Ada is its first operator.
    """
    with start_server(tmp_path_factory.mktemp("console") / "home") as server:
        with window(chromium, server.endpoint) as page:
            join(page, invite(server), "Ada")
            idle = page.context.storage_state()
            forget_passwords(server, "Ada")
            page.context.clear_cookies()
            sign_in(page, "Ada")
            owner = page.context.storage_state()
            page.context.clear_cookies()
            join(page, invite(server, "viewer"), "Vera")
            viewer = page.context.storage_state()
        people = {"operator": operator_id(server, "Ada"), "viewer": operator_id(server, "Vera")}
        names = {**put_something_in(server), **people}
        yield Console(server=server, names=names, owner=owner, idle=idle, viewer=viewer)
        assert "Traceback (most recent call last)" not in server.output


@pytest.fixture(scope="package")
def windows(chromium: Browser, console: Console) -> Iterator[Mapping[bool, Window]]:
    """
    Open two windows: one that runs scripts, and one that does not.
    """
    opened = {
        True: Window(chromium, console.origin, script=axe_script()),
        False: Window(chromium, console.origin, javascript=False),
    }
    yield opened
    for one in opened.values():
        one.close()


@pytest.fixture
def visit(windows: Mapping[bool, Window], console: Console) -> Iterator[Callable[..., Page]]:
    """
    Get to a window, as the owner where nothing else is said: `visit()`, `visit(session=None, javascript=False)`.

    In the end it must have seen nothing but what a page may do.
    """
    with ExitStack() as used:

        def use(session: StorageState | None = console.owner, *, javascript: bool = True) -> Page:
            return used.enter_context(windows[javascript].used(session))

        yield use


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    """
    Get to a window as the owner.
    """
    return visit()
