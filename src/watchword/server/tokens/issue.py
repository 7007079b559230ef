"""
The token request: who asks, what may be had, record, sign, answer.
"""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec

from watchword.protocol.access_token import write_claims
from watchword.protocol.credentials import present_credentials
from watchword.protocol.errors import OAuthError, TemporarilyUnavailable
from watchword.protocol.forms import TokenForm, read_form
from watchword.protocol.names import BEARER
from watchword.protocol.scopes import format_scope
from watchword.server.context import Context
from watchword.server.domain.client_auth import Caller, Seen, authenticate
from watchword.server.domain.client_auth.origins import check_origin
from watchword.server.domain.confidential import Confidential
from watchword.server.domain.decision import Decision, RememberingView
from watchword.server.domain.events import Origin, token_granted, token_issued
from watchword.server.domain.grants import Authorization, grant_for
from watchword.server.domain.ids import new_jti
from watchword.server.domain.signing_keys import SigningKey, next_turn
from watchword.server.domain.view import Moment, TenantEntry, View, signing_key_of
from watchword.server.storage.database import StorageUnavailable
from watchword.server.telemetry.tracing import UNNOTED, Phases
from watchword.server.tokens.decisions import identity_of

_encode = msgspec.json.Encoder().encode


class TokenRequest(Confidential, frozen=True, kw_only=True):
    """
    A token request as it came: nothing of it is read yet, so that a bad one is refused, and recorded, in one place.

    Attributes:
        authorization: All Authorization headers.
        browser_origin: The Origin header, which only browsers send.
        came_from: For the record.
        came_at: When all of it had come, an aware UTC datetime: the instant that everything is decided for.
        phases: Told how far the request has come.
    """

    tenant_id: str
    authorization: tuple[str, ...]
    content_type: str | None
    body: bytes
    browser_origin: str | None
    came_from: Origin
    came_at: datetime
    phases: Phases = UNNOTED

    def identity(self) -> bytes | None:
        """
        Return what this request has in common with its equals, and with no others; None where it is decided by itself.
        """
        return identity_of(self.authorization, self.content_type, self.browser_origin, self.body)

    def read(self) -> TokenForm:
        """
        Read the body.

        Raises:
            InvalidRequest: It is no form.
        """
        return read_form(self.content_type, self.body)


class TokenResponse(Confidential, frozen=True, kw_only=True, omit_defaults=True):
    """
    What the caller gets (RFC 6749 §5.1), in the order of the wire.

    Attributes:
        expires_in: Seconds.
        scope: Granted; empty leaves the member out.
    """

    access_token: str
    expires_in: int
    # Required: without a default it is never left out.
    token_type: str
    scope: str = ""


def _nothing() -> None:
    pass


async def issue_token(
    request: TokenRequest, ctx: Context, seen: Seen, *, on_refusal: Callable[[], None] = _nothing
) -> TokenResponse:
    """
    Answer a token request. A token leaves only after its record is durable.

    Args:
        seen: Told what becomes known of the request on the way.
        on_refusal: Called when it is refused. What follows is the record, for which no token has to wait.

    Raises:
        OAuthError: The refusal, recorded or counted; after too many failed authentications a 429.

    Implements: RFC 6749 §3.2.
    """
    ctx.vitals.demand_time()
    now, phases = request.came_at, request.phases
    identity = request.identity()

    def decide(view: RememberingView) -> tuple[Decision, Moment]:
        phases.ended("look")
        decision = view.recall(identity, now)
        if decision is None:
            decision = _decide(request, view, ctx, seen)
            view.keep(identity, decision)
        else:
            seen.take_over(decision.caller, decision.authorization.grant_type)
            phases.ended("form")
            phases.ended("authenticate")
        phases.ended("authorize")
        return decision, view.moment

    try:
        decision, moment = await ctx.directory.decide(request.tenant_id, decide)
        application, secret = decision.caller.application, decision.caller.secret
        jti = new_jti("" if secret is None else secret.id, ctx.random)
        response = await ctx.token_log.append(
            request.tenant_id,
            token_issued(decision.granted, jti, request.came_from),
            now,
            moment=moment,
            used_secret=None if secret is None else (application.id, secret.id),
            meanwhile=partial(_issue, decision, jti, request, ctx),
        )
        phases.ended("log")
    except StorageUnavailable as error:
        raise TemporarilyUnavailable("the database can't be read", detail=str(error)) from error
    except OAuthError as refusal:
        on_refusal()
        raise await ctx.token_log.refuse(
            request.tenant_id, seen, refusal, came_from=request.came_from, limits=ctx.limits
        ) from None
    return response


def _decide(request: TokenRequest, view: View, ctx: Context, seen: Seen) -> Decision:
    now, phases = request.came_at, request.phases
    form = seen.form = request.read()  # who sends a bad form is recorded too
    phases.ended("form")
    caller = authenticate(present_credentials(request.authorization, form), view, ctx.keys.digest, now, seen)
    check_origin(request.browser_origin, caller.application, ctx.settings.public_endpoint)
    phases.ended("authenticate")
    authorization, tenant = grant_for(form, caller).authorize(form, caller, view, now), view.tenant()
    return Decision(
        caller=caller,
        authorization=authorization,
        key=signing_key_of(tenant, authorization.algorithm, now),
        granted=token_granted(seen, authorization),
        until=_until(caller, tenant, now),
    )


def _until(caller: Caller, tenant: TenantEntry, now: datetime) -> datetime:
    turn = next_turn(tenant.keys, tenant.own_algorithm, now)
    secret = caller.secret
    return turn if secret is None or secret.expires_at is None else min(turn, secret.expires_at)


def _issue(decision: Decision, jti: str, request: TokenRequest, ctx: Context) -> TokenResponse:
    """
    Sign a token, which must not leave yet.
    """
    request.phases.ended("gather")
    authorization, key = decision.authorization, decision.key
    began = time.perf_counter()
    response = sign(authorization, jti, key, request.came_at, ctx.settings.issuer)
    ctx.meters.signed(key.algorithm, authorization.dropped.values(), time.perf_counter() - began)
    request.phases.ended("sign")
    return response


def sign(authorization: Authorization, jti: str, key: SigningKey, now: datetime, issuer: str) -> TokenResponse:
    """
    Make the token that an authorization stands for.

    Args:
        jti: Its id.
        now: Aware UTC datetime; the token is issued at its whole second.

    Implements: RFC 9068 §2.
    """
    scope = format_scope(authorization.scopes)
    claims = write_claims(
        issuer=issuer,
        subject=authorization.subject,
        client_id=authorization.client_id,
        audience=authorization.target.audience,
        token_id=jti,
        issued_at=int(now.timestamp()),
        lifetime=authorization.lifetime,
        scope=scope,
        custom={},
    )
    return TokenResponse(
        access_token=key.signer.sign(_encode(claims)),
        expires_in=authorization.lifetime,
        token_type=BEARER,
        scope=scope,
    )
