"""
What the audit log says: of tokens, issued and refused, and of every change.

Caller-chosen text never reaches a record unbounded or raw: it is cut, and NUL and lone surrogates are replaced.
A record is built from an allow-list of fields and stays below `LARGEST_RECORD` bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from watchword.protocol.errors import OAuthError
from watchword.protocol.forms import TokenForm
from watchword.protocol.names import GrantType
from watchword.protocol.scopes import format_scope
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.grants import Authorization

LARGEST_RECORD = 2048
MASK = "******"
_SHORT, _LONG, _USER_AGENT, _UNKNOWN_ID = 128, 320, 256, 6
_GRANT_KEYS = {
    GrantType.CLIENT_CREDENTIALS: "ClientCredentials",
    GrantType.AUTHORIZATION_CODE: "AuthorizationCode",
    GrantType.REFRESH_TOKEN: "RefreshToken",
    GrantType.DEVICE_CODE: "DeviceCode",
    GrantType.TOKEN_EXCHANGE: "TokenExchange",
}
TOKEN_KEY_PREFIX = "ExchangeTokenBy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    Something that happened, as the log keeps it.

    Attributes:
        key: What happened, e.g. `ExchangeTokenBy.ClientCredentials` or `Role.Created`.
        application_id: The application that acted, where a known one did.
        payload: JSON object without `key`; members that are absent are left out.
    """

    key: str
    application_id: str | None
    user_id: str | None
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """
    Where a request came from.
    """

    ip: str | None
    user_agent: str | None


def token_issued(seen: Seen, authorization: Authorization, origin: Origin) -> Event:
    """
    Record a token that is about to leave.
    """
    asked = _first(seen.form, "scope")
    scope = format_scope(authorization.scopes)
    payload = {
        "result": "Success",
        **_origin(origin),
        "applicationId": authorization.client_id,
        "params": _parameters(seen, asked),
        "scope": cut(scope, _LONG),
        "tokenTypes": ["AccessToken"],
        **_secret(seen),
    }
    if len(asked) > _LONG or len(scope) > _LONG:
        payload["cut"] = True
    if not scope:
        del payload["scope"]
    return Event(
        key=f"{TOKEN_KEY_PREFIX}.{_GRANT_KEYS[authorization.grant_type]}",
        application_id=authorization.client_id,
        user_id=None,
        payload=payload,
    )


def token_refused(seen: Seen, refusal: OAuthError, origin: Origin) -> Event:
    """
    Record a refusal: what was asked as far as it could be read, and why it was not given.
    """
    known = seen.application.id if seen.application is not None else None
    asked = _first(seen.form, "scope")
    payload = {
        "result": "Error",
        "error": _error(refusal),
        **_origin(origin),
        **({"applicationId": known} if known else {}),
        # People swap id and secret: of an id that nobody has, only the beginning is kept.
        **({"unknownClientId": cut(seen.client_id, _UNKNOWN_ID)} if seen.client_id and not known else {}),
        "params": _parameters(seen, asked),
        "tokenTypes": [],
        **_secret(seen),
        **({"cut": True} if len(asked) > _LONG else {}),
    }
    name = _GRANT_KEYS.get(_first(seen.form, "grant_type"), "Unknown")  # type: ignore[call-overload]
    return Event(key=f"{TOKEN_KEY_PREFIX}.{name}", application_id=known, user_id=None, payload=payload)


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
        "actor": {"type": actor.kind.value, **({"id": actor.id} if actor.id else {})},
        **_origin(Origin(ip=actor.ip, user_agent=actor.user_agent)),
        **({"applicationId": application_id} if application_id else {}),
        **({"userId": user_id} if user_id else {}),
        "data": {name: cut(value, _LONG) if isinstance(value, str) else value for name, value in data.items()},
    }
    return Event(key=key, application_id=application_id, user_id=user_id, payload=payload)


def cut(text: str, length: int) -> str:
    """
    Make text safe to keep: at most so many characters, no NUL, no lone surrogate, and marked where it was cut.
    """
    kept = text if len(text) <= length else text[:length] + "…"
    if kept.isascii() and "\0" not in kept:
        return kept
    return kept.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def _origin(origin: Origin) -> dict[str, object]:
    fields: dict[str, object] = {}
    if origin.ip:
        fields["ip"] = cut(origin.ip, _SHORT)
    if origin.user_agent:
        fields["userAgent"] = cut(origin.user_agent, _USER_AGENT)
    return fields


def _parameters(seen: Seen, asked: str) -> dict[str, object]:
    fields: dict[str, object] = {}
    if asked:
        fields["scope"] = cut(asked, _LONG)
    for name in ("resource", "grant_type", "organization_id"):
        value = _first(seen.form, name)
        if value:
            fields[name] = cut(value, _SHORT)
    if seen.secret:
        fields["client_secret"] = MASK
    return fields


def _first(form: TokenForm, name: str) -> str:
    return form.parameters.get(name, ("",))[0]


def _secret(seen: Seen) -> dict[str, object]:
    if seen.matched is None:
        return {}
    return {"applicationSecret": {"name": cut(seen.matched.name, _SHORT), "id": seen.matched.id}}


def _error(refusal: OAuthError) -> Mapping[str, object]:
    fields: dict[str, object] = {
        "message": refusal.error,
        "error": refusal.error,
        "error_description": refusal.description,
        "statusCode": refusal.status,
    }
    if refusal.detail:
        fields["detail"] = cut(refusal.detail, _SHORT)
    return fields
