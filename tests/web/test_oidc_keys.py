"""
The keys of `/configs/oidc`: recorded exchanges in their order, errors of the contract, what the JWKS shows (more §5.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.wire import Pattern, assert_answer, matching
from watchword.server.web.api.wire import milliseconds

if TYPE_CHECKING:
    import httpx

    from tests.support.clock import MovedClock

PRIVATE, COOKIE = "/configs/oidc/private-keys", "/configs/oidc/cookie-keys"
KID = matching("key id", "[A-Za-z0-9_-]{43}")
COOKIE_KEY_ID = matching("id of 21 characters", "[0-9a-z]{21}")
SECONDS = Pattern("seconds since 1970", lambda value: type(value) is int and 1_700_000_000 < value < 4_000_000_000)
INVALID = {"code": "oidc.invalid_request", "message": "Request is invalid."}
ONLY_PREVIOUS = {"code": "oidc.only_previous_key_can_be_deleted", "message": "Only a previous key can be deleted."}
REQUIRED = {"code": "oidc.key_required", "message": "At least one key is required."}


def key(kind: str, status: str, id_: object = KID, **more: object) -> dict[str, object]:
    """
    Write a signing key as it is recorded.
    """
    return {"id": id_, "createdAt": SECONDS, "signingKeyAlgorithm": kind, "status": status, **more}


async def rotate(owner: httpx.AsyncClient, **body: object) -> list[dict[str, Any]]:
    """
    Rotate, and return the keys of the answer.
    """
    answer = await owner.post(f"{PRIVATE}/rotate", json=body)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


async def jwks(owner: httpx.AsyncClient) -> list[dict[str, str]]:
    """
    Return the published keys.
    """
    answer = await owner.get("http://somewhere.test/oidc/jwks")
    found: list[dict[str, str]] = answer.json()["keys"]
    return found


async def test_recorded_rotations(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    The recordings, one after the other: rotate, rotate to RSA, what is listed then, what can't be deleted.
    """
    assert_answer(await owner.get(PRIVATE), 200, [key("EC", "Current")])
    first = (await owner.get(PRIVATE)).json()[0]["id"]
    clock.move(seconds=1)
    answer = await owner.post(f"{PRIVATE}/rotate", json={"signingKeyAlgorithm": "EC"})
    assert_answer(answer, 200, [key("EC", "Current"), key("EC", "Previous", first)])
    second = answer.json()[0]["id"]
    clock.move(seconds=1)
    answer = await owner.post(f"{PRIVATE}/rotate", json={"signingKeyAlgorithm": "RSA"})
    assert_answer(answer, 200, [key("RSA", "Current"), key("EC", "Previous", second)])
    third = answer.json()[0]["id"]
    assert_answer(await owner.get(PRIVATE), 200, [key("RSA", "Current", third), key("EC", "Previous", second)])
    assert_answer(await owner.delete(f"{PRIVATE}/{third}"), 422, ONLY_PREVIOUS)
    unknown = {"code": "oidc.key_not_found", "message": "Key with ID nope is not found."}
    assert_answer(await owner.delete(f"{PRIVATE}/nope"), 404, unknown)
    shown = [(one["kty"], one["kid"], one["alg"]) for one in await jwks(owner)]
    assert shown[0] == ("RSA", third, "RS256")
    assert ("EC", second, "ES256") in shown


async def test_recorded_next_key(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    Recorded with a grace period: `effectiveAt` in milliseconds, on the next key alone; it takes over by itself.
    """
    answer = await owner.post(f"{PRIVATE}/rotate", json={"rotationGracePeriod": 7200})
    effective = milliseconds(clock()) + 7_200_000
    assert_answer(answer, 200, [key("EC", "Next", effectiveAt=effective), key("EC", "Current")])
    upcoming, current = answer.json()
    clock.move(seconds=7200)
    expected = [key("EC", "Current", upcoming["id"]), key("EC", "Previous", current["id"])]
    assert_answer(await owner.get(PRIVATE), 200, expected)


async def test_recorded_key_types(owner: httpx.AsyncClient) -> None:
    """
    Another type of key is refused in the validator's words, by every route; cookie keys are there.
    """
    refused = {
        "code": "guard.invalid_input",
        "data": {
            "issues": [
                {
                    "received": "foo-keys",
                    "code": "invalid_enum_value",
                    "options": ["private-keys", "cookie-keys"],
                    "path": ["keyType"],
                    "message": "Invalid enum value. Expected 'private-keys' | 'cookie-keys', received 'foo-keys'",
                }
            ],
            "name": "ZodError",
        },
        "details": "Error in key path \"keyType\": (invalid_enum_value) Invalid enum value. Expected 'private-keys' | "
        "'cookie-keys', received 'foo-keys'",
        "message": "The request params is invalid.",
    }
    answer = await owner.get("/configs/oidc/foo-keys")
    assert answer.json().keys() >= refused.keys()
    assert {name: answer.json()[name] for name in refused} == refused
    assert (await owner.post("/configs/oidc/foo-keys/rotate", json={})).status_code == 400
    assert (await owner.delete("/configs/oidc/foo-keys/x")).status_code == 400
    assert_answer(await owner.get(COOKIE), 200, [{"id": COOKIE_KEY_ID, "createdAt": SECONDS}])


async def test_rotation_at_once_is_refused_while_another_is_fixed(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    One with a grace period takes the place of what waits, up to the last moments, in which another node may have begun.
    """
    first = await rotate(owner, rotationGracePeriod=3600)
    assert_answer(await owner.post(f"{PRIVATE}/rotate", json={}), 422, INVALID)
    second = await rotate(owner, rotationGracePeriod=1800)
    assert [one["status"] for one in second] == ["Next", "Current"]
    assert second[0]["id"] != first[0]["id"]
    assert second[1]["id"] == first[1]["id"]
    assert first[0]["id"] not in {one["kid"] for one in await jwks(owner)}
    clock.move(seconds=1791)
    assert_answer(await owner.post(f"{PRIVATE}/rotate", json={"rotationGracePeriod": 60}), 422, INVALID)


async def test_change_of_algorithm_can_be_fixed_and_taken_back(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    The other algorithm signs from its instant on and not before; what takes its place takes it back.
    """
    fixed = await rotate(owner, signingKeyAlgorithm="RSA", rotationGracePeriod=600)
    assert [(one["signingKeyAlgorithm"], one["status"]) for one in fixed] == [("RSA", "Next"), ("EC", "Current")]
    back = await rotate(owner, rotationGracePeriod=600)
    assert [(one["signingKeyAlgorithm"], one["status"]) for one in back] == [("EC", "Next"), ("EC", "Current")]
    clock.move(seconds=600)
    await rotate(owner, signingKeyAlgorithm="RSA", rotationGracePeriod=600)
    clock.move(seconds=600)
    after = (await owner.get(PRIVATE)).json()
    assert [(one["signingKeyAlgorithm"], one["status"]) for one in after] == [("RSA", "Current"), ("EC", "Previous")]


async def test_standby_is_published_and_not_listed(owner: httpx.AsyncClient) -> None:
    """
    Whoever keeps the published keys knows the one that signs after the next rotation; the list does not show it.
    """
    for _ in range(3):
        current, standby, *_ = [one["kid"] for one in await jwks(owner)]
        listed = [one["id"] for one in (await owner.get(PRIVATE)).json()]
        assert (listed[0], standby in listed) == (current, False)
        assert (await rotate(owner))[0]["id"] == standby


async def test_retired_keys_are_published_until_their_tokens_have_expired(
    owner: httpx.AsyncClient, clock: MovedClock
) -> None:
    """
    The list shows the newest one; the JWKS all of them, until the longest-lived token has expired.
    """
    body = {"name": "Long", "indicator": "https://long.example", "accessTokenTtl": 7200}
    resource = (await owner.post("/resources", json=body)).json()["id"]
    first = (await owner.get(PRIVATE)).json()[0]["id"]
    await owner.delete(f"/resources/{resource}")
    for _ in range(3):
        listed = await rotate(owner)
        assert [one["status"] for one in listed] == ["Current", "Previous"]
    assert len(await jwks(owner)) == 5
    clock.move(seconds=7200)
    assert first in {one["kid"] for one in await jwks(owner)}
    clock.move(seconds=60)
    assert first not in {one["kid"] for one in await jwks(owner)}


async def test_deleted_key_is_gone_at_once(owner: httpx.AsyncClient) -> None:
    """
    Whatever tokens it has signed; the last key that is listed stays, and so does the standby.
    """
    assert_answer(await owner.delete(f"{PRIVATE}/nope"), 422, REQUIRED)
    await rotate(owner)
    current, previous = await rotate(owner)
    oldest = (await jwks(owner))[-1]["kid"]
    for kid in (previous["id"], oldest):
        assert_answer(await owner.delete(f"{PRIVATE}/{kid}"), 204, None)
        assert kid not in {one["kid"] for one in await jwks(owner)}
    assert_answer(await owner.get(PRIVATE), 200, [key("EC", "Current", current["id"])])
    await rotate(owner)
    standby = (await jwks(owner))[1]["kid"]
    assert (await owner.delete(f"{PRIVATE}/{standby}")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"signingKeyAlgorithm": "ES256"},
        {"signingKeyAlgorithm": None},
        {"rotationGracePeriod": -1},
        {"rotationGracePeriod": 1.5},
        {"rotationGracePeriod": "1"},
        {"rotationGracePeriod": 31_536_001},
        {"rotationGracePeriod": 10**30},
    ],
    ids=str,
)
async def test_wrong_rotation_is_refused(owner: httpx.AsyncClient, body: dict[str, object]) -> None:
    """
    G400, and nothing has happened.
    """
    before = await jwks(owner)
    answer = await owner.post(f"{PRIVATE}/rotate", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "guard.invalid_input")
    assert await jwks(owner) == before


async def test_cookie_keys_turn_too(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    New first, two kept, never none; a grace period makes no sense for them.
    """
    assert_answer(await owner.post(f"{COOKIE}/rotate", json={"rotationGracePeriod": 1}), 422, INVALID)
    (first,) = (await owner.get(COOKIE)).json()
    assert_answer(await owner.delete(f"{COOKIE}/{first['id']}"), 422, REQUIRED)
    found: list[dict[str, Any]] = []
    for _ in range(3):
        clock.move(seconds=1)
        found = (await owner.post(f"{COOKIE}/rotate", json={})).json()
        assert len(found) == 2
        assert found[0]["createdAt"] > found[1]["createdAt"]
    assert_answer(
        await owner.delete(f"{COOKIE}/nope"),
        404,
        {"code": "oidc.key_not_found", "message": "Key with ID nope is not found."},
    )
    assert_answer(await owner.delete(f"{COOKIE}/{found[0]['id']}"), 204, None)
    assert_answer(await owner.get(COOKIE), 200, [found[1]])
