"""
Records of the log, told to people: who did what, and what came of it.

A record may hold whatever a version of this server has ever written, and what callers chose: nothing of it is taken for
granted.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from watchword.protocol.errors import (
    AccessDenied,
    InvalidClient,
    InvalidRequest,
    InvalidTarget,
    OAuthError,
    TemporarilyUnavailable,
    UnsupportedGrantType,
)
from watchword.server.domain.actors import ActorKind
from watchword.server.domain.client_auth.client_secret import SecretExpired
from watchword.server.domain.records import LogEntry
from watchword.server.domain.search import fold_case
from watchword.server.operations.logs import Outcome
from watchword.server.operations.narrowings import not_granted
from watchword.server.web.console.pages import address

# With which a token request is refused.
_REFUSALS = (AccessDenied, InvalidClient, InvalidRequest, InvalidTarget, TemporarilyUnavailable, UnsupportedGrantType)
ERRORS = tuple(kind.error for kind in _REFUSALS)
_LONGEST_WHO, _LONGEST_WHAT = 80, 160  # characters
_ROOMS = {"Application": "applications", "Resource": "resources", "Role": "roles", "User": "users"}
# After these there is nothing left to show.
_GONE = frozenset(f"{family}.Deleted" for family in (*_ROOMS, "Scope"))
_DOCUMENTED = frozenset(kind.error for kind in OAuthError.__subclasses__() if kind.__module__ == OAuthError.__module__)
_NOBODY: Mapping[str, object] = {}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """
    A record as a list shows it.

    Attributes:
        error: In the protocol's word; empty where there is none.
        is_narrowed: Whether a token was issued with less than was asked for.
        who: Name or id.
        application_id: Where an application acted that still exists.
        what: What was asked for, or changed.
    """

    id: str
    at: datetime
    event: str
    outcome: str
    error: str
    is_narrowed: bool
    who: str
    application_id: str | None
    what: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """
    Why a request was refused, as its record has it.

    Attributes:
        error: In the protocol's word.
        status: Of the answer; empty where it is not recorded.
        detail: What the caller was not told.
        has_page: Whether there is a page that says what the error means.
        is_of_secret: Whether the caller did not prove who it was.
    """

    error: str
    status: str
    description: str
    detail: str
    has_page: bool
    is_of_secret: bool


def row_of(entry: LogEntry, application_names: Mapping[str, str]) -> Row:
    """
    Tell of a record in one line.
    """
    payload = entry.payload
    application_id = _text(payload.get("applicationId"))
    name = application_names.get(application_id)
    return Row(
        id=entry.id,
        at=entry.created_at,
        event=entry.key,
        outcome=_text(payload.get("result")),
        error=_text(_members(payload.get("error")).get("error")),
        is_narrowed=bool(not_granted(entry)),
        who=_cut(name or _actor(payload) or application_id or _stranger(payload), _LONGEST_WHO),
        application_id=application_id if name is not None else None,
        what=_cut(_what(payload), _LONGEST_WHAT),
    )


def refusal_of(entry: LogEntry) -> Refusal | None:
    """
    Return why a request was refused; None where it was not, or nothing says why.
    """
    error = _members(entry.payload.get("error"))
    if entry.payload.get("result") != Outcome.ERROR or not error:
        return None
    name, description = _text(error.get("error")), _text(error.get("error_description"))
    return Refusal(
        error=name,
        status=_text(error.get("statusCode")),
        description=description,
        detail=_text(error.get("detail")),
        has_page=name in _DOCUMENTED,
        is_of_secret=name == InvalidClient.error or description == SecretExpired().description,
    )


def is_refused_with(error: str, entry: LogEntry) -> bool:
    """
    Tell whether a request was refused with this error, in the protocol's word.
    """
    refusal = refusal_of(entry)
    return refusal is not None and refusal.error == error


def was_done_by(entry: LogEntry, name: str) -> bool:
    """
    Tell whether a record has somebody of this name as who acted, in whatever case: an operator, or what a list shows.
    """
    return fold_case(_actor(entry.payload)) == fold_case(name)


def is_about(entry: LogEntry, thing_id: str) -> bool:
    """
    Tell whether a record names something, by its id, as what changed or as a part of that.
    """
    named = _members(entry.payload.get("data")).values()
    return any(thing_id == value or (isinstance(value, list) and thing_id in value) for value in named)


def page_of_what_changed(entry: LogEntry) -> str | None:
    """
    Return the page of what a record is about, which may be gone since; None where there is no such page.
    """
    if entry.key in _GONE:
        return None
    family, data = entry.key.partition(".")[0], _members(entry.payload.get("data"))
    own_id, resource_id = _text(data.get("id")), _text(data.get("resourceId"))
    if own_id and family in _ROOMS:
        return address(_ROOMS[family], own_id)
    return address("resources", resource_id, "scopes", own_id) if own_id and resource_id else None


def members_of(entry: LogEntry) -> list[tuple[str, str]]:
    """
    Return all members of a record's payload with their paths, each as text.
    """
    return list(_flat("", entry.payload))


def as_json(entry: LogEntry) -> str:
    """
    Write a record to be read by people.
    """
    shown = {"id": entry.id, "key": entry.key, "createdAt": entry.created_at.isoformat(), "payload": entry.payload}
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _flat(path: str, value: object) -> Iterator[tuple[str, str]]:
    match value:
        case Mapping() if value:
            for name, member in value.items():
                yield from _flat(f"{path}.{name}" if path else str(name), member)
        case list() if all(isinstance(one, str | int) for one in value):
            yield path, ", ".join(map(str, value)) or "none"
        case str():
            yield path, value
        case _:
            yield path, json.dumps(value, ensure_ascii=False)


def _actor(payload: Mapping[str, object]) -> str:
    actor = _members(payload.get("actor"))
    match actor.get("type"):
        case ActorKind.LOCAL:
            return "command line"
        case ActorKind.INVITATION:
            return "an invitation"
        case ActorKind.JOB:
            return f"job {_text(actor.get('id'))}"
    return _text(actor.get("name")) or _text(actor.get("id"))


def _stranger(payload: Mapping[str, object]) -> str:
    unknown = _text(payload.get("unknownClientId"))
    return f"unknown: {unknown}" if unknown else "unknown"


def _what(payload: Mapping[str, object]) -> str:
    asked = _members(payload.get("params"))
    if asked:
        return " ".join(filter(None, (_text(asked.get("resource")), _text(asked.get("scope")))))
    data = _members(payload.get("data"))
    named = [_text(data.get(name)) for name in ("name", "indicator", "role", "kid", "algorithm", "id")]
    return next(filter(None, named), "")


def _members(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else _NOBODY


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[:most] + "…"
