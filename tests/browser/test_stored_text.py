"""
Hostile texts in every stored field, and every page that links lead to looked at: text stays text, and fits.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.browser.chromium import NARROW, window
from tests.browser.console import invite, join
from tests.browser.hostile import MULTIPLIED, PAYLOADS, hostile, put_hostile_texts_in
from tests.browser.judging import assert_fits
from tests.support.server import start_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.support.server import RunningServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

# Fields that some page must show. Whoever opens a room adds what is read in it.
SEEN = {
    *("application.name", "application.description", "application.custom_data", "secret.name"),
    *("role.name", "role.description", "operator.name", "session.user_agent", "resource.name"),
    *("user.name", "user.custom_data", "user.nickname", "log.scope", "log.resource", "log.user_agent"),
}
# A room that has such texts in the midst of others: a cell of the log says several things, and is cut short.
IN_SENTENCES = ("/console/logs",)
MOST_OF_A_KIND = 3  # lists show the names of all
_LOOK = """() => {
  const all = [...document.querySelectorAll("*")];
  const addresses = ["href", "src", "action", "formaction"].flatMap((name) =>
    [...document.querySelectorAll(`[${name}]`)].map((one) => one.getAttribute(name)));
  return {
    elements: document.querySelectorAll("[data-hostile]").length,
    ran: window.hostile ?? null,
    handlers: all.flatMap((one) => one.getAttributeNames()).filter((name) => name.startsWith("on")),
    elsewhere: addresses.filter((one) => new URL(one, location.href).origin !== location.origin),
    links: [...document.querySelectorAll("a[href]:not([href*='/export'])")].map((one) => one.href.replace(/#.*/, "")),
    text: [document.body.innerText, document.title,
      ...[...document.querySelectorAll("input, textarea")].map((one) => one.value)].join("\\n"),
  };
}"""
# Texts that turn what is written, and stand together with another one: neither a box nor an element keeps them apart.
_TURNING = """() => {
  const keepsApart = (one) => {
    const { display, unicodeBidi } = getComputedStyle(one);
    return !["inline", "contents"].includes(display) || ["isolate", "plaintext"].includes(unicodeBidi);
  };
  const texts = document.createTreeWalker(document.querySelector("body"), NodeFilter.SHOW_TEXT), found = [];
  while (texts.nextNode()) {
    if (!texts.currentNode.data.includes("\u202e")) continue;
    let around = texts.currentNode.parentElement;
    while (!keepsApart(around)) around = around.parentElement;
    const text = around.textContent.trim();
    const isKnown = around.closest("pre, textarea, option, [aria-labelledby=activity]");
    if (!isKnown && !/^(\u202e|<script).*~$/s.test(text)) found.push(around.outerHTML);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def hostile_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Serve a home in which every field has a hostile text.
    """
    with start_server(tmp_path_factory.mktemp("hostile") / "home") as server:
        put_hostile_texts_in(server)
        yield server


def test_hostile_texts_are_shown_as_texts(chromium: Browser, hostile_server: RunningServer) -> None:
    """
    Nothing of them becomes an element, runs, is taken for a template, or makes a page wider than a narrow window.

    None turns what stands around it.
    """
    seen = []
    with window(chromium, hostile_server.endpoint) as page:
        page.set_viewport_size(NARROW)
        page.context.set_extra_http_headers({"user-agent": hostile("session.user_agent", PAYLOADS[1])})
        join(page, invite(hostile_server), hostile("operator.name", PAYLOADS[2], 128))
        for path in walk(page, hostile_server.endpoint):
            looked: dict[str, Any] = page.evaluate(_LOOK)
            text = looked.pop("text")
            del looked["links"]
            assert looked == {"elements": 0, "ran": None, "handlers": [], "elsewhere": []}, path
            assert MULTIPLIED not in text, path
            assert "<class '" not in text, path
            if not path.removeprefix(hostile_server.endpoint).startswith(IN_SENTENCES):
                assert page.evaluate(_TURNING) == [], path
            assert_fits(page, path)
            seen += re.findall(r"~([a-z_.]+)~", text)
    assert SEEN - set(seen) == set()


def walk(page: Page, origin: str) -> Iterator[str]:
    """
    Show every page that a link leads to, from the first on; of many alike, some.
    """
    waiting, known, kinds = deque([f"{origin}/console"]), {f"{origin}/console"}, Counter[str]()
    while waiting:
        url = waiting.popleft()
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 200, f"a link leads to {url}: {answer.status}"
        yield url
        links: list[str] = page.evaluate(_LOOK)["links"]
        for link in [link for link in links if link.startswith(f"{origin}/console") and link not in known]:
            known.add(link)
            kinds[kind_of(link)] += 1
            if kinds[kind_of(link)] <= MOST_OF_A_KIND:
                waiting.append(link)


def kind_of(url: str) -> str:
    """
    Return what pages have in common that differ in ids and questions alone.
    """
    parts = urlsplit(url)
    return re.sub(r"[a-z0-9]{12,}", "…", parts.path) + "?".join(sorted(name for name, _ in parse_qsl(parts.query)))
