"""
The log at the Management API: token requests as recorded, filters, and what must never be in it (more §4.1).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.exchange import Exchange
from tests.support.records import not_exists_with_id
from tests.support.shop import assign, create, create_application
from tests.support.wire import ID, MILLISECONDS, assert_answer, assert_page, assert_same

if TYPE_CHECKING:
    from tests.support.exchange import World
    from tests.support.server import RunningServer
    from tests.support.shop import Application, Shop

KEY = "ExchangeTokenBy.ClientCredentials"
AGENT = "Python-urllib/3.11"
MASK = "******"
RECORDED_ORDER = [
    "key",
    "result",
    "error",
    "ip",
    "userAgent",
    "userAgentParsed",
    "applicationId",
    "params",
    "scope",
    "tokenTypes",
    "applicationSecret",
]


def entries(server: RunningServer, **filters: str) -> list[dict[str, Any]]:
    """
    Return the newest entries of the log that pass these filters.
    """
    found: list[dict[str, Any]] = server.management.get("/logs", params={"page_size": "100", **filters}).json()
    return found


@pytest.fixture
def application(shop: Shop) -> Application:
    """
    Create an application of its own, with the shop's role, so that its entries are alone.
    """
    created = create_application(shop.server)
    assign(shop.server, created.id, shop.role_id)
    return created


def ask(shop: Shop, application: Application, **form: str) -> None:
    """
    Ask for a token with credentials in the body, as a browserless script does.
    """
    shop.server.http.post(
        "/oidc/token",
        data={
            "grant_type": "client_credentials",
            "resource": shop.indicator,
            "client_id": application.id,
            "client_secret": application.secret,
            **form,
        },
        headers={"user-agent": AGENT},
    )


def test_issued_token_is_in_the_log(shop: Shop, application: Application) -> None:
    """
    Logs: an issued token has its entry at once, with the recorded members in the recorded order.
    """
    ask(shop, application, scope="read:products")
    entry = entries(shop.server, applicationId=application.id)[0]
    assert list(entry) == ["tenantId", "id", "key", "payload", "createdAt"]
    payload = entry["payload"]
    assert_same(
        {name: entry[name] for name in ("tenantId", "id", "key", "createdAt")},
        {"tenantId": "default", "id": ID, "key": KEY, "createdAt": MILLISECONDS},
    )
    recorded = [name for name in RECORDED_ORDER if name != "error"]
    assert [name for name in payload if name in RECORDED_ORDER] == recorded
    parsed: dict[str, object] = {"ua": AGENT, "browser": {}, "device": {}, "engine": {}, "os": {}, "cpu": {}}
    assert_same(payload["userAgentParsed"], parsed)
    assert payload["ip"] in {"127.0.0.1", "::ffff:127.0.0.1"}
    expected = {
        "key": KEY,
        "result": "Success",
        "userAgent": AGENT,
        "applicationId": application.id,
        "scope": "read:products",
        "tokenTypes": ["AccessToken"],
    }
    assert {name: payload[name] for name in expected} == expected
    assert payload["applicationSecret"]["name"] == "Default secret"
    assert payload["params"]["grant_type"] == "client_credentials"
    assert payload["params"]["resource"] == shop.indicator
    assert payload["params"]["scope"] == "read:products"
    assert payload["params"].get("client_secret", MASK) == MASK


def test_log_tells_asked_and_granted_scope(shop: Shop, application: Application) -> None:
    """
    Nobody loses a scope without knowing: the entry holds what was asked and what was granted.
    """
    ask(shop, application, scope="read:products delete:products nope")
    payload = entries(shop.server, applicationId=application.id)[0]["payload"]
    assert payload["params"]["scope"] == "read:products delete:products nope"
    assert payload["scope"] == "read:products"


@pytest.mark.parametrize(
    ("form", "key"),
    [
        pytest.param({"resource": "https://nowhere.example"}, KEY, id="refused target"),
        pytest.param({"client_secret": "wrong"}, KEY, id="failed authentication"),
        pytest.param({"grant_type": "password"}, "ExchangeTokenBy.Unknown", id="unknown grant type"),
    ],
)
def test_refused_request_is_in_the_log(shop: Shop, application: Application, form: dict[str, str], key: str) -> None:
    """
    A refusal has its entry, with the error, and no token.
    """
    ask(shop, application, **form)
    found = entries(shop.server, applicationId=application.id)
    assert len(found) == 1
    payload = found[0]["payload"]
    assert (found[0]["key"], payload["key"], payload["result"]) == (key, key, "Error")
    assert isinstance(payload["error"], str)
    assert payload.get("tokenTypes", []) == []


def test_expired_secret_is_in_the_log(shop: Shop, application: Application) -> None:
    """
    We record what the reference leaves out: that an expired secret was used.
    """
    expires_at = int(time.time() * 1000) + 700
    secret = create(shop.server, f"/applications/{application.id}/secrets", {"name": "short", "expiresAt": expires_at})[
        "value"
    ]
    while time.time() * 1000 <= expires_at:
        time.sleep(0.05)
    ask(shop, application, client_secret=secret)
    payload = entries(shop.server, applicationId=application.id)[0]["payload"]
    assert payload["result"] == "Error"
    assert "expired" in payload["error"]


def test_unknown_client_id_is_cut(shop: Shop) -> None:
    """
    People swap id and secret: of an unknown id the log keeps six characters.
    """
    secret = shop.application.secret
    shop.server.token(secret, "x", resource=shop.indicator)
    text = shop.server.management.get("/logs?page_size=10").text
    assert secret not in text
    assert secret[:12] not in text


def test_no_secret_is_in_the_log(shop: Shop, application: Application) -> None:
    """
    Whatever way a secret or token travels, the log does not hold it.
    """
    ask(shop, application)
    ask(shop, application, foo=application.secret)
    shop.server.token(application.id, application.secret, resource=shop.indicator, scope=application.secret)
    token = shop.server.token(application.id, application.secret, resource=shop.indicator).json()["access_token"]
    log = shop.server.management.get("/logs?page_size=100").text
    assert f'"{application.secret}"' not in log.replace(f'"scope":"{application.secret}"', "")
    assert token not in log
    assert application.secret not in shop.server.output
    assert token not in shop.server.output


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param("s" * 50_000, id="50 KB"),
        pytest.param("\u202eevil\u2028line", id="direction and line marks"),
        pytest.param("\x1b[31mred\r\nforged: line", id="terminal escapes and a new line"),
        pytest.param("'); DROP TABLE logs;--", id="SQL"),
    ],
)
def test_hostile_text_is_bounded(shop: Shop, application: Application, scope: str) -> None:
    """
    Caller-chosen text is cut, so that an entry stays within 2 KB, and its neighbours are whole.
    """
    ask(shop, application, scope="read:products")
    ask(shop, application, scope=scope)
    ask(shop, application, scope="write:products")
    found = entries(shop.server, applicationId=application.id)
    assert [entry["payload"].get("scope") for entry in (found[0], found[-1])] == ["write:products", "read:products"]
    path = f"/logs/{found[1]['id']}"
    assert len(shop.server.management.get(path).content) < 4096
    assert "forged: line\n" not in shop.server.output


def test_entry_by_id(shop: Shop, application: Application) -> None:
    """
    An entry read by its id is the one of the list.
    """
    ask(shop, application)
    entry = entries(shop.server, applicationId=application.id)[0]
    assert_answer(shop.server.management.get(f"/logs/{entry['id']}"), 200, entry)
    assert_answer(shop.server.management.get("/logs/nope"), 404, not_exists_with_id("logs"))


def test_filters_and_pages(shop: Shop, application: Application) -> None:
    """
    Logs by application, key and time, newest first, in pages with an exact total.
    """
    before = int(time.time() * 1000)
    for number in range(3):
        ask(shop, application, scope=f"s{number}")
    ask(shop, application, grant_type="password")
    after = int(time.time() * 1000)
    path = f"/logs?applicationId={application.id}&logKey={KEY}&page=1&page_size=2"
    answer = shop.server.management.get(path)
    assert [entry["payload"]["params"]["scope"] for entry in answer.json()] == ["s2", "s1"]
    assert_page(answer, shop.server.endpoint, path, 3)
    window = {"applicationId": application.id, "start_time": str(before), "end_time": str(after)}
    assert len(entries(shop.server, **window)) == 4
    assert entries(shop.server, **window | {"end_time": str(before - 1), "start_time": "0"}) == []
    created = entries(shop.server, applicationId=application.id)[0]["createdAt"]
    inclusive = {"applicationId": application.id, "start_time": str(created), "end_time": str(created)}
    assert len(entries(shop.server, **inclusive)) >= 1


@pytest.mark.parametrize("value", ["abc", "", "1e400", "NaN", "Infinity"])
def test_time_that_is_none(server: RunningServer, value: str) -> None:
    """
    A time must be a finite number; an empty one is not given.
    """
    answer = server.management.get("/logs", params={"end_time": value})
    assert answer.status_code == (200 if value == "" else 400)


def test_capped_count(shop: Shop, application: Application) -> None:
    """
    `enableCap` changes nothing while there is little to count.
    """
    ask(shop, application)
    answer = shop.server.management.get(f"/logs?applicationId={application.id}&enableCap=true&page=1")
    assert answer.headers["total-number"] == "1"
    assert "total-number-is-capped" not in answer.headers


def test_every_write_is_in_the_log(world: World) -> None:
    """
    Who did what: creating, changing and deleting each leave an entry that names the thing.
    """
    path = world.fill("/applications/<app>")
    world.send(Exchange(method="PATCH", path=path, body={"name": "renamed"}))
    world.send(Exchange(method="DELETE", path=path))
    written = [entry for entry in entries(world.server) if world["app"] in str(entry["payload"])]
    assert len({entry["key"] for entry in written}) == 3
    assert not any(entry["key"].startswith("ExchangeTokenBy") for entry in written)


def test_refused_write_leaves_no_entry(world: World) -> None:
    """
    What did not happen is not in the log.
    """
    body = {"name": "never<n>", "description": "d", "scopeIds": ["nope"]}
    assert world.send(Exchange(method="POST", path="/roles", body=body)).status_code == 404
    assert world.fill("never<n>") not in str(entries(world.server))


def test_administrators_are_made_in_the_log(server: RunningServer, application: Application) -> None:
    """
    `isAdmin` gives a role that no list shows: the log does. What changes nothing is no change.
    """
    for is_admin in (True, True, False):
        changed = server.management.patch(f"/applications/{application.id}", json={"isAdmin": is_admin})
        changed.raise_for_status()
    found = [entry["payload"]["data"] for entry in entries(server, logKey="Application.Roles.Updated")]
    assert [data for data in found if data["id"] == application.id][:2] == [
        {"id": application.id, "added": [], "removed": ["admin-role"]},
        {"id": application.id, "added": ["admin-role"], "removed": []},
    ]
    assert application.id not in [
        entry["payload"]["data"]["id"] for entry in entries(server, logKey="Application.Data.Updated")
    ]
