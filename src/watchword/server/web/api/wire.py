"""
Records as JSON: camelCase names in the order of their fields, times in milliseconds since 1970.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec
from pydantic.alias_generators import to_camel

from watchword.server.domain.problems import Problem
from watchword.server.domain.records import ApplicationSecret, LogEntry, Resource, User
from watchword.server.web.api.log_payload import payload_as_json

HIDDEN_OF_USER = frozenset({"tenant_id", "password_digest", "password_algorithm"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def as_json(record: msgspec.Struct) -> dict[str, object]:
    """
    Write a record as the wire has it.
    """
    match record:
        case ApplicationSecret():
            return _secret(record)
        case Resource():
            return _resource(record)
        case User():
            return _user(record)
        case LogEntry():
            return _log_entry(record)
    return _plain(record)


def all_as_json(records: Sequence[msgspec.Struct]) -> list[dict[str, object]]:
    """
    Write several records.
    """
    return [as_json(record) for record in records]


def milliseconds(value: datetime) -> int:
    """
    Count milliseconds since 1970.
    """
    return (value - _EPOCH) // _MILLISECOND


def from_milliseconds(value: float) -> datetime:
    """
    Return the time so many milliseconds after 1970.

    Raises:
        Problem: No calendar has that day.
    """
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except (OverflowError, ValueError):
        raise Problem(
            "request.invalid_input", status=400, message="Input is invalid. The time is out of range."
        ) from None


def _plain(record: msgspec.Struct, *, without: frozenset[str] = frozenset()) -> dict[str, object]:
    return {to_camel(name): _value(getattr(record, name)) for name in record.__struct_fields__ if name not in without}


def _value(value: object) -> object:
    match value:
        case datetime():
            return milliseconds(value)
        case StrEnum():
            return value.value
        case Mapping() | str():
            return value
        case msgspec.Struct():
            return as_json(value)
        case Sequence():
            return [_value(item) if not isinstance(item, msgspec.Struct) else as_json(item) for item in value]
    return value


def _secret(secret: ApplicationSecret) -> dict[str, object]:
    # A script that reads too late must fail loudly: `value` is null then, and `maskedValue` says which secret it was.
    hidden = {"id"} if secret.value is None else {"id", "masked_value"}
    return _plain(secret, without=frozenset(hidden))


def _resource(resource: Resource) -> dict[str, object]:
    hidden = {"signing_algorithm"} if resource.signing_algorithm is None else set()
    return _plain(resource, without=frozenset(hidden))


def _user(user: User) -> dict[str, object]:
    members = _plain(user, without=HIDDEN_OF_USER)
    return {**members, "hasPassword": user.password_digest is not None}


def _log_entry(entry: LogEntry) -> dict[str, object]:
    return {**_plain(entry), "payload": payload_as_json(entry)}
