"""
Who calls the Management API: an access token of ours, for it, and authority that is live.
"""

from datetime import timedelta

from watchword.protocol.access_token import AccessToken, check_claims, check_type
from watchword.protocol.errors import InvalidToken
from watchword.protocol.jose import VerificationKey, read_token, verify_signature
from watchword.server.context import Context
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.events import Origin
from watchword.server.domain.management import check_permission, forbidden, unauthorized
from watchword.server.domain.names import Permission, management_indicator
from watchword.server.domain.problems import Problem
from watchword.server.domain.signing_keys import published_keys
from watchword.server.domain.view import View

_BEARER = "Bearer "
_JOSE_ERRORS = {
    "malformed": ("ERR_JWS_INVALID", "JWSInvalid"),
    "signature": ("ERR_JWS_SIGNATURE_VERIFICATION_FAILED", "JWSSignatureVerificationFailed"),
    "unknown_key": ("ERR_JWKS_NO_MATCHING_KEY", "JWKSNoMatchingKey"),
    "expired": ("ERR_JWT_EXPIRED", "JWTExpired"),
    "claim": ("ERR_JWT_CLAIM_VALIDATION_FAILED", "JWTClaimValidationFailed"),
}


async def authenticate_caller(
    ctx: Context, tenant_id: str, authorization: tuple[str, ...], permission: Permission, origin: Origin
) -> Actor:
    """
    Find out who calls, and demand the permission, from what is true now.

    Raises:
        Problem: 401 without a good token or where its application is gone, 403 without the permission.
    """
    compact = _token_of(authorization)

    def judge(view: View) -> Actor:
        try:
            token = _verify(ctx, view, tenant_id, compact)
        except InvalidToken as error:
            raise _refused(error) from None
        return _judge(view, tenant_id, token, permission, origin)

    return await ctx.directory.decide(tenant_id, judge)


def _token_of(authorization: tuple[str, ...]) -> str:
    if not authorization:
        raise Problem("auth.authorization_header_missing", status=401, message="Authorization header is missing.")
    if len(authorization) > 1:
        raise Problem(
            "auth.unauthorized",
            status=401,
            message="Unauthorized. Please check credentials and its scope.",
            data={"reason": "the Authorization header must not be sent twice"},
        )
    if not authorization[0].startswith(_BEARER):
        raise Problem(
            "auth.authorization_token_type_not_supported",
            status=401,
            message="Authorization type is not supported.",
            data={"supportedTypes": ["Bearer"]},
        )
    return authorization[0].removeprefix(_BEARER).strip(" ")


def _verify(ctx: Context, view: View, tenant_id: str, compact: str) -> AccessToken:
    now = ctx.clock()
    unverified = read_token(compact)
    keys = {key.kid: key for key in published_keys(view.tenant().keys, now)}
    if unverified.kid not in keys:
        raise InvalidToken("no key of this server signed the token", reason="unknown_key")
    claims = verify_signature(unverified, VerificationKey.of(keys[unverified.kid].public_jwk))
    check_type(unverified.typ)
    return check_claims(
        claims,
        issuer=ctx.settings.issuer,
        audience=management_indicator(tenant_id),
        now=now,
        leeway=timedelta(0),
    )


def _judge(view: View, tenant_id: str, token: AccessToken, permission: Permission, origin: Origin) -> Actor:
    if token.organization_id is not None:
        raise forbidden()
    actor = Actor(
        kind=ActorKind.APPLICATION if token.is_machine else ActorKind.USER,
        id=token.subject,
        scopes=token.scopes,
        ip=origin.ip,
        user_agent=origin.user_agent,
    )
    application = view.application(actor.id) if token.is_machine else None
    roles = () if application is None else view.roles(application)
    check_permission(actor, permission, application, roles, view.resource(management_indicator(tenant_id)))
    return actor


def _refused(error: InvalidToken) -> Problem:
    if error.claim == "sub":
        return Problem("auth.jwt_sub_missing", status=401, message="The token has no `sub`.")
    problem = unauthorized("token")
    code, name = _JOSE_ERRORS[error.reason]
    claim = {} if error.claim is None else {"claim": error.claim, "reason": "check_failed"}
    return Problem(
        problem.code,
        status=problem.status,
        message=problem.message,
        data={"code": code, "name": name, **claim},
    )
