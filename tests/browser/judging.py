"""
What every page has to be: accessible in both themes and at both widths, and no wider than the window.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import FloatRect, ViewportSize

from tests.browser.chromium import NARROW, WIDE
from tests.support.node import NODE_MODULES, NodeIsNotSetUp

if TYPE_CHECKING:
    from playwright.sync_api import Page

PICTURES = "WATCHWORD_PICTURES"
"""A folder: pictures of all pages go there, and those that the docs show to the docs, for `make pictures`."""
OF_DOCS = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "console"
_HIGHEST_OF_DOCS = 960  # pixels

Theme = Literal["light", "dark"]
# What a theme and a width can change. All other rules say the same of both looks.
_OF_LOOKS = ("color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size")
# A theme changes colours and a width the boxes: two looks see both of each. Pictures are taken of all four.
_JUDGED: Sequence[tuple[ViewportSize, str, Theme]] = ((WIDE, "wide", "light"), (NARROW, "narrow", "dark"))
_ONLY_SHOWN: Sequence[tuple[ViewportSize, str, Theme]] = ((WIDE, "wide", "dark"), (NARROW, "narrow", "light"))
# axe-core judges no colours above a picture, and takes the shade at a table's edge for one.
_WITHOUT_SHADES = "document.querySelectorAll('.scroll').forEach((one) => { one.style.backgroundImage = 'none'; })"
# Where the tests' own server keeps its files is nobody's business: in a picture they lie where most have them.
_ELSEWHERE = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    text.data = text.data.replace(/\\/\\S*\\/home(?![a-z])/g, "/var/lib/watchword");
  }
}"""
_WIDER = """() => {
  const widest = document.documentElement.clientWidth;
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > widest + 0.5 && !one.closest(".scroll, nav, pre"))
    .map((one) => one.outerHTML.slice(0, 120));
}"""
# Words that a table breaks, though they are shorter than ids and addresses. Beside other signs a line may end.
_BROKEN = """() => {
  const broken = [], words = document.createRange();
  for (const cell of document.querySelectorAll(".scroll :is(th, td)")) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      for (const { 0: word, index } of text.data.matchAll(/(?<![^\\s])[\\w:.,]{2,24}(?![^\\s])/g)) {
        words.setStart(text, index);
        words.setEnd(text, index + word.length);
        if (new Set([...words.getClientRects()].map((part) => Math.round(part.top))).size > 1) broken.push(word);
      }
    }
  }
  return broken;
}"""


def judge(page: Page, name: str, in_docs: Sequence[str] = ()) -> None:
    """
    Look at the page that is shown: light and dark, wide and narrow. Where pictures are wanted, take four.

    Args:
        name: What the pictures are called.
        in_docs: Which of them the docs show: `wide-light` and the like.

    Raises:
        AssertionError: axe-core finds something, a narrow window does not hold the page, or a table breaks a word.
    """
    for size, width, theme in _JUDGED:
        _turn(page, size, theme)
        found = violations(page, () if size is WIDE else _OF_LOOKS)
        if found:
            raise AssertionError("\n".join([f"{name}, {width}, {theme}:", *found]))
        assert_fits(page, f"{name}, {width}")
        assert_words_are_whole(page, f"{name}, {width}")
    for size, width, theme in (*_JUDGED, *_ONLY_SHOWN) if os.environ.get(PICTURES) else ():
        _turn(page, size, theme)
        _take_picture(page, name, f"{width}-{theme}", in_docs)
    _turn(page, WIDE, "light")


def _turn(page: Page, size: ViewportSize, theme: Theme) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=theme)
    # Scripts hear of another size when the page is drawn with it: at the second picture they have done what they do.
    page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """
    Return what axe-core has against the page, a line for each element.

    Args:
        rules: Which to ask; all, where none is named.
    """
    if page.evaluate("typeof bringAxe") == "undefined":
        page.evaluate(axe_script())
    page.evaluate("typeof axe == 'undefined' && bringAxe()")
    page.evaluate(_WITHOUT_SHADES)
    options = {"resultTypes": ["violations"], "preload": False, **({"runOnly": list(rules)} if rules else {})}
    found: list[dict[str, Any]] = page.evaluate("(how) => axe.run(how).then((found) => found.violations)", options)
    return [f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def assert_fits(page: Page, name: str) -> None:
    """
    Check that nothing stands out to the right but within what scrolls by itself.
    """
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        raise AssertionError(f"{name} is wider than the window: {page.evaluate(_WIDER)}")


def assert_words_are_whole(page: Page, name: str) -> None:
    """
    Check that a narrow column of a table breaks no word.
    """
    broken = page.evaluate(_BROKEN)
    if broken:
        raise AssertionError(f"{name} breaks {broken}")


def _take_picture(page: Page, name: str, look: str, in_docs: Sequence[str]) -> None:
    folder, file = os.environ[PICTURES], f"{name}-{look}.png"
    page.evaluate(_ELSEWHERE)
    page.screenshot(path=Path(folder, file), full_page=True, animations="disabled", caret="hide")
    if look in in_docs:
        size = page.viewport_size or WIDE
        height = min(page.evaluate("document.documentElement.scrollHeight"), _HIGHEST_OF_DOCS)
        clip = FloatRect(x=0, y=0, width=size["width"], height=height)
        page.screenshot(path=OF_DOCS / file, full_page=True, clip=clip, animations="disabled", caret="hide")


@cache
def axe_script() -> str:
    """
    Return a script that brings axe-core into a page where it is asked for: to send it to each page takes longer.

    Raises:
        NodeIsNotSetUp: It is not there.
    """
    path = NODE_MODULES / "axe-core" / "axe.min.js"
    if not path.exists():
        raise NodeIsNotSetUp
    return f"window.bringAxe = () => {{ {path.read_text(encoding='utf-8')} }};"
