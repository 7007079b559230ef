"""
The token request, from bytes to a signed and recorded token.
"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from tests.support.shopping import Shopping, ask, ask_as_bot, claims_of
from tests.support.stored import token_payloads
from watchword.protocol.errors import AccessDenied, InvalidClient, InvalidRequest, InvalidTarget, OAuthError
from watchword.protocol.names import Algorithm
from watchword.server.operations import applications, resources, secrets
from watchword.server.operations.resources import NewResource

if TYPE_CHECKING:
    from watchword.server.context import Context


async def test_token_carries_what_the_roles_give(ctx: Context, shopping: Shopping) -> None:
    """
    Granted is what was asked and what a role gives, in the order asked; the rest is dropped.
    """
    response = await ask_as_bot(ctx, shopping, scope="write:products nope read:products")
    claims = claims_of(ctx, response)
    assert response.scope == claims["scope"] == "write:products read:products"
    assert (claims["sub"], claims["client_id"]) == (shopping.application_id, shopping.application_id)
    assert claims["aud"] == "https://shopping.api"
    assert claims["iss"] == ctx.settings.issuer


async def test_record_holds_asked_and_granted_scope(ctx: Context, shopping: Shopping) -> None:
    """
    Nobody loses a scope without knowing: the record shows both.
    """
    await ask_as_bot(ctx, shopping, scope="read:products nope")
    record = token_payloads(ctx.database)[-1]
    assert record["result"] == "Success"
    assert record["scope"] == "read:products"
    assert record["params"] == {
        "scope": "read:products nope",
        "resource": "https://shopping.api",
        "grant_type": "client_credentials",
        "client_secret": "******",
    }


@pytest.mark.parametrize("algorithm", [Algorithm.ES384, Algorithm.RS256])
async def test_resource_may_have_its_own_algorithm(ctx: Context, shopping: Shopping, algorithm: Algorithm) -> None:
    """
    Tokens for such a resource are signed with it, by a key that is published; others keep the tenant's.
    """
    indicator = f"https://{algorithm.value.lower()}.api"
    new = NewResource(name="pinned", indicator=indicator, signing_algorithm=algorithm)
    resources.create(shopping.acting, new)
    response = await ask_as_bot(ctx, shopping, resource=indicator)
    header = json.loads(_decode(response.access_token.split(".")[0]))
    assert header == {"alg": algorithm.value, "typ": "at+jwt", "kid": header["kid"]}
    assert claims_of(ctx, response)["aud"] == indicator
    other = await ask_as_bot(ctx, shopping)
    assert json.loads(_decode(other.access_token.split(".")[0]))["alg"] == "ES256"


async def test_lifetime_is_the_resources(ctx: Context, shopping: Shopping) -> None:
    """
    `accessTokenTtl` takes effect with the next token.
    """
    resources.update(shopping.acting, shopping.resource_id, {"access_token_ttl": 7})
    response = await ask_as_bot(ctx, shopping)
    claims = claims_of(ctx, response)
    assert response.expires_in == 7
    assert claims["exp"] == int(str(claims["iat"])) + 7


async def test_every_refusal_is_recorded(ctx: Context, shopping: Shopping) -> None:
    """
    A known application is named in full, an unknown id only by its first characters.
    """
    with pytest.raises(InvalidClient):
        await ask(ctx, shopping.application_id, "wrong")
    with pytest.raises(InvalidClient):
        await ask(ctx, shopping.application_secret, shopping.application_id)  # people swap them
    with pytest.raises(InvalidTarget):
        await ask_as_bot(ctx, shopping, resource="https://nowhere.example")
    with pytest.raises(AccessDenied):
        await ask_as_bot(ctx, shopping, organization_id="acme")
    wrong, swapped, target, organization = token_payloads(ctx.database)[-4:]
    assert wrong["applicationId"] == target["applicationId"] == shopping.application_id
    assert "applicationId" not in swapped
    assert swapped["unknownClientId"] == shopping.application_secret[:6] + "…"
    assert [entry["error"]["error"] for entry in (wrong, swapped, target, organization)] == [
        "invalid_client",
        "invalid_client",
        "invalid_target",
        "access_denied",
    ]
    assert shopping.application_secret not in json.dumps(token_payloads(ctx.database))


async def test_unknown_application_and_wrong_secret_are_refused_alike(ctx: Context, shopping: Shopping) -> None:
    """
    The refusals differ in nothing that the caller sees.
    """
    refusals = []
    for client_id, secret in (("nobody", shopping.application_secret), (shopping.application_id, "wrong")):
        with pytest.raises(InvalidClient) as caught:
            await ask(ctx, client_id, secret)
        refusals.append(caught.value)
    one, other = refusals
    assert (one.error, one.description, one.status, one.by_header) == (
        other.error,
        other.description,
        other.status,
        other.by_header,
    )


async def test_only_the_holder_learns_that_a_secret_has_expired(ctx: Context, shopping: Shopping) -> None:
    """
    At the very instant of expiry the secret is no longer good; a wrong secret is told nothing of it.
    """
    expires_at = ctx.clock() + timedelta(hours=1)
    secret = secrets.create(shopping.acting, shopping.application_id, "short", expires_at)
    assert secret.value is not None
    before = replace(ctx, clock=lambda: expires_at - timedelta(microseconds=1))
    at = replace(ctx, clock=lambda: expires_at)
    await ask(before, shopping.application_id, secret.value)
    with pytest.raises(InvalidRequest, match="client secret has expired"):
        await ask(at, shopping.application_id, secret.value)
    with pytest.raises(InvalidClient):
        await ask(at, shopping.application_id, secret.value[:-1])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda s: s[:-1], id="last character missing"),
        pytest.param(lambda s: s + "x", id="one character more"),
        pytest.param(lambda s: s[:-6], id="without its checksum"),
        pytest.param(lambda s: s.removeprefix("ww_"), id="without its prefix"),
        pytest.param(str.lower, id="in lower case"),
        pytest.param(lambda s: s + "A" * 72, id="long tail behind the right secret"),
        pytest.param(lambda s: s + " ", id="a blank behind it"),
    ],
)
async def test_secret_must_match_whole(ctx: Context, shopping: Shopping, change: object) -> None:
    """
    No prefix, suffix or other spelling of a secret passes for it.
    """
    assert callable(change)
    with pytest.raises(OAuthError):
        await ask(ctx, shopping.application_id, str(change(shopping.application_secret)))


async def test_several_secrets_are_good_at_once(ctx: Context, shopping: Shopping) -> None:
    """
    Each secret works until it is deleted, whatever happens to the others.
    """
    second = secrets.create(shopping.acting, shopping.application_id, "second", None)
    assert second.value is not None
    await ask_as_bot(ctx, shopping)
    await ask(ctx, shopping.application_id, second.value)
    secrets.delete(shopping.acting, shopping.application_id, "Default secret")
    await ask(ctx, shopping.application_id, second.value)
    with pytest.raises(InvalidClient):
        await ask_as_bot(ctx, shopping)


async def test_deleted_application_is_refused_as_an_unknown_one(ctx: Context, shopping: Shopping) -> None:
    """
    At the very next request.
    """
    await ask_as_bot(ctx, shopping)
    applications.delete(shopping.acting, shopping.application_id)
    with pytest.raises(InvalidClient):
        await ask_as_bot(ctx, shopping)


async def test_user_role_gives_a_machine_nothing(ctx: Context, shopping: Shopping) -> None:
    """
    Were a role for users linked to an application, by raw SQL say, it would still give nothing.
    """
    with ctx.database.write() as connection:
        connection.execute(sa.text("UPDATE roles SET type = 'User' WHERE id = :id"), {"id": shopping.role_id})
    assert (await ask_as_bot(ctx, shopping)).scope == ""


async def test_indicator_that_an_import_left_malformed_cannot_be_requested(ctx: Context, shopping: Shopping) -> None:
    """
    A stored indicator that is no absolute URI is refused as the recordings have it.
    """
    with ctx.database.write() as connection:
        connection.execute(
            sa.text("UPDATE resources SET indicator = 'shopping' WHERE id = :id"), {"id": shopping.resource_id}
        )
    with pytest.raises(InvalidTarget, match="absolute URI"):
        await ask_as_bot(ctx, shopping, resource="shopping")


async def test_response_and_request_hide_what_they_carry(ctx: Context, shopping: Shopping) -> None:
    """
    A repr that ends up in a log gives nothing away.
    """
    response = await ask_as_bot(ctx, shopping)
    assert response.access_token not in repr(response)


def _decode(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
