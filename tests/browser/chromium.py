"""
Chromium as the system brings it, and a window that tells all that a page does and must not.

Owns: finding and starting it, windows, what they saw. Leaves to others: what a page holds.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import ViewportSize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, Response, StorageState

NAMED_BY = "TEST_CHROMIUM"
"""Which Chromium to use. Where this is set it must be there; else the tests are skipped without one."""

WIDE, NARROW = ViewportSize(width=1280, height=800), ViewportSize(width=360, height=740)
# Tables are tables there, and the widest of them go on behind the edge.
BETWEEN = ViewportSize(width=800, height=800)
# Chromium knows nobody but this machine, whatever a page or the browser itself wants.
_ARGUMENTS = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-gpu", "--num-raster-threads=1")
# A refused form is shown with its status, which Chromium tells in its console.
_TOLD_OF_A_STATUS = "Failed to load resource: the server responded with a status of"


def find_chromium() -> str | None:
    """
    Find the browser; None where this machine has none.

    Raises:
        FileNotFoundError: The one that has to be there is not.
    """
    named = os.environ.get(NAMED_BY)
    if named is None:
        return shutil.which("chromium") or shutil.which("google-chrome")
    found = shutil.which(named)
    if found is None:
        raise FileNotFoundError(f"{NAMED_BY} is {named}, which is not there")
    return found


def launch_arguments(executable: str) -> dict[str, object]:
    """
    Say how Playwright starts it; nothing is downloaded.
    """
    return {"executable_path": executable, "args": list(_ARGUMENTS), "chromium_sandbox": False}


class Watch:
    """
    What a window has seen that no page of ours may do, a line each in `faults`.

    Args:
        origin: Where all requests must go.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.faults: list[str] = []

    def look_at(self, page: Page) -> None:
        """
        Listen to all that happens in a window.
        """
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"error in a script: {error}"))
        page.on("dialog", self._asked)
        page.on("request", self._sent)
        page.on("response", self._answered)

    def _heard(self, message: ConsoleMessage) -> None:
        # Violations of the policy are errors here, too.
        if message.type in {"error", "warning"} and not message.text.startswith(_TOLD_OF_A_STATUS):
            self.faults.append(f"{message.type}: {message.text}")

    def _asked(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _sent(self, request: Request) -> None:
        if not request.url.startswith(f"{self.origin}/"):
            self.faults.append(f"request to {request.url}")

    def _answered(self, response: Response) -> None:
        if response.request.resource_type != "document" and response.status >= 400:
            self.faults.append(f"{response.status} for {response.url}")


class Window:
    """
    A window that one test after the other uses: a page takes a third of the time in one that is warm.

    Args:
        origin: Where all requests must go.
        script: What every page has from the start, whatever its policy.
    """

    def __init__(self, browser: Browser, origin: str, *, javascript: bool = True, script: str = "") -> None:
        self._context = browser.new_context(
            base_url=origin, java_script_enabled=javascript, locale="en-GB", timezone_id="Europe/Berlin",
            permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        self._context.set_default_timeout(10_000)
        if script:
            self._context.add_init_script(script)
        self._page, self._watch = self._context.new_page(), Watch(origin)
        self._watch.look_at(self._page)

    @contextmanager
    def used(self, session: StorageState | None) -> Iterator[Page]:
        """
        Give the page, as if nobody had used it before.

        Args:
            session: Whose window it is; None for somebody whom nobody knows.

        Raises:
            AssertionError: A page did what no page of ours may.
        """
        self._page.goto("about:blank")  # the page before may be a live one, which leads to the sign-in in its own time
        self._page.set_viewport_size(WIDE)
        self._page.emulate_media(color_scheme="light")
        self._context.clear_cookies()
        if session is not None:
            self._context.add_cookies(session["cookies"])  # type: ignore[arg-type]  # as it was read
        self._watch.faults.clear()
        yield self._page
        if self._watch.faults:
            raise AssertionError("\n".join(self._watch.faults))

    def close(self) -> None:
        """
        Close it.
        """
        self._context.close()


@contextmanager
def window(browser: Browser, origin: str, *, session: StorageState | None = None) -> Iterator[Page]:
    """
    Open a window for this alone: a browser that has seen nothing, or has a session.

    Raises:
        AssertionError: A page did what no page of ours may.
    """
    with closing(Window(browser, origin)) as opened, opened.used(session) as page:
        yield page
