"""
JSON Schemas of answers, by the names that routes use: derived from the records, so that they can't tell another story.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from pydantic.alias_generators import to_camel

from watchword.server.domain.explanation import Explanation
from watchword.server.domain.records import Application, ApplicationSecret, LogEntry, Resource, Role, Scope, User
from watchword.server.domain.signing_keys import KeyState, KeyType, PublishedKey
from watchword.server.operations.explaining import Loss, Obtaining
from watchword.server.operations.reaching import Reach
from watchword.server.operations.remedy import Remedy
from watchword.server.storage.roles import Holders
from watchword.server.web.api.wire import HIDDEN_OF_USER

Schema = dict[str, Any]

_TIME: Schema = {"type": "integer", "format": "int64", "description": "Milliseconds since 1970."}
_SCALARS: Mapping[type, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    datetime: _TIME,
}
_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}


def answer_schemas() -> dict[str, Schema]:
    """
    Return the schema of each answer that routes name.
    """
    scope, role = record_schema(Scope), record_schema(Role)
    return {
        "Application": _with(
            record_schema(Application),
            isAdmin={"type": "boolean", "description": "Whether it holds the internal admin role; when one is read."},
            secret={
                "type": "string",
                "description": "Where secrets can't be read back: its first, when it is created.",
            },
        ),
        "ApplicationSecret": _optional(record_schema(ApplicationSecret, without={"id"}), "maskedValue"),
        "AssignedRoles": _object({"roleIds": _TEXTS, "addedRoleIds": _TEXTS}),
        "ReplacedRoles": _object({"roleIds": _TEXTS}),
        "Explanation": _explanation(),
        "ExplainedRecord": _object(
            {"record": ref("Log"), "explanation": _or_nothing(ref("Explanation")), "reason": _or_null(_TEXT)}
        ),
        "Loss": record_schema(Loss),
        "Obtaining": record_schema(Obtaining),
        "CustomData": {"type": "object", "description": "Whatever was put there."},
        "Log": record_schema(LogEntry, replace={"payload": _log_payload()}),
        "OidcKey": _oidc_key(),
        "Resource": _with(
            _optional(record_schema(Resource), "signingAlgorithm"),
            scopes={"type": "array", "items": ref("Scope"), "description": "Where they are asked for."},
        ),
        "Role": role,
        "RoleWithHolders": _joined(role, record_schema(Holders)),
        "RoleScope": _joined(scope, _object({"resource": ref("Resource")})),
        "Scope": scope,
        "SigningKey": record_schema(PublishedKey),
        "User": _user(),
        "OpenApiDocument": _object({"openapi": _TEXT, "info": {"type": "object"}, "paths": {"type": "object"}}),
        "Error": _error(),
    }


def record_schema(
    record_type: type[msgspec.Struct],
    *,
    without: frozenset[str] | set[str] = frozenset(),
    replace: Mapping[str, Schema] | None = None,
) -> Schema:
    """
    Describe a record as `as_json` writes it.

    Args:
        without: Fields that the wire does not show.
        replace: Schemas of members that say more than the field's type.
    """
    hints = get_type_hints(record_type)
    members = {to_camel(name): _of_type(hints[name]) for name in record_type.__struct_fields__ if name not in without}
    return _object({**members, **(replace or {})})


def ref(name: str) -> Schema:
    """
    Point to a named schema of the document.
    """
    return {"$ref": f"#/components/schemas/{name}"}


def _of_type(annotation: Any) -> Schema:  # noqa: ANN401 - types of types
    options = get_args(annotation)
    if NoneType in options:
        return _or_null(_of_type(next(option for option in options if option is not NoneType)))
    if annotation in _SCALARS:
        return dict(_SCALARS[annotation])
    if get_origin(annotation) is Sequence:
        return {"type": "array", "items": _of_type(options[0])}
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return {"type": "string", "enum": [word.value for word in annotation]}
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return record_schema(annotation)
    return {"type": "object"}


def _or_null(schema: Schema) -> Schema:
    words = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **words}


def _object(members: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(members), "required": list(members)}


def _with(schema: Schema, **optional: Schema) -> Schema:
    return {**schema, "properties": {**schema["properties"], **optional}}


def _optional(schema: Schema, name: str) -> Schema:
    return {**schema, "required": [member for member in schema["required"] if member != name]}


def _joined(first: Schema, second: Schema) -> Schema:
    return _object({**first["properties"], **second["properties"]})


def _or_nothing(schema: Schema) -> Schema:
    return {"oneOf": [schema, {"type": "null"}]}


def _explanation() -> Schema:
    text_or_null = _or_null(_TEXT)
    ask = _object(
        {"applicationId": _TEXT, "resource": text_or_null, "scope": text_or_null, "organizationId": text_or_null}
    )
    remedy = record_schema(
        Remedy, replace={"ask": {**_or_null(ask), "description": "A better question, as `POST /explain` takes it"}}
    )
    reach = {
        **_or_null({"type": "array", "items": record_schema(Reach)}),
        "description": "What its roles give, by API, a hundred at most; null where the question names an API",
    }
    return _joined(
        record_schema(Explanation), _object({"remedies": {"type": "array", "items": remedy}, "reach": reach})
    )


def _oidc_key() -> Schema:
    return _with(
        _object({"id": _TEXT, "createdAt": {"type": "integer", "description": "Seconds since 1970."}}),
        signingKeyAlgorithm={
            "type": "string",
            "enum": [kind.value for kind in KeyType],
            "description": "Of signing keys.",
        },
        status={"type": "string", "enum": [state.value for state in KeyState if state is not KeyState.STANDBY]},
        effectiveAt={**_TIME, "description": "When the next key begins to sign, in milliseconds since 1970."},
    )


def _user() -> Schema:
    shown = record_schema(User, without=HIDDEN_OF_USER)
    return _with(
        _joined(shown, _object({"hasPassword": {"type": "boolean"}})),
        ssoIdentities={"type": "array", "items": {"type": "object"}, "description": "Where they are asked for."},
        passwordDigest={"type": ["string", "null"], "description": "Where it is asked for."},
        passwordAlgorithm={"type": ["string", "null"], "description": "Where it is asked for."},
    )


def _log_payload() -> Schema:
    error = "JSON of the protocol's error, as a text."
    return _with(
        _object({"key": _TEXT, "result": {"type": "string", "enum": ["Success", "Error"]}}),
        error={"type": "string", "description": error},
        ip=_TEXT,
        userAgent=_TEXT,
        userAgentParsed={"type": "object"},
        userId=_TEXT,
        applicationId=_TEXT,
        params={"type": "object", "description": "What the token endpoint was asked; secrets are masked."},
        scope={"type": "string", "description": "What was granted."},
        tokenTypes=_TEXTS,
        applicationSecret={"type": "object", "description": "Which of the application's secrets matched."},
        actor={"type": "object", "description": "Who made a change."},
        data={"type": "object", "description": "Ids and names of what was changed."},
    )


def _error() -> Schema:
    return _with(
        _object(
            {
                "code": {"type": "string", "description": "For programs."},
                "message": {"type": "string"},
                "request_id": _TEXT,
            }
        ),
        data={"description": "Detail for programs."},
        details={"type": "string", "description": "Detail for people."},
    )
