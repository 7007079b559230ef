"""
The whole guide in a browser: from an empty database to a 200 from an API of one's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.browser.chromium import window
from tests.browser.console import invite, join
from tests.support.products import run_products_api
from tests.support.server import start_server

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

INDICATOR = "https://shopping.api"


def test_guide_ends_with_a_call_that_passes(chromium: Browser, tmp_path: Path) -> None:
    """
    The first operator comes in, makes API, role and application, sees a token, and the API takes one like it.
    """
    with (
        start_server(tmp_path / "home") as server,
        run_products_api(server.issuer, INDICATOR, tmp_path / "api.log") as api,
        window(chromium, server.endpoint) as page,
    ):
        join(page, invite(server), "Ada")
        page.get_by_role("heading", name="Get started").wait_for()
        page.locator("#resource-name").fill("Online Shopping")
        page.get_by_label("API identifier").fill(INDICATOR)
        page.get_by_label("Permissions, one a line").fill("read:products\nwrite:products")
        page.get_by_role("button", name="Create API resource").click()
        page.locator("#role-name").fill("Shop reader")
        page.get_by_label("write:products").uncheck()
        page.get_by_role("button", name="Create role").click()
        page.locator("#application-name").fill("Product sync")
        page.get_by_role("button", name="Create application").click()
        app_id, secret = page.locator("#app-id").inner_text(), page.locator("#secret").inner_text()
        assert page.locator("#try-secret").input_value() == secret
        page.get_by_role("button", name="Get a token").click()
        page.get_by_text("There it is").wait_for()
        assert INDICATOR in page.get_by_label("Claims of the token").inner_text()
        assert secret not in page.content().replace(f'value="{secret}"', "")

        form = {"grant_type": "client_credentials", "resource": INDICATOR, "scope": "read:products"}
        answer = httpx.post(f"{server.issuer}/token", data=form, auth=(app_id, secret), trust_env=False)
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert api.get("/products", headers=bearer).status_code == 200
        assert api.post("/products", headers=bearer, json={"name": "Cup", "price": 1}).status_code == 403
        page.goto("/console")
        page.get_by_role("heading", name="Overview").wait_for()
