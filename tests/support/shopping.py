"""
The "Online Shopping" API with its role and its application, made by operations, without HTTP.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from watchword.protocol.jose import VerificationKey, read_token, verify_signature
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.events import Origin
from watchword.server.domain.names import DEFAULT_TENANT, ApplicationType, RoleType
from watchword.server.operations import application_roles, applications, resources, roles, scopes, secrets
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.operation import Acting
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.tokens.issue import TokenRequest, TokenResponse, issue_token

if TYPE_CHECKING:
    from watchword.server.context import Context

INDICATOR = "https://shopping.api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shopping:
    """
    Ids of what was made, and who made it.
    """

    acting: Acting
    resource_id: str
    scope_ids: dict[str, str]
    role_id: str
    application_id: str
    application_secret: str


@pytest.fixture
def shopping(ctx: Context) -> Shopping:
    """
    Make an API with two permissions, a role with both, and an application that holds the role.
    """
    return make_shopping(ctx)


def make_shopping(ctx: Context) -> Shopping:
    """
    As the fixture.
    """
    acting = Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=Actor(kind=ActorKind.LOCAL))
    resource = resources.create(acting, NewResource(name="Online Shopping", indicator=INDICATOR))
    names = ("read:products", "write:products")
    scope_ids = {name: scopes.create(acting, resource.id, name, None).id for name in names}
    role = roles.create(
        acting,
        NewRole(
            name="shopper",
            description="Buys and sells",
            type=RoleType.MACHINE_TO_MACHINE,
            scope_ids=list(scope_ids.values()),
        ),
    )
    application, _ = applications.create(
        acting, NewApplication(name="shop-bot", type=ApplicationType.MACHINE_TO_MACHINE)
    )
    application_roles.assign(acting, application.id, [role.id])
    secret = secrets.listing(acting, application.id)[0].value
    assert secret is not None
    return Shopping(
        acting=acting,
        resource_id=resource.id,
        scope_ids=scope_ids,
        role_id=role.id,
        application_id=application.id,
        application_secret=secret,
    )


def request_for(
    ctx: Context,
    client_id: str,
    secret: str,
    *,
    scope: str = "read:products write:products",
    resource: str = INDICATOR,
    **more: str,
) -> TokenRequest:
    """
    Make a token request as it comes over HTTP.
    """
    form = {"grant_type": "client_credentials", "resource": resource, "scope": scope, **more}
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return TokenRequest(
        tenant_id=DEFAULT_TENANT,
        authorization=(f"Basic {basic}",),
        content_type="application/x-www-form-urlencoded",
        body=urlencode(form).encode(),
        browser_origin=None,
        came_from=Origin(ip="127.0.0.1", user_agent="test"),
        came_at=ctx.clock(),
    )


async def ask(ctx: Context, client_id: str, secret: str, **form: str) -> TokenResponse:
    """
    Ask for a token; `form` may hold what `request_for` takes.
    """
    return await issue_token(request_for(ctx, client_id, secret, **form), ctx, Seen())


async def ask_as_bot(ctx: Context, shopping: Shopping, **more: str) -> TokenResponse:
    """
    Ask as the shopping application.
    """
    return await ask(ctx, shopping.application_id, shopping.application_secret, **more)


def claims_of(ctx: Context, response: TokenResponse) -> dict[str, object]:
    """
    Return the claims of a token, its signature checked with the keys that the database holds now.
    """
    with ctx.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT CAST(public_jwk AS TEXT) FROM signing_keys").scalars().all()
    keys = {key.kid: key for key in (VerificationKey.of(read_json(row)) for row in rows)}
    token = read_token(response.access_token)
    return verify_signature(token, keys[token.kid])


def read_json(text: str) -> dict[str, object]:
    """
    Read a JSON column that raw SQL gave back as text.
    """
    value = json.loads(text)
    assert isinstance(value, dict)
    return value
