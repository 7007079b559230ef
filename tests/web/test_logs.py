"""
The log at the Management API: what an entry says, filters, windows, pages, the cap on counting.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from tests.support.load import token_id
from watchword.server.storage.types import to_microseconds

if TYPE_CHECKING:
    import httpx

    from tests.support.home import Made
    from watchword.server.context import Context

MORNING = datetime(2030, 1, 2, 8, 0, tzinfo=UTC)
MORNING_MS = to_microseconds(MORNING) // 1000


def put(ctx: Context, table: str, entries: list[tuple[str, datetime, dict[str, str]]]) -> None:
    """
    Put entries behind the server's back: id, moment, and columns that filters look at.
    """
    rows = [
        {
            "id": name,
            "key": more.get("key", "Test"),
            "application_id": more.get("application_id"),
            "user_id": more.get("user_id"),
            # Token records have no id of their own: in both tables the payload carries the name that tests know.
            "payload": json.dumps({"result": "Success", "name": name}),
            "created_at": to_microseconds(moment),
        }
        for name, moment, more in entries
    ]
    with ctx.database.administer() as main:
        if table == "audit_events":
            main.execute(_insert(table, "id"), rows)
            return
        with ctx.database.administer_tokens(main) as tokens:
            tokens.execute(_insert(table), rows)


def _insert(table: str, *own: str) -> sa.TextClause:
    names = [*own, "key", "application_id", "user_id", "payload", "created_at"]
    values = ", ".join(f":{name}" for name in names)
    return sa.text(f"INSERT INTO {table} (tenant_id, {', '.join(names)}) VALUES ('default', {values})")


async def ids(api: httpx.AsyncClient, **query: str | int) -> list[str]:
    """
    List the ids that a query finds.
    """
    answer = await api.get("/logs", params={"logKey": "Test", "page_size": 100, **query})
    assert answer.status_code == 200, answer.text
    assert answer.headers["total-number"] == str(len(answer.json()))
    return [entry["payload"]["name"] for entry in answer.json()]


async def test_token_entry_is_as_recorded(api: httpx.AsyncClient, made: Made) -> None:
    """
    Members stand in the order of the reference, the user agent is taken apart, the secret is masked.
    """
    (entry,) = (await api.get("/logs", params={"logKey": "ExchangeTokenBy.ClientCredentials"})).json()
    assert list(entry) == ["tenantId", "id", "key", "payload", "createdAt"]
    payload = entry["payload"]
    agent = payload["userAgent"]
    assert agent.startswith("python-httpx/")
    assert payload == {
        "key": "ExchangeTokenBy.ClientCredentials",
        "result": "Success",
        "ip": "127.0.0.1",
        "userAgent": agent,
        "userAgentParsed": {"ua": agent, "browser": {}, "device": {}, "engine": {}, "os": {}, "cpu": {}},
        "applicationId": made.application_id,
        "params": {
            "scope": "all",
            "resource": "https://default.logto.app/api",
            "grant_type": "client_credentials",
            "client_secret": "******",
        },
        "scope": "all",
        "tokenTypes": ["AccessToken"],
        "applicationSecret": {"name": "Default secret", "id": payload["applicationSecret"]["id"]},
        "jti": token_id(api.headers["authorization"]),
    }
    assert list(payload)[:10] == [
        *("key", "result", "ip", "userAgent", "userAgentParsed", "applicationId", "params", "scope", "tokenTypes"),
        "applicationSecret",
    ]


async def test_error_is_a_text_that_holds_json(api: httpx.AsyncClient) -> None:
    """
    A refusal's entry carries the protocol's error as the reference does: JSON, as a text.
    """
    form = {"grant_type": "client_credentials"}
    await api.post("http://somewhere.test/oidc/token", data=form, auth=("nobody-at-all", "x"))
    newest, *_ = (await api.get("/logs?page_size=1")).json()
    payload = newest["payload"]
    assert list(payload)[:3] == ["key", "result", "error"]
    assert json.loads(payload["error"])["error"] == "invalid_client"
    assert payload["tokenTypes"] == []


async def test_change_is_in_the_log(api: httpx.AsyncClient, made: Made) -> None:
    """
    A management write is shown with who made it, by its own key, and by id.
    """
    role = (await api.post("/roles", json={"name": "r", "description": "d"})).json()
    (entry,) = (await api.get("/logs", params={"logKey": "Role.Created"})).json()
    payload = entry["payload"]
    assert payload["actor"] == {"type": "application", "id": made.application_id}
    assert payload["data"]["id"] == role["id"]
    assert payload["applicationId"] == made.application_id
    assert (await api.get(f"/logs/{entry['id']}")).json() == entry


async def test_entry_of_either_kind_is_read_by_id(api: httpx.AsyncClient) -> None:
    """
    Every entry of the list is found by its id.
    """
    await api.post("/users", json={})
    listed = (await api.get("/logs")).json()
    assert {entry["key"] for entry in listed} >= {"User.Created", "ExchangeTokenBy.ClientCredentials", "Tenant.Created"}
    for entry in listed:
        assert (await api.get(f"/logs/{entry['id']}")).json() == entry


async def test_unknown_entry_is_not_found(api: httpx.AsyncClient) -> None:
    """
    An id of no entry is 404, and the message names it.
    """
    answer = await api.get("/logs/nope")
    assert answer.status_code == 404
    assert answer.json()["message"] == "The logs with ID `nope` does not exist."


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({"applicationId": "a"}, ["m1", "t1"], id="application"),
        pytest.param({"userId": "u"}, ["m2", "t2"], id="user"),
        pytest.param({"applicationId": "a", "userId": "u"}, [], id="both"),
        pytest.param({"logKey": "Other"}, ["m3", "t3"], id="key"),
        pytest.param({"logKey": "Other", "applicationId": "b"}, ["t3"], id="key and application"),
        pytest.param({"logKey": "Oth"}, [], id="part of a key"),
        pytest.param({"logKey": "", "applicationId": "b", "userId": ""}, ["t3"], id="empty is not given"),
    ],
)
async def test_filters_are_exact(api: httpx.AsyncClient, ctx: Context, query: dict[str, str], found: list[str]) -> None:
    """
    Each filter holds for both files, and all that are given hold together.
    """
    for table, letter, at in (("audit_events", "m", 1), ("token_events", "t", 0)):
        moments = [MORNING + timedelta(seconds=at - 2 * row) for row in range(3)]
        mores = [{"application_id": "a"}, {"user_id": "u"}, {"key": "Other"}]
        if letter == "t":
            mores[2]["application_id"] = "b"
        put(ctx, table, [(f"{letter}{row + 1}", moments[row], mores[row]) for row in range(3)])
    assert await ids(api, **query) == found


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        pytest.param(None, None, ["last", "first"], id="no window"),
        pytest.param(0, None, ["last", "first"], id="from a moment on: the same millisecond"),
        pytest.param(1, None, ["last"], id="from a moment on: the next one"),
        pytest.param(None, 5, ["last", "first"], id="up to a moment: the same millisecond"),
        pytest.param(None, 4, ["first"], id="up to a moment: the one before"),
        pytest.param(0, 0, ["first"], id="one millisecond"),
        pytest.param(0.5, 4.9, [], id="fractions"),
        pytest.param(-1e300, 1e300, ["last", "first"], id="beyond all calendars"),
        pytest.param(1e300, None, [], id="after all calendars"),
    ],
)
async def test_both_ends_of_a_window_are_inclusive(
    api: httpx.AsyncClient, ctx: Context, start: float | None, end: float | None, found: list[str]
) -> None:
    """
    A window is in milliseconds, and an entry within its first or its last millisecond is inside.
    """
    put(ctx, "token_events", [("first", MORNING + timedelta(microseconds=999), {})])
    put(ctx, "audit_events", [("last", MORNING + timedelta(milliseconds=5, microseconds=1), {})])
    window = {"start_time": start, "end_time": end}
    query = {name: str(MORNING_MS + value) for name, value in window.items() if value is not None}
    assert await ids(api, **query) == found


@pytest.mark.parametrize("name", ["start_time", "end_time"])
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("abc", id="word"),
        pytest.param("NaN", id="NaN"),
        pytest.param("Infinity", id="infinity"),
        pytest.param("1e999", id="overflow"),
        pytest.param("1_000", id="underscore"),
        pytest.param("2026-01-01", id="date"),
        pytest.param("٣", id="other digit"),
    ],
)
async def test_time_that_is_no_finite_number_is_refused(api: httpx.AsyncClient, name: str, value: str) -> None:
    """
    The answer names the parameter, as recorded.
    """
    answer = await api.get("/logs", params={name: value})
    assert answer.status_code == 400
    body = answer.json()
    del body["request_id"]
    assert body == {"code": "guard.invalid_input", "message": f"The request {name} is invalid."}


async def test_window_that_ends_before_it_begins_is_refused(api: httpx.AsyncClient) -> None:
    """
    A window turned round is an error; a window of one moment is none.
    """
    answer = await api.get("/logs?start_time=2&end_time=1")
    assert (answer.status_code, answer.json()["code"]) == (400, "log.invalid_time_window")
    assert (await api.get("/logs?start_time=1&end_time=1")).status_code == 200


async def test_pages_merge_both_files_newest_first(api: httpx.AsyncClient, ctx: Context) -> None:
    """
    Entries of both files come in one order; pages neither lose nor repeat one, not within one microsecond either.
    """
    moments = [MORNING + timedelta(microseconds=number // 3) for number in range(60)]
    put(ctx, "token_events", [(f"n{number}", moments[number], {}) for number in range(60) if number % 2])
    put(ctx, "audit_events", [(f"n{number}", moments[number], {}) for number in range(60) if not number % 2])
    paged: list[dict[str, Any]] = []
    for page in range(1, 10):
        answer = await api.get("/logs", params={"logKey": "Test", "page": page, "page_size": 7})
        assert answer.headers["total-number"] == "60"
        paged += answer.json()
    assert len({entry["id"] for entry in paged}) == 60
    order = [moments[int(entry["payload"]["name"][1:])] for entry in paged]
    assert order == sorted(order, reverse=True)


@pytest.mark.parametrize(
    ("more", "flag", "total", "relations"),
    [
        pytest.param(10_000, "1", "10000", ["first", "last", "next"], id="exactly the cap"),
        pytest.param(10_001, "true", "10001", ["first"], id="one beyond"),
        pytest.param(12_000, "yes", "10001", ["first"], id="far beyond"),
        pytest.param(12_000, "0", "12000", ["first", "last", "next"], id="not asked for"),
    ],
)
async def test_counting_stops_where_asked(
    api: httpx.AsyncClient, ctx: Context, *, more: int, flag: str, total: str, relations: list[str]
) -> None:
    """
    With `enableCap` nobody counts further than 10,000: a header says so, and no link names a page that may not be.
    """
    half = more // 2
    put(ctx, "token_events", [(f"t{number}", MORNING, {}) for number in range(half)])
    put(ctx, "audit_events", [(f"m{number}", MORNING, {}) for number in range(more - half)])
    answer = await api.get("/logs", params={"logKey": "Test", "enableCap": flag, "page_size": 10})
    assert len(answer.json()) == 10
    assert answer.headers["total-number"] == total
    assert answer.headers.get("total-number-is-capped") == ("true" if relations == ["first"] else None)
    links = answer.headers.get_list("link")
    assert [link.rpartition("rel=")[2].strip('"') for link in links] == relations
    second = await api.get("/logs", params={"logKey": "Test", "enableCap": flag, "page_size": 10, "page": 2})
    assert any('rel="prev"' in link for link in second.headers.get_list("link"))
