"""
Secrets of applications: what they open, how long they are shown, and how they end (core §2.2).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.exchange import Exchange, World
from tests.support.server import start_server
from tests.support.shop import assign, create, create_application, create_resource, create_role
from tests.support.wire import SECRET, assert_same

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import RunningServer
    from tests.support.shop import Shop


def works(shop: Shop, application_id: str, secret: str) -> bool:
    """
    Tell whether a secret gets a token.
    """
    answer = shop.server.token(application_id, secret, resource=shop.indicator)
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


def add(shop: Shop, application_id: str, **members: object) -> str:
    """
    Add a secret and return its value.
    """
    value: str = create(shop.server, f"/applications/{application_id}/secrets", members)["value"]
    return value


def test_all_secrets_work_at_once(shop: Shop) -> None:
    """
    Every secret of an application is good, until it is deleted.
    """
    application = create_application(shop.server)
    second = add(shop, application.id, name="second")
    third = add(shop, application.id, name="third", expiresAt=int(time.time() * 1000) + 3_600_000)
    assert all(works(shop, application.id, secret) for secret in (application.secret, second, third))
    shop.server.management.delete(f"/applications/{application.id}/secrets/second").raise_for_status()
    assert not works(shop, application.id, second)
    assert works(shop, application.id, application.secret)
    assert works(shop, application.id, third)


def test_deleted_secret_is_refused_at_the_next_request(shop: Shop) -> None:
    """
    DELETE counts at once, twenty times in a row.
    """
    application = create_application(shop.server)
    for number in range(20):
        secret = add(shop, application.id, name=f"s{number}")
        assert works(shop, application.id, secret)
        shop.server.management.delete(f"/applications/{application.id}/secrets/s{number}").raise_for_status()
        assert not works(shop, application.id, secret)


def test_renamed_secret_keeps_working(shop: Shop) -> None:
    """
    Renaming changes neither value nor expiry.
    """
    application = create_application(shop.server)
    path = f"/applications/{application.id}/secrets/Default%20secret"
    renamed = shop.server.management.patch(path, json={"name": "other"}).json()
    assert renamed["value"] == application.secret
    assert works(shop, application.id, application.secret)


def test_a_secret_opens_only_its_own_application(shop: Shop) -> None:
    """
    A secret is worth nothing under another application's id.
    """
    one, other = create_application(shop.server), create_application(shop.server)
    assert not works(shop, one.id, other.secret)
    assert not works(shop, other.id, one.secret)


def test_secrets_are_all_different(server: RunningServer) -> None:
    """
    Values have the recognisable form and never repeat.
    """
    application = create_application(server)
    path = f"/applications/{application.id}/secrets"
    values = [create(server, path, {"name": f"s{number}"})["value"] for number in range(50)]
    assert all(SECRET.fits(value) for value in values)
    assert len(set(values)) == 50


def test_creating_an_application_shows_no_secret(world: World) -> None:
    """
    `POST /applications` and every other answer of the family leave the secret out.
    """
    created = create(world.server, "/applications", {"name": "x", "type": "MachineToMachine"})
    secret = world.server.management.get(f"/applications/{created['id']}/secrets").json()[0]["value"]
    assert "secret" not in created
    for path in (f"/applications/{created['id']}", "/applications", "/logs?page_size=100", "/roles"):
        assert secret not in world.server.management.get(path).text


def test_past_and_present_expiry(world: World) -> None:
    """
    An expiry must lie in the future; a moment ago is refused and creates nothing.
    """
    now = int(time.time() * 1000)
    refused = world.send(
        Exchange(method="POST", path="/applications/<app>/secrets", body={"name": "x", "expiresAt": now - 1})
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "request.invalid_input")
    listed = world.send(Exchange(method="GET", path="/applications/<app>/secrets")).json()
    assert [found["name"] for found in listed] == ["Default secret"]


@pytest.mark.parametrize("expires_at", [1e300, 1.5, -1, 2**63, 10**30])
def test_wild_expiry_never_fails_inside(world: World, expires_at: float) -> None:
    """
    An expiry that is no moment is refused, or kept as it is.
    """
    body = {"name": "x", "expiresAt": expires_at}
    answer = world.send(Exchange(method="POST", path="/applications/<app>/secrets", body=body))
    assert answer.status_code in {201, 400, 422}
    assert world.send(Exchange(method="GET", path="/applications/<app>/secrets")).status_code == 200


def shown(server: RunningServer, application_id: str) -> dict[str, Any]:
    """
    Return the default secret as the list shows it now.
    """
    found: dict[str, Any] = server.management.get(f"/applications/{application_id}/secrets").json()[0]
    return found


@pytest.mark.slow
def test_secret_is_shown_once_when_so_set(tmp_path: Path) -> None:
    """
    With `secret_reveal_hours` 0 only the creating answer carries the value; later `maskedValue` stands for it.
    """
    with start_server(tmp_path / "home", settings={"secret_reveal_hours": "0"}) as server:
        created = create(server, "/applications", {"name": "x", "type": "MachineToMachine"})
        listed = shown(server, created["id"])
        value = next(found for found in created.values() if isinstance(found, str) and found.startswith("ww_"))
        assert SECRET.fits(value)
        assert listed["value"] is None
        assert listed["maskedValue"].startswith(value[:3])
        assert listed["maskedValue"].endswith(f"…{value[-4:]}")
        assert value not in str(listed)
        added = create(server, f"/applications/{created['id']}/secrets", {"name": "ci"})
        assert SECRET.fits(added["value"])
        _, indicator, _ = create_resource(server)
        for secret in (value, added["value"]):
            assert server.token(created["id"], secret, resource=indicator).status_code == 200
        assert value not in server.output


@pytest.mark.slow
def test_secret_is_shown_for_ever_when_so_set(tmp_path: Path) -> None:
    """
    With `secret_reveal_hours` `forever` the list shows the value, as the reference does.
    """
    with start_server(tmp_path / "home", settings={"secret_reveal_hours": "forever"}) as server:
        application = create_application(server)
        assert_same(shown(server, application.id)["value"], application.secret)
        role_id = create_role(server, "management-api-all")
        assign(server, application.id, role_id)
