"""
What verifiers and clients read about this server: its keys, and its metadata.
"""

from watchword.protocol.errors import TemporarilyUnavailable
from watchword.protocol.metadata import authorization_server_metadata
from watchword.server.context import Context
from watchword.server.domain.grants import GRANTS
from watchword.server.domain.signing_keys import JWKS_MAX_AGE, SigningKey, published_keys
from watchword.server.storage.database import StorageUnavailable
from watchword.server.web.answers import Answer, json_answer

_CACHEABLE = ((b"cache-control", b"public, max-age=%d" % JWKS_MAX_AGE.total_seconds()),)


async def jwks(ctx: Context, tenant_id: str) -> Answer:
    """
    Publish the keys.

    Implements: RFC 7517 §5, §8.5.2.
    """
    keys = [dict(key.public_jwk) for key in await _published(ctx, tenant_id)]
    answer = json_answer({"keys": keys}, headers=_CACHEABLE)
    return Answer(200, answer.body, ((b"content-type", b"application/jwk-set+json; charset=utf-8"), *_CACHEABLE))


async def metadata(ctx: Context, tenant_id: str) -> Answer:
    """
    Describe this server.

    Implements: RFC 8414 §3.2, OpenID Connect Discovery 1.0 §4.2.
    """
    algorithms = dict.fromkeys(key.algorithm for key in await _published(ctx, tenant_id))
    document = authorization_server_metadata(
        ctx.settings.public_endpoint,
        grants=[grant.grant_type for grant in GRANTS.values()],
        algorithms=algorithms,
    )
    return json_answer(document, headers=_CACHEABLE)


async def _published(ctx: Context, tenant_id: str) -> list[SigningKey]:
    try:
        tenant = await ctx.directory.decide(tenant_id, lambda view: view.tenant())
    except (StorageUnavailable, TemporarilyUnavailable):
        # APIs must be able to check the tokens that are out, whatever has become of the database.
        remembered = ctx.directory.last_known_tenant(tenant_id)
        if remembered is None:
            raise
        tenant = remembered
    return published_keys(tenant.keys, ctx.clock())
