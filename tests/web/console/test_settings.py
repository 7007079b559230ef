"""
The room of the settings: all of them, with their origins and without secrets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Browser, invited
from watchword.server.bootstrap import open_context
from watchword.server.domain.names import OperatorRole
from watchword.server.settings import Settings, resolve
from watchword.server.web.app import create_app
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from watchword.server.context import Context
    from watchword.server.operations.operation import Acting

METRICS_TOKEN = "a-token-that-nobody-may-see"


@pytest.fixture
def ctx(home: Path) -> Iterator[Context]:
    """
    Open a home whose settings come from all places.
    """
    (home / "watchword.toml").write_text('workers = 3\nrefusals_per_minute = 7\nhost = "127.0.0.2"\n')
    variables = {"WATCHWORD_METRICS_TOKEN": METRICS_TOKEN, "WATCHWORD_WORKERS": "2"}
    resolved = resolve({"home": home, "port": 3001}, variables)
    context = open_context(resolved.settings, NoRequestLines(), origins=resolved.origins)
    yield context
    context.close()


@pytest.mark.parametrize("role", OperatorRole)
async def test_every_operator_reads_what_is_in_force_and_where_it_came_from(
    ctx: Context, local: Acting, owner: Browser, home: Path, role: OperatorRole
) -> None:
    """
    But no secret; and nothing on the page changes anything.
    """
    browser = owner if role is OperatorRole.OWNER else await invited(create_app(ctx, lambda: None), local, role)
    page = (await browser.open("/console/settings")).text
    rows = re.findall(r'<th scope="row"><code>(\w+)</code></th>(.*?)</tr>', page, re.DOTALL)
    assert [name for name, _ in rows] == list(Settings.model_fields)
    shown = {name: re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)[:2] for name, row in rows}
    assert shown["port"] == ["<code>3001</code>", "<code>command line</code>"]
    assert shown["workers"] == ["<code>2</code>", "<code>WATCHWORD_WORKERS</code>"]
    assert shown["refusals_per_minute"] == ["<code>7</code>", f"<code>{home / 'watchword.toml'}</code>"]
    assert shown["idle_timeout_seconds"] == ["<code>75</code>", '<span class="quiet">default</span>']
    assert shown["metrics_token"] == ["<code>(hidden)</code>", "<code>WATCHWORD_METRICS_TOKEN</code>"]
    assert shown["master_key"][0] == '<span class="quiet">none</span>'
    assert METRICS_TOKEN not in page
    assert page.count('method="post"') == 1
