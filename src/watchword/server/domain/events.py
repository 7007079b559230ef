"""
What the audit log says: of tokens, issued and refused, and of every change.

Caller-chosen text never reaches a record unbounded or raw: it is cut, and NUL and lone surrogates are replaced.
A record is built from an allow-list of fields and stays below `LARGEST_RECORD` bytes.
"""

from collections.abc import Mapping
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from watchword.protocol.errors import OAuthError
from watchword.protocol.forms import TokenForm
from watchword.protocol.names import GrantType
from watchword.protocol.scopes import format_scope
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.grants import Authorization
from watchword.server.domain.redaction import HIDDEN, hide_secrets

LARGEST_RECORD = 2048
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
CUT = "…"
# What each field may take of a record, in bytes.
_IP, _WORD, _NAME, _RESOURCE, _SCOPE, _USER_AGENT, _TEXT, _UNKNOWN_ID = 64, 64, 128, 200, 320, 256, 160, 6
_ABSENT = ("",)
_MOST_IDS = 30  # of a list in a record of a change
TOKEN_KEY_PREFIX = "ExchangeTokenBy"
UNKNOWN_KEY = f"{TOKEN_KEY_PREFIX}.Unknown"
KEYS: Mapping[str, str] = {
    GrantType.CLIENT_CREDENTIALS: f"{TOKEN_KEY_PREFIX}.ClientCredentials",
    GrantType.AUTHORIZATION_CODE: f"{TOKEN_KEY_PREFIX}.AuthorizationCode",
    GrantType.REFRESH_TOKEN: f"{TOKEN_KEY_PREFIX}.RefreshToken",
    GrantType.DEVICE_CODE: f"{TOKEN_KEY_PREFIX}.DeviceCode",
    GrantType.TOKEN_EXCHANGE: f"{TOKEN_KEY_PREFIX}.TokenExchange",
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """
    Something that happened, as the log keeps it.

    Attributes:
        key: What happened, e.g. `ExchangeTokenBy.ClientCredentials` or `Role.Created`.
        application_id: The application that acted, where a known one did.
        payload: What becomes a JSON object without `key`; members that are absent are left out.
    """

    key: str
    application_id: str | None
    user_id: str | None
    payload: "TokenPayload | Mapping[str, object]"


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """
    Where a request came from.
    """

    ip: str | None
    user_agent: str | None


class AskedFor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    The parameters of a token request that a record shows.
    """

    scope: str | None = None
    resource: str | None = None
    grant_type: str | None = None
    organization_id: str | None = None
    client_secret: str | None = None


class UsedSecret(msgspec.Struct, frozen=True, kw_only=True):
    """
    The secret that matched, by name and id.
    """

    name: str
    id: str


class TokenPayload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """
    What a record says of a token request: these fields and no others, in the order of the wire.

    Attributes:
        jti: Id of the token that was issued.
        unknown_client_id: The first characters of an id that nobody has: people swap id and secret.
        cut: Whether the scope was longer than what is shown, or a parameter was there more than once.
    """

    result: str
    error: Mapping[str, object] | None = None
    ip: str | None = None
    user_agent: str | None = None
    application_id: str | None = None
    unknown_client_id: str | None = None
    params: AskedFor
    scope: str | None = None
    token_types: tuple[str, ...]
    application_secret: UsedSecret | None = None
    jti: str | None = None
    cut: bool = False


class TokenGranted(msgspec.Struct, frozen=True):
    """
    What the records of tokens that are had by one decision have in common: all but ids, and where requests came from.
    """

    key: str
    payload: TokenPayload


def token_granted(seen: Seen, authorization: Authorization) -> TokenGranted:
    """
    Say what any token will be recorded as that is had by this authorization.
    """
    asked = _value(seen.form, "scope")
    scope = format_scope(authorization.scopes)
    payload = TokenPayload(
        result="Success",
        application_id=authorization.client_id,
        params=_asked_for(seen),
        scope=_cut(scope, _SCOPE),
        token_types=("AccessToken",),
        application_secret=_used_secret(seen),
        cut=len(asked) > _SCOPE or len(scope) > _SCOPE,
    )
    return TokenGranted(KEYS[authorization.grant_type], payload)


def token_issued(granted: TokenGranted, jti: str, origin: Origin) -> Event:
    """
    Record a token that is about to leave.

    Args:
        jti: Its id.
    """
    payload = replace(
        granted.payload, ip=_cut(origin.ip, _IP), user_agent=_cut(origin.user_agent, _USER_AGENT), jti=jti
    )
    return Event(key=granted.key, application_id=granted.payload.application_id, user_id=None, payload=payload)


def token_refused(seen: Seen, refusal: OAuthError, origin: Origin) -> Event:
    """
    Record a refusal: what was asked as far as it could be read, and why it was not given.
    """
    known = seen.application.id if seen.application is not None else None
    payload = TokenPayload(
        result="Error",
        error=_error(refusal),
        ip=_cut(origin.ip, _IP),
        user_agent=_cut(origin.user_agent, _USER_AGENT),
        application_id=known,
        unknown_client_id=None if known else _cut(seen.client_id, _UNKNOWN_ID),
        params=_asked_for(seen),
        token_types=(),
        application_secret=_used_secret(seen),
        cut=len(_value(seen.form, "scope")) > _SCOPE or any(len(given) > 1 for given in seen.form.parameters.values()),
    )
    return Event(key=refusal_key(seen), application_id=known, user_id=None, payload=payload)


def refusal_key(seen: Seen) -> str:
    """
    Name the grant that was asked for, as far as it could be read.
    """
    return KEYS.get(_value(seen.form, "grant_type"), UNKNOWN_KEY)


def changed(key: str, actor: Actor, data: Mapping[str, object]) -> Event:
    """
    Record a change that an operation made.

    Args:
        key: `<Family>.<What>`, e.g. `Application.Created`.
        data: Ids and names of what changed: never a secret, never custom data.
    """
    application_id = actor.id if actor.kind is ActorKind.APPLICATION else None
    user_id = actor.id if actor.kind is ActorKind.USER else None
    payload: dict[str, object] = {
        "result": "Success",
        "actor": {
            "type": actor.kind.value,
            **({"id": actor.id} if actor.id else {}),
            **({"name": cut(actor.name, _NAME)} if actor.name else {}),
        },
        **({"ip": cut(actor.ip, _IP)} if actor.ip else {}),
        **({"userAgent": cut(actor.user_agent, _USER_AGENT)} if actor.user_agent else {}),
        **({"applicationId": application_id} if application_id else {}),
        **({"userId": user_id} if user_id else {}),
        "data": {name: _bounded(value) for name, value in data.items()},
    }
    return Event(key=key, application_id=application_id, user_id=user_id, payload=payload)


def _bounded(value: object) -> object:
    match value:
        case str():
            return cut(value, _SCOPE)
        case list() if len(value) > _MOST_IDS:
            return [*value[:_MOST_IDS], f"… {len(value) - _MOST_IDS} more"]
    return value


def cut(text: str, length: int) -> str:
    """
    Make text safe to keep: bounded, no secret, no NUL, no lone surrogate, and marked where it was cut.

    Args:
        length: Most bytes that it may take as a JSON string, the mark of three aside.
    """
    # What is certain to be cut is cut first, so that what is remembered is bounded.
    return _made_safe(text[: length + 1], length)


@lru_cache(maxsize=4096)
def _made_safe(text: str, length: int) -> str:
    kept: list[str] = []
    size = 0
    for character in text:
        safe = REPLACEMENT if character == "\0" or "\ud800" <= character <= "\udfff" else character
        size += _size(safe)
        if size > length:
            return hide_secrets("".join(kept) + CUT)
        kept.append(safe)
    return hide_secrets("".join(kept))


def _size(character: str) -> int:
    """
    Count the bytes that a character takes inside a JSON string.
    """
    if character in '"\\\b\f\n\r\t':
        return 2
    if character < " ":
        return len("\\u0000")
    return len(character.encode())


def _cut(text: str | None, length: int) -> str | None:
    return _made_safe(text[: length + 1], length) if text else None


def _asked_for(seen: Seen) -> AskedFor:
    given = seen.form.parameters
    # Cut before it is remembered: what is kept of a caller's text is bounded.
    return _shown(
        given.get("scope", _ABSENT)[0][: _SCOPE + 1],
        given.get("resource", _ABSENT)[0][: _RESOURCE + 1],
        given.get("grant_type", _ABSENT)[0][: _WORD + 1],
        given.get("organization_id", _ABSENT)[0][: _WORD + 1],
        HIDDEN if seen.secret else None,
    )


@lru_cache(maxsize=4096)
def _shown(scope: str, resource: str, grant_type: str, organization_id: str, client_secret: str | None) -> AskedFor:
    return AskedFor(
        scope=_cut(scope, _SCOPE),
        resource=_cut(resource, _RESOURCE),
        grant_type=_cut(grant_type, _WORD),
        organization_id=_cut(organization_id, _WORD),
        client_secret=client_secret,
    )


def _value(form: TokenForm, name: str) -> str:
    return form.parameters.get(name, _ABSENT)[0]


def _used_secret(seen: Seen) -> UsedSecret | None:
    if seen.matched is None:
        return None
    return UsedSecret(name=cut(seen.matched.name, _NAME), id=seen.matched.id)


def _error(refusal: OAuthError) -> Mapping[str, object]:
    fields: dict[str, object] = {
        "message": refusal.error,
        "error": refusal.error,
        "error_description": cut(refusal.description, _TEXT),
        "statusCode": refusal.status,
    }
    if refusal.detail:
        fields["detail"] = cut(refusal.detail, _TEXT)
    return fields
