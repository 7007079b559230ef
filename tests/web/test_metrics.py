"""
`/metrics`: who may read it, and what a request leaves there.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.home import MANAGEMENT_RESOURCE, Made, settings_of
from watchword.server.bootstrap import open_context
from watchword.server.settings import SettingsError
from watchword.server.storage.database import StorageUnavailable
from watchword.server.web.app import create_app
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from watchword.server.context import Context

TOKEN = "a-token-of-the-tests-0123456789"
SCRAPER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def shown(home: Path) -> AsyncIterator[tuple[Context, httpx.AsyncClient]]:
    """
    Open a home that shows metrics.
    """
    ctx = open_context(settings_of(home, metrics_token=TOKEN), NoRequestLines())
    transport = httpx.ASGITransport(create_app(ctx, lambda: None))
    async with httpx.AsyncClient(transport=transport, base_url="http://somewhere.test") as client:
        yield ctx, client
    ctx.close()


async def scrape(client: httpx.AsyncClient) -> dict[str, float]:
    """
    Read the page: sample as written → number.
    """
    answer = await client.get("/metrics", headers=SCRAPER)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(number) for name, _, number in (line.rpartition(" ") for line in lines)}


async def test_page_is_not_there_unless_it_is_wanted(anyone: httpx.AsyncClient) -> None:
    """
    Without a token in the settings no token opens it, and it answers as any unknown path.
    """
    unknown = await anyone.get("/nowhere")
    for headers in ({}, SCRAPER, {"authorization": "Bearer None"}):
        answer = await anyone.get("/metrics", headers=headers)
        assert (answer.status_code, answer.text) == (unknown.status_code, unknown.text) == (404, "Not Found")


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param([], id="none"),
        pytest.param(["Bearer wrong-token-0123456789"], id="wrong"),
        pytest.param([f"Bearer {TOKEN[:-1]}"], id="cut"),
        pytest.param([f"Bearer {TOKEN}0"], id="longer"),
        pytest.param([f"Basic {TOKEN}"], id="another scheme"),
        pytest.param([TOKEN], id="no scheme"),
        pytest.param([f"Bearer {TOKEN}"] * 2, id="twice"),
        pytest.param(["Bearer \xe9\xe9\xe9"], id="not ASCII"),
        pytest.param(["Bearer "], id="empty"),
    ],
)
async def test_only_its_token_opens_it(shown: tuple[Context, httpx.AsyncClient], authorization: list[str]) -> None:
    """
    Everything else is told which scheme to use, and nothing of the server.
    """
    headers = [("authorization", value.encode("latin-1")) for value in authorization]
    answer = await shown[1].get("/metrics", headers=headers)  # type: ignore[arg-type]  # httpx takes bytes as well
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.text == "Unauthorized"


async def test_management_token_does_not_open_it(shown: tuple[Context, httpx.AsyncClient], made: Made) -> None:
    """
    An access token is for an API, and this is none.
    """
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
    credentials = (made.application_id, made.application_secret)
    token = (await shown[1].post("/oidc/token", data=form, auth=credentials)).json()["access_token"]
    answer = await shown[1].get("/metrics", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("token", ["short", "", "white space is not allowed", "0123456789abcdef\n"])
def test_token_that_could_be_guessed_or_never_sent_is_refused(home: Path, token: str) -> None:
    """
    The setting is judged at start.
    """
    with pytest.raises(SettingsError, match="metrics_token: it must be at least 16"):
        settings_of(home, metrics_token=token)


async def test_requests_are_counted(shown: tuple[Context, httpx.AsyncClient], made: Made) -> None:
    """
    By grant and outcome, by route and status; scopes that were dropped by reason.
    """
    client = shown[1]
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all nonsense"}
    credentials = (made.application_id, made.application_secret)
    token = (await client.post("/oidc/token", data=form, auth=credentials)).json()["access_token"]
    await client.post("/oidc/token", data=form, auth=(made.application_id, "wrong"))
    await client.post("/oidc/token", data={"grant_type": "made-up"}, auth=credentials)
    await client.post("/oidc/token", content=b"\xff", headers={"content-type": "application/x-www-form-urlencoded"})
    await client.get("/api/applications", headers={"authorization": f"Bearer {token}"})
    await client.get(f"/api/applications/{made.application_id}")
    await client.get("/oidc/jwks")
    await client.get("/health/live")
    await client.get("/made-up")
    read = await scrape(client)
    told = {name: number for name, number in read.items() if number and "_total" in name}
    assert told['watchword_token_requests_total{grant="client_credentials",outcome="issued"}'] == 1
    assert told['watchword_token_requests_total{grant="client_credentials",outcome="invalid_client"}'] == 1
    assert told['watchword_token_requests_total{grant="other",outcome="unsupported_grant_type"}'] == 1
    assert told['watchword_token_requests_total{grant="other",outcome="invalid_request"}'] == 1
    assert told['watchword_scopes_dropped_total{reason="unknown"}'] == 1
    assert told['watchword_requests_total{route="token",status="401"}'] == 1
    assert told['watchword_requests_total{route="applications",status="200"}'] == 1
    assert told['watchword_requests_total{route="applications",status="401"}'] == 1
    assert told['watchword_requests_total{route="discovery",status="200"}'] == 1
    assert told['watchword_requests_total{route="health",status="200"}'] == 1
    assert told['watchword_requests_total{route="other",status="404"}'] == 1
    assert read["watchword_token_request_seconds_count"] == 4
    assert read["watchword_api_request_seconds_count"] == 2
    assert read['watchword_signing_seconds_count{algorithm="ES256"}'] == 1
    assert read["watchword_token_log_commit_records_sum"] == 4
    assert read['watchword_directory_loads_total{kind="application"}'] >= 1
    assert read["watchword_directory_looks_total"] >= 4
    assert read["watchword_directory_age_seconds"] < 60


async def test_nothing_that_a_caller_sends_is_on_the_page(shown: tuple[Context, httpx.AsyncClient], made: Made) -> None:
    """
    Neither ids nor secrets nor paths: the page is as long after a flood as before.
    """
    client = shown[1]
    before = set(await scrape(client))
    for number in range(50):
        form = {"grant_type": f"marked{number}", "scope": "marked", "resource": "marked://x"}
        await client.post("/oidc/token", data=form, auth=(f"marked{number}", made.application_secret))
        await client.get(f"/marked{number}")
        await client.get(f"/api/applications/marked{number}")
    text = (await client.get("/metrics", headers=SCRAPER)).text
    assert set(await scrape(client)) - before <= {"watchword_directory_age_seconds"}
    assert not re.search("marked", text)
    assert made.application_secret not in text
    assert made.application_id not in text
    assert TOKEN not in text


async def test_expiries_are_told_ahead(shown: tuple[Context, httpx.AsyncClient], made: Made) -> None:
    """
    The next secrets to expire, first one first; those that have expired are past. A key without end never ends.
    """
    ctx, client = shown
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
    credentials = (made.application_id, made.application_secret)
    token = (await client.post("/oidc/token", data=form, auth=credentials)).json()["access_token"]
    now = datetime.now(UTC).replace(microsecond=0)
    instants = [int((now + timedelta(days=days)).timestamp()) for days in (30, 2)]
    for instant in instants:
        answer = await client.post(
            f"/api/applications/{made.application_id}/secrets",
            json={"name": f"until {instant}", "expiresAt": instant * 1000},
            headers={"authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 201, answer.text
    read = await scrape(client)
    ranks = {name: number for name, number in read.items() if name.startswith("watchword_secret_expiry")}
    assert ranks == {
        'watchword_secret_expiry_timestamp_seconds{rank="1"}': instants[1],
        'watchword_secret_expiry_timestamp_seconds{rank="2"}': instants[0],
    }
    assert read['watchword_signing_key_expiry_timestamp_seconds{algorithm="ES256"}'] == float("inf")
    assert ctx.settings.metrics_token is not None


async def test_page_is_told_while_the_database_is_away(
    shown: tuple[Context, httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The numbers are needed most when something is wrong.
    """
    ctx, client = shown

    async def fail(*_: object) -> None:
        raise StorageUnavailable("gone")

    monkeypatch.setattr(type(ctx.directory), "decide", fail)
    read = await scrape(client)
    assert read["watchword_workers"] == 1
    assert not any("expiry" in name for name in read)
