"""
Signing keys with their instants: when a standby takes over, what becomes of a stolen key, and what a key is good for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from tests.support.clock import MovedClock, with_clock
from tests.support.home import ENDPOINT, MANAGEMENT_RESOURCE, Made, settings_of
from tests.support.wire import assert_answer, assert_code
from watchword.protocol.jose import Signer, base64url, generate_private_key
from watchword.protocol.names import Algorithm
from watchword.server.storage.database import StorageUnavailable
from watchword.server.web.api.wire import milliseconds
from watchword.server.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from watchword.server.context import Context
    from watchword.server.domain.signing_keys import SigningKey

KEYS = "/signing-keys"
READY_AFTER = 310  # seconds: the `max-age` of the JWKS, and ten more for clocks that differ


@pytest.fixture
async def stranger(ctx: Context, clock: MovedClock) -> AsyncIterator[httpx.AsyncClient]:
    """
    Call as anyone may, at the time that the clock says.
    """
    transport = httpx.ASGITransport(create_app(with_clock(ctx, clock), lambda: None))
    async with httpx.AsyncClient(transport=transport, base_url="http://somewhere.test") as client:
        yield client


async def states(owner: httpx.AsyncClient) -> dict[str, str]:
    """
    Return the status of every key by its id.
    """
    return {one["id"]: one["status"] for one in (await owner.get(KEYS)).json()}


async def token_of(stranger: httpx.AsyncClient, made: Made) -> str:
    """
    Fetch a token for the Management API.
    """
    form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE, "scope": "all"}
    answer = await stranger.post("/oidc/token", data=form, auth=(made.application_id, made.application_secret))
    token: str = answer.json()["access_token"]
    return token


async def ask_api(stranger: httpx.AsyncClient, token: str) -> httpx.Response:
    """
    Call the Management API with a token.
    """
    return await stranger.get("/api/roles", headers={"authorization": f"Bearer {token}"})


async def keys_of(ctx: Context) -> tuple[SigningKey, ...]:
    """
    Return the tenant's keys, unsealed.
    """
    return await ctx.directory.decide("default", lambda view: _keys(view))  # noqa: PLW0108 - what `decide` takes


def _keys(view: Any) -> tuple[SigningKey, ...]:  # noqa: ANN401 - the directory's view
    keys: tuple[SigningKey, ...] = view.tenant().keys
    return keys


async def test_list_tells_the_instants(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    A standby has none from which it signs.
    """
    listed = (await owner.get(KEYS)).json()
    assert [one["status"] for one in listed] == ["Current", "Standby"]
    members = ["id", "algorithm", "status", "publishedAt", "signsFrom", "signsUntil", "droppedAt"]
    assert all(list(one) == members for one in listed)
    assert (listed[0]["signsFrom"], listed[1]["signsFrom"]) == (listed[0]["publishedAt"], None)
    assert listed[0]["signsUntil"] is None
    assert 0 <= milliseconds(clock()) - listed[0]["publishedAt"] < 24 * 3600_000


async def test_rotation_waits_until_every_verifier_knows_the_key(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    A young standby signs once it has been published for the `max-age` of the JWKS; asking again changes nothing.
    """
    await owner.post(f"{KEYS}/rotate", json={"now": True})
    current, standby, *_ = await states(owner)
    clock.move(seconds=100)
    first = await owner.post(f"{KEYS}/rotate", json={})
    again = await owner.post(f"{KEYS}/rotate", json={})
    assert first.json() == again.json()
    upcoming = next(one for one in first.json() if one["status"] == "Next")
    assert (upcoming["id"], upcoming["signsFrom"] - upcoming["publishedAt"]) == (standby, READY_AFTER * 1000)
    clock.move(seconds=READY_AFTER - 101)
    assert (await states(owner))[current] == "Current"
    clock.move(seconds=1)
    assert (await states(owner))[standby] == "Current"


async def test_old_standby_takes_over_at_once(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    And another one is published.
    """
    _, standby = await states(owner)
    clock.move(days=1)
    rotated = (await owner.post(f"{KEYS}/rotate", json={})).json()
    assert [one["status"] for one in rotated] == ["Current", "Standby", "Previous"]
    assert rotated[0]["id"] == standby
    assert rotated[0]["signsFrom"] == rotated[2]["signsUntil"] == milliseconds(clock())


async def test_rotation_now_hastens_what_is_fixed(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    The key that was to be next signs now, and no third one is made.
    """
    await owner.post(f"{KEYS}/rotate", json={"now": True})
    fixed = (await owner.post(f"{KEYS}/rotate", json={})).json()
    upcoming = next(one["id"] for one in fixed if one["status"] == "Next")
    clock.move(seconds=5)
    hastened = (await owner.post(f"{KEYS}/rotate", json={"now": True})).json()
    assert (hastened[0]["id"], hastened[0]["status"]) == (upcoming, "Current")
    assert {one["id"] for one in hastened} == {one["id"] for one in fixed}


async def test_each_algorithm_in_use_turns_by_itself(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    An API resource with an algorithm of its own brings a key and a standby; others are refused.
    """
    unused = await owner.post(f"{KEYS}/rotate", json={"algorithm": "ES384"})
    assert_code(unused, 422, "signing_key.algorithm_not_in_use")
    body = {"name": "R", "indicator": "https://r.example", "signingAlgorithm": "ES384"}
    resource = (await owner.post("/resources", json=body)).json()["id"]
    clock.move(days=1)
    rotated = (await owner.post(f"{KEYS}/rotate", json={"algorithm": "ES384"})).json()
    counted = [(one["algorithm"], one["status"]) for one in rotated]
    assert sorted(counted) == [
        ("ES256", "Current"),
        ("ES256", "Standby"),
        ("ES384", "Current"),
        ("ES384", "Previous"),
        ("ES384", "Standby"),
    ]
    changed = await owner.patch(f"/resources/{resource}", json={"signingAlgorithm": "RS256"})
    assert changed.status_code == 200
    found = [(one["algorithm"], one["status"]) for one in (await owner.get(KEYS)).json()]
    assert [pair for pair in found if pair[0] == "RS256"] == [("RS256", "Current"), ("RS256", "Standby")]


async def test_wrong_rotation_is_refused(owner: httpx.AsyncClient) -> None:
    """
    G400, and nothing has happened.
    """
    before = await states(owner)
    wrong: list[Mapping[str, object]] = [{"now": 1}, {"now": "true"}, {"algorithm": "none"}, {"algorithm": "HS256"}]
    for body in wrong:
        assert_code(await owner.post(f"{KEYS}/rotate", json=body), 400, "guard.invalid_input")
    assert await states(owner) == before


async def test_tokens_of_a_stolen_key_are_refused_at_once(
    owner: httpx.AsyncClient, stranger: httpx.AsyncClient, made: Made
) -> None:
    """
    By our own API with the very next request; the JWKS is without it, and the standby signs.
    """
    stolen, standby = await states(owner)
    before = await token_of(stranger, made)
    assert (await ask_api(stranger, before)).status_code == 200
    assert_answer(await owner.delete(f"{KEYS}/{stolen}"), 204, None)
    refused = await ask_api(stranger, before)
    assert (refused.status_code, refused.json()["data"]["code"]) == (401, "ERR_JWKS_NO_MATCHING_KEY")
    published = {one["kid"] for one in (await stranger.get("/oidc/jwks")).json()["keys"]}
    assert stolen not in published
    found = await states(owner)
    assert (found[standby], len(found)) == ("Current", 2)
    assert (await ask_api(stranger, await token_of(stranger, made))).status_code == 200
    assert_code(await owner.delete(f"{KEYS}/{stolen}"), 404, "oidc.key_not_found")


async def test_any_key_can_be_revoked(owner: httpx.AsyncClient) -> None:
    """
    A standby makes room for another; where the next one goes, the current one goes on; a previous one is just dropped.
    """
    await owner.post(f"{KEYS}/rotate", json={"now": True})
    await owner.post(f"{KEYS}/rotate", json={})
    kids = {status: kid for kid, status in (await states(owner)).items()}
    for status in ("Standby", "Next", "Previous"):
        assert_answer(await owner.delete(f"{KEYS}/{kids[status]}"), 204, None)
        found = await states(owner)
        assert kids[status] not in found
        assert list(found.values()).count("Standby") == 1
        assert found[kids["Current"]] == "Current"
    assert sorted((await states(owner)).values()) == ["Current", "Standby"]
    assert (await owner.get(KEYS)).json()[0]["signsUntil"] is None


async def test_only_so_many_keys_are_published(owner: httpx.AsyncClient) -> None:
    """
    A script that rotates for ever is stopped before verifiers can't read the document any more.
    """
    answers = [await owner.post(f"{KEYS}/rotate", json={"now": True}) for _ in range(100)]
    assert_code(answers[-1], 422, "signing_key.too_many")
    listed = (await owner.get(KEYS)).json()
    assert len(listed) == 100
    document = await owner.get("http://somewhere.test/oidc/jwks")
    assert len(document.content) < 131_072
    assert_answer(await owner.delete(f"{KEYS}/{listed[-1]['id']}"), 204, None)
    assert (await owner.post(f"{KEYS}/rotate", json={"now": True})).status_code == 200


async def test_every_change_is_in_the_log(owner: httpx.AsyncClient, clock: MovedClock) -> None:
    """
    Who made which key sign from when on, and who dropped it; no part of a key.
    """
    clock.move(days=1)
    old, new = await states(owner)
    await owner.post(f"{KEYS}/rotate", json={})
    await owner.delete(f"{KEYS}/{old}")
    await owner.post("/configs/oidc/private-keys/rotate", json={"signingKeyAlgorithm": "RSA"})
    for _ in range(2):
        await owner.post("/configs/oidc/cookie-keys/rotate", json={})
    entries = (await owner.get("/logs?page_size=100")).json()
    found = {(one["key"], one["payload"]["data"].get("kid")) for one in entries}
    assert {("SigningKey.Rotated", new), ("SigningKey.Revoked", old), ("SigningKey.Deleted", old)} <= found
    kinds = {one["key"] for one in entries}
    assert {"SigningKey.Created", "Tenant.SigningAlgorithm.Updated", "CookieKey.Created", "CookieKey.Deleted"} <= kinds
    rotated = next(one["payload"]["data"] for one in entries if one["key"] == "SigningKey.Rotated")
    assert set(rotated) == {"kid", "algorithm", "signsFrom"}


@pytest.mark.parametrize("path", ["/oidc/jwks", "/oidc/.well-known/openid-configuration"])
async def test_keys_are_published_from_memory_while_the_database_is_away(
    ctx: Context, made: Made, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """
    What was read last is the answer; nothing else is answered, and afterwards the truth is.
    """
    transport = httpx.ASGITransport(create_app(ctx, lambda: None))
    async with httpx.AsyncClient(transport=transport, base_url=ENDPOINT) as client:
        looker = ctx.directory._looker  # type: ignore[attr-defined]

        def away(*_: object) -> None:
            raise StorageUnavailable("gone")

        with monkeypatch.context() as patch:
            patch.setattr(looker, "since", away)
            assert (await client.get(path)).status_code == 503
        known = await client.get(path)
        with monkeypatch.context() as patch:
            patch.setattr(looker, "since", away)
            remembered = await client.get(path)
            assert (remembered.status_code, remembered.content) == (200, known.content)
            assert remembered.headers["cache-control"] == "public, max-age=300"
            form = {"grant_type": "client_credentials", "resource": MANAGEMENT_RESOURCE}
            credentials = (made.application_id, made.application_secret)
            assert (await client.post("/oidc/token", data=form, auth=credentials)).status_code == 503
        assert (await client.get(path)).status_code == 200


async def test_key_of_another_installation_never_verifies(
    ctx: Context, stranger: httpx.AsyncClient, made: Made, clock: MovedClock
) -> None:
    """
    A token with our claims, signed with a key that is not ours: whatever id it names, one of ours included.
    """
    claims = management_claims(made, clock)
    foreign = generate_private_key(Algorithm.ES256)
    for kid in ("unknown", *(key.kid for key in await keys_of(ctx))):
        token = Signer.of(foreign, Algorithm.ES256, kid).sign(claims)
        assert (await ask_api(stranger, token)).status_code == 401
    ours = (await keys_of(ctx))[0]
    assert (await ask_api(stranger, ours.signer.sign(claims))).status_code == 200


async def test_key_serves_its_own_algorithm_alone(
    ctx: Context, owner: httpx.AsyncClient, stranger: httpx.AsyncClient, made: Made, clock: MovedClock
) -> None:
    """
    A good signature under the id of a key of another algorithm is no signature, and no key signs as another algorithm.
    """
    for algorithm in ("ES384", "RS256"):
        body = {"name": algorithm, "indicator": f"https://{algorithm}.example", "signingAlgorithm": algorithm}
        await owner.post("/resources", json=body)
    keys = await keys_of(ctx)
    claims = management_claims(made, clock)
    assert {key.algorithm for key in keys} == set(Algorithm)
    for key in keys:
        assert (await ask_api(stranger, key.signer.sign(claims))).status_code == 200
        for other in keys:
            if other.kid != key.kid:
                borrowed = Signer.of(key.signer.key, key.algorithm, other.kid).sign(claims)
                assert (await ask_api(stranger, borrowed)).status_code == 401
        for algorithm in set(Algorithm) - {key.algorithm}:
            header = {"alg": algorithm.value, "typ": "at+jwt", "kid": key.kid}
            segment = base64url(msgspec.json.encode(header))
            relabelled = replace(key.signer, header_segment=segment).sign(claims)
            assert (await ask_api(stranger, relabelled)).status_code == 401


async def test_key_of_another_tenant_never_verifies(
    ctx: Context, stranger: httpx.AsyncClient, made: Made, clock: MovedClock
) -> None:
    """
    Its row does not become ours by its tenant being changed: it is sealed for the tenant that it was made for.
    """
    keys = await keys_of(ctx)
    token = keys[0].signer.sign(management_claims(made, clock))
    assert (await ask_api(stranger, token)).status_code == 200
    with ctx.database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO tenants (id, signing_algorithm, created_at) VALUES ('other', 'ES256', 0)"
        )
        connection.exec_driver_sql("UPDATE signing_keys SET tenant_id = 'other' WHERE id = ?", (keys[0].kid,))
    assert (await ask_api(stranger, token)).status_code == 401
    published = (await stranger.get("/oidc/jwks")).json()["keys"]
    assert keys[0].kid not in {one["kid"] for one in published}


def management_claims(made: Made, clock: MovedClock) -> bytes:
    """
    Write the claims of a token that the Management API would take.
    """
    now = int(clock().timestamp())
    issuer = settings_of(made.home).issuer
    return msgspec.json.encode(
        {
            "iss": issuer,
            "aud": MANAGEMENT_RESOURCE,
            "sub": made.application_id,
            "client_id": made.application_id,
            "scope": "all",
            "iat": now,
            "exp": now + 60,
            "jti": "j",
        }
    )
