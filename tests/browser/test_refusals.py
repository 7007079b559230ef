"""
Forms that are refused, where one goes on at the field that it is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.console import INDICATOR, fill_in
from tests.support.shop import unique

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.mark.parametrize("javascript", [True, False])
def test_one_goes_on_at_the_field_that_was_refused(visit: Callable[..., Page], javascript: bool) -> None:
    """
    It has the focus, and says what is wrong with it. From the top a link leads there.
    """
    page = visit(javascript=javascript)
    page.goto("/console/resources/new")
    fill_in(page, {"Name": unique("Again "), "API identifier": INDICATOR})
    page.get_by_role("button", name="Create").click()
    refused = page.locator("#indicator:focus")
    refused.wait_for()
    described_by = (refused.get_attribute("aria-describedby") or "").split()
    assert "already in use" in page.locator(f"#{described_by[0]}").inner_text()
    page.get_by_label("Name", exact=True).focus()
    page.get_by_role("alert").get_by_role("link").press("Enter")
    refused.wait_for()
