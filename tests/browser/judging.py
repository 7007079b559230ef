"""
What every page has to be: accessible in both themes and at both widths, and no wider than the window.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import ViewportSize

from tests.browser.chromium import NARROW, WIDE
from tests.support.node import NODE_MODULES, NodeIsNotSetUp

if TYPE_CHECKING:
    from playwright.sync_api import Page

PICTURES = "WATCHWORD_PICTURES"
"""A folder: pictures of all pages go there, for `make pictures`."""

Theme = Literal["light", "dark"]
_COLOURS = ("color-contrast",)
# A theme changes colours and a width the boxes: two looks are whole, the other two ask about colours alone.
_LOOKS: Sequence[tuple[ViewportSize, str, Theme, Sequence[str]]] = (
    (WIDE, "wide", "light", ()),
    (WIDE, "wide", "dark", _COLOURS),
    (NARROW, "narrow", "dark", ()),
    (NARROW, "narrow", "light", _COLOURS),
)
_WIDER = """() => {
  const widest = document.documentElement.clientWidth;
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > widest + 0.5 && !one.closest(".scroll, nav, pre"))
    .map((one) => one.outerHTML.slice(0, 120));
}"""


def judge(page: Page, name: str) -> None:
    """
    Look at the page that is shown: light and dark, wide and narrow. Where pictures are wanted, take four.

    Args:
        name: What the pictures are called.

    Raises:
        AssertionError: axe-core finds something, or the page is wider than a narrow window.
    """
    for size, width, theme, rules in _LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme)
        found = violations(page, rules)
        if found:
            raise AssertionError("\n".join([f"{name}, {width}, {theme}:", *found]))
        _take_picture(page, f"{name}-{width}-{theme}")
        assert_fits(page, f"{name}, {width}")
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """
    Return what axe-core has against the page, a line for each element.

    Args:
        rules: Which to ask; all, where none is named.
    """
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_axe())
    options = {"resultTypes": ["violations"], "preload": False, **({"runOnly": list(rules)} if rules else {})}
    found: list[dict[str, Any]] = page.evaluate("(how) => axe.run(how).then((found) => found.violations)", options)
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def assert_fits(page: Page, name: str) -> None:
    """
    Check that nothing stands out to the right but within what scrolls by itself.
    """
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        raise AssertionError(f"{name} is wider than the window: {page.evaluate(_WIDER)}")


def _take_picture(page: Page, name: str) -> None:
    folder = os.environ.get(PICTURES)
    if folder:
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True, animations="disabled", caret="hide")


@cache
def _axe() -> str:
    path = NODE_MODULES / "axe-core" / "axe.min.js"
    if not path.exists():
        raise NodeIsNotSetUp
    return path.read_text(encoding="utf-8")
