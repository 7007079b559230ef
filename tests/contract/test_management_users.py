"""
Users as records: identifiers, order, and what a password leaves behind (more §2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.exchange import Exchange
from tests.support.shop import create, unique
from tests.support.wire import assert_code

if TYPE_CHECKING:
    from tests.support.exchange import World
    from tests.support.server import RunningServer

PASSWORD = "correct horse 9Battery!"


def test_newest_user_comes_first(server: RunningServer) -> None:
    """
    The list is in descending order of creation.
    """
    mark = unique("u")
    ids = [create(server, "/users", {"username": f"{mark}_{number}"})["id"] for number in range(4)]
    found = server.management.get("/users", params={"search.username": f"{mark}%"}).json()
    assert [user["id"] for user in found] == ids[::-1]


def test_list_is_always_a_page(server: RunningServer) -> None:
    """
    Users come 20 at a time.
    """
    for _ in range(21):
        create(server, "/users", {})
    answer = server.management.get("/users")
    assert len(answer.json()) == 20
    assert int(answer.headers["total-number"]) >= 21


def test_phone_is_kept_in_its_international_form(server: RunningServer) -> None:
    """
    A number with or without leading marks is one number, and taken once.
    """
    number = "41446681800"
    found = server.management.get("/users", params={"search.primaryPhone": number}).json()
    for user in found:
        server.management.delete(f"/users/{user['id']}").raise_for_status()
    created = create(server, "/users", {"primaryPhone": number})
    assert created["primaryPhone"] == number
    again = server.management.post("/users", json={"primaryPhone": number})
    assert_code(again, 422, "user.phone_already_in_use")


def test_identifier_is_free_again_after_deletion(server: RunningServer) -> None:
    """
    Deleting a user frees username, e-mail and phone.
    """
    body = {"username": unique("u"), "primaryEmail": f"{unique('u')}@x.example"}
    first = create(server, "/users", body)
    server.management.delete(f"/users/{first['id']}").raise_for_status()
    assert create(server, "/users", body)["id"] != first["id"]


@pytest.mark.parametrize("query", ["", "?includePasswordHash=true"])
def test_password_is_never_shown(world: World, query: str) -> None:
    """
    No answer, log or output holds a password; its hash is told only when asked for.
    """
    body = {"username": "p<n>", "password": PASSWORD}
    created = world.send(Exchange(method="POST", path="/users", body=body))
    assert created.json()["hasPassword"] is True
    read = world.send(Exchange(method="GET", path=f"/users/{created.json()['id']}{query}"))
    logs = world.send(Exchange(method="GET", path="/logs?page_size=100"))
    for text in (created.text, read.text, logs.text, world.server.output):
        assert PASSWORD not in text
    assert ("passwordDigest" in read.json()) == bool(query)
    if query:
        assert read.json()["passwordAlgorithm"].startswith("Argon2")


@pytest.mark.parametrize("algorithm", ["Argon2i", "Argon2id", "Argon2d", "SHA1", "SHA256", "MD5", "Bcrypt"])
def test_imported_hash_is_accepted(server: RunningServer, algorithm: str) -> None:
    """
    Each algorithm of the reference can be imported.
    """
    body = {"passwordDigest": "x" * 32, "passwordAlgorithm": algorithm}
    assert create(server, "/users", body)["hasPassword"] is True


def test_unknown_algorithm_is_refused(server: RunningServer) -> None:
    """
    A hash nobody can check is not stored.
    """
    body = {"passwordDigest": "x", "passwordAlgorithm": "ROT13"}
    assert_code(server.management.post("/users", json=body), 400, "guard.invalid_input")


@pytest.mark.parametrize(
    ("digest", "code"),
    [
        ("no json", "password.invalid_legacy_password_format"),
        ('["rot13", ["@"], "00"]', "password.unsupported_legacy_hash_algorithm"),
    ],
)
def test_legacy_digest_must_be_readable(server: RunningServer, digest: str, code: str) -> None:
    """
    A legacy digest that can't be read is refused when it comes in.
    """
    body = {"passwordDigest": digest, "passwordAlgorithm": "Legacy"}
    assert_code(server.management.post("/users", json=body), 400, code)


@pytest.mark.parametrize("member", ["username", "primaryEmail", "primaryPhone", "name", "avatar"])
@pytest.mark.parametrize("empty", [None, ""])
def test_identifier_can_be_cleared(server: RunningServer, member: str, empty: str | None) -> None:
    """
    PATCH with null or an empty text clears each of these.
    """
    user = create(server, "/users", {"username": unique("u"), "name": "U", "avatar": "https://x.example/a.png"})
    answer = server.management.patch(f"/users/{user['id']}", json={member: empty})
    assert answer.status_code == 200
    assert answer.json()[member] is None


def test_profile_keeps_only_what_it_knows(server: RunningServer) -> None:
    """
    A profile holds the members of the contract, an address among them.
    """
    profile = {"familyName": "F", "givenName": "G", "address": {"locality": "Zürich", "country": "CH"}}
    user = create(server, "/users", {"profile": profile})
    assert user["profile"] == profile
    refused = server.management.patch(f"/users/{user['id']}", json={"profile": {"familyName": 5}})
    assert_code(refused, 400, "guard.invalid_input")


def test_update_moves_the_time_of_update(server: RunningServer) -> None:
    """
    `updatedAt` grows with a change, `createdAt` stays.
    """
    user = create(server, "/users", {})
    changed = server.management.patch(f"/users/{user['id']}", json={"name": "x"}).json()
    assert changed["createdAt"] == user["createdAt"]
    assert changed["updatedAt"] >= user["updatedAt"]
