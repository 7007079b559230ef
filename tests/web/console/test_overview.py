"""
The overview, and what an application's page says of its use.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import FOREIGN, PAYLOAD, invited
from watchword.server.domain.names import MANAGEMENT_ROLE, OperatorRole
from watchword.server.domain.records import LogEntry
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import application_roles, narrowings, roles
from watchword.server.storage.roles import RoleFilter
from watchword.server.web.console.chart import HEIGHT, STEP, bars_of

if TYPE_CHECKING:
    import httpx

    from tests.support.browser import Browser
    from tests.support.clock import MovedClock
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application

MANAGEMENT = "https://default.logto.app/api"


async def create(owner: Browser, local: Acting, name: str) -> tuple[str, str]:
    """
    Make an application that may call the Management API; return its id and its secret.
    """
    await owner.open("/console/applications/new")
    made = await owner.send("/console/applications", name=name)
    app_id, secret = re.search(r'id="app-id">(\w+)<', made.text), re.search(r"ww_\w{49}", made.text)
    assert app_id is not None
    assert secret is not None
    known = roles.choices(local, RoleFilter(), NO_SEARCH, 10).records
    role = next(role for role in known if role.name == MANAGEMENT_ROLE)
    application_roles.assign(local, app_id[1], [role.id])
    return app_id[1], secret[0]


async def ask(owner: Browser, app_id: str, secret: str, resource: str = MANAGEMENT) -> httpx.Response:
    """
    Ask for a token.
    """
    data = {"grant_type": "client_credentials", "resource": resource, "scope": "all"}
    return await owner.client.post("/oidc/token", data=data, auth=(app_id, secret))


async def test_narrowed_tokens_are_seen(owner: Browser, local: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Who has lost a scope is not refused, and would be seen nowhere else: which scopes, of whom, how often.
    """
    app_id, secret = await create(owner, local, f"Ledger {PAYLOAD}")
    assert "every token had all that was asked for" in (await owner.open("/console/overview")).text
    for scope in ("all", "all read:all", "all read:all", "write:all all"):
        data = {"grant_type": "client_credentials", "resource": MANAGEMENT, "scope": scope}
        answer = await owner.client.post("/oidc/token", data=data, auth=(app_id, secret))
        assert answer.json()["scope"] == "all"
    page = await owner.open("/console/overview")
    assert "4 issued, 3 of them narrowed, 0 refused" in chart_title(page)
    assert "<strong>3</strong> of them narrowed" in page.text
    rows = re.findall(
        r'<th scope="row"><code>([\w: ]+)</code></th>.*?<td class="number" data-label="Times">(\d+)<',
        page.text,
        re.DOTALL,
    )
    assert rows == [("read:all", "2"), ("write:all", "1")]
    assert FOREIGN.search(page.text) is None
    log = await owner.open(f"/console/logs?application={app_id}&outcome=narrowed")
    assert log.text.count(">narrowed</span>") == 3
    monkeypatch.setattr(narrowings, "MOST_LOOKED_AT", 2)
    page = await owner.open("/console/overview")
    assert "at least <strong>2</strong> of them narrowed" in page.text


async def test_more_scopes_than_a_record_holds_are_not_judged(owner: Browser, local: Acting) -> None:
    """
    The overview says so, and invents no scope.
    """
    app_id, secret = await create(owner, local, "Ledger")
    for scope in ("all " * 100, "all " + "x" * 400):
        data = {"grant_type": "client_credentials", "resource": MANAGEMENT, "scope": scope}
        assert (await owner.client.post("/oidc/token", data=data, auth=(app_id, secret))).status_code == 200
    page = (await owner.open("/console/overview")).text
    assert "had all that was asked for, but for 2 with more scopes than a record holds." in page
    assert "…</code>" not in page


@pytest.mark.parametrize(
    ("payload", "missing"),
    [
        pytest.param({"result": "Success", "params": {"scope": "b a"}, "scope": "a"}, ("b",), id="less"),
        pytest.param({"result": "Success", "params": {"scope": "a"}, "scope": "a b"}, (), id="more"),
        pytest.param({"result": "Success", "params": {"scope": "a"}}, ("a",), id="nothing granted"),
        pytest.param({"result": "Success", "params": {}, "scope": "a"}, (), id="nothing asked"),
        pytest.param({"result": "Success", "params": "a", "scope": "b"}, (), id="of another form"),
        pytest.param({"result": "Success", "params": {"scope": ["a"]}, "scope": 1}, (), id="of another kind"),
        pytest.param({"result": "Error", "params": {"scope": "a"}}, (), id="refused"),
        pytest.param({"result": "Success", "params": {"scope": "b a c…"}, "scope": "a"}, ("b",), id="asked cut"),
        pytest.param({"result": "Success", "params": {"scope": "b a"}, "scope": "a c…"}, (), id="granted cut"),
        pytest.param({"result": "Success", "params": {"scope": "…"}, "scope": "a"}, (), id="nothing left"),
    ],
)
def test_what_was_not_granted(payload: dict[str, object], missing: tuple[str, ...]) -> None:
    """
    Whatever a record holds.
    """
    entry = LogEntry(tenant_id="default", id="x", key="x", payload=payload, created_at=datetime.now(UTC))
    assert tuple(narrowings.not_granted(entry)) == missing


def chart_title(page: httpx.Response) -> str:
    """
    Return what the chart says to those who don't see it.
    """
    found = re.search(r'<title id="chart-title">([^<]*)</title>', page.text)
    return found[1] if found else ""


async def test_empty_overview_leads_on(owner: Browser) -> None:
    """
    It says that nothing is there, and where to begin.
    """
    page = await owner.open("/console/overview")
    assert "Nobody has asked for a token" in page.text
    assert 'href="/console/start"' in page.text
    assert "Nothing was refused" in page.text
    assert "<svg" not in page.text


async def test_tokens_and_refusals_are_shown(local: Acting, owner: Browser) -> None:
    """
    As a chart, as a table, and by reason, with the way to the log.
    """
    app_id, secret = await create(owner, local, "Sync")
    assert (await ask(owner, app_id, secret)).status_code == 200
    assert (await ask(owner, app_id, secret)).status_code == 200
    assert (await ask(owner, app_id, secret, "https://nobody.example")).status_code == 400
    page = await owner.open("/console/overview")
    # The minute may end meanwhile.
    assert re.search("2 issued, 1 refused, [23] at most in a minute$", chart_title(page))
    assert len(re.findall(r'<rect class="(issued|refused)"', page.text)) in {2, 3, 4}
    assert "<code>invalid_target</code>" in page.text
    assert (
        f'href="/console/logs?application={app_id}&amp;event=ExchangeTokenBy.ClientCredentials&amp;outcome=invalid_target"'
        in page.text
    )
    assert FOREIGN.search(page.text) is None


async def test_live_part_is_what_it_asks_for(owner: Browser) -> None:
    """
    It reads itself again, without the rest of the page.
    """
    page = await owner.open("/console/overview")
    found = re.search(r'<div id="now" data-live hx-get="([^"]+)" [^>]*hx-select="#now"', page.text)
    assert found is not None
    part = await owner.open(found[1])
    assert 'id="now"' in part.text
    for answer in (page, part):
        assert re.search(r'id="as-of"[^>]*><span>As of</span> <time datetime="[^"]+" data-seconds>', answer.text)
    assert "expire within 30 days" in page.text
    assert "expire within 30 days" not in part.text


async def test_what_nobody_uses_and_what_expires_is_told(
    app: Application, local: Acting, owner: Browser, clock: MovedClock
) -> None:
    """
    To viewers, too; names are shown as text.
    """
    app_id, _ = await create(owner, local, PAYLOAD)
    await owner.open(f"/console/applications/{app_id}")
    await owner.send(f"/console/applications/{app_id}/secrets", name=PAYLOAD, days="90")
    clock.move(days=65)
    viewer = await invited(app, local, OperatorRole.VIEWER)
    page = await viewer.open("/console/overview")
    assert f'href="/console/applications/{app_id}#secrets"' in page.text
    assert f'<a href="/console/applications/{app_id}">' in page.text.split('id="unused"')[1]
    assert "<script>alert" not in page.text
    assert str(71993 * 71993) not in page.text


async def test_page_of_an_application_tells_its_use(local: Acting, owner: Browser) -> None:
    """
    When each secret was last used, and what it did last, each with its permalink.
    """
    app_id, secret = await create(owner, local, "Sync")
    page = await owner.open(f"/console/applications/{app_id}")
    assert "It has asked for nothing yet" in page.text
    assert '<td data-label="Last used">never</td>' in page.text
    await ask(owner, app_id, secret)
    await ask(owner, app_id, secret, "https://nobody.example")
    page = await owner.open(f"/console/applications/{app_id}")
    assert re.search(r'href="/console/logs/t\d{20}"', page.text) is not None
    assert '<span class="good whole">success</span>' in page.text
    assert '<span class="bad whole">invalid_target</span>' in page.text


@pytest.mark.parametrize("pairs", [[(0, 0)], [(1, 0), (0, 0), (10**9, 3)], [(5, 5)] * 60, []])
def test_bars_stay_in_the_picture(pairs: list[tuple[int, int]]) -> None:
    """
    Whatever the numbers are; and what is not nothing is seen.
    """
    chart = bars_of(("lower", "upper"), pairs)
    assert len(chart.bars) == sum(bool(number) for pair in pairs for number in pair)
    for bar in chart.bars:
        assert 0 <= bar.y < bar.y + bar.height <= HEIGHT + 0.01
        assert bar.height >= 1.5
        assert 0 <= bar.x < bar.x + bar.width <= len(pairs) * STEP
