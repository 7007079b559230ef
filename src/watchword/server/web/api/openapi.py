"""
The OpenAPI document, made of the route table: nothing is described here that the table does not have.

Implements: OpenAPI 3.1.1.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel
from pydantic.json_schema import models_json_schema

from watchword import __version__
from watchword.protocol.metadata import TOKEN_PATH
from watchword.server.domain.names import MANAGEMENT_SCOPE, MANAGEMENT_SCOPE_DESCRIPTION
from watchword.server.domain.search import Joint, Mode
from watchword.server.web.api.guard import Body
from watchword.server.web.api.pages import DEFAULT_SIZE, LARGEST_SIZE
from watchword.server.web.api.route import PREFIX, Paging, Query, Route
from watchword.server.web.api.schemas import Schema, answer_schemas, ref

TITLE = "Watchword Management API"
Document = dict[str, Any]
_SECURITY = "OAuth2"
_VERBS = {"POST": "Create", "PUT": "Replace", "PATCH": "Update", "DELETE": "Delete"}
_TAGS = {"logs": "Audit logs", "resources": "API resources", "swagger.json": "Documents", "docs": "Documents",
         "docs.css": "Documents", ".well-known": "Documents", "configs": "Keys", "signing-keys": "Keys"}  # fmt: skip
_REFUSALS = {
    400: "The request is malformed: a parameter, the page or the body.",
    401: "There is no token, or it is no good, or its application is gone.",
    403: "The caller may not do this.",
    404: "There is no such record.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body has a content coding.",
    422: "The request makes no sense as things stand: a name is taken, records don't go together.",
    501: "This server does not do that.",
    503: "The server can't answer now; try again.",
}


def document(routes: Sequence[Route], *, endpoint: str, resource: str) -> Document:
    """
    Describe the Management API.

    Args:
        endpoint: Public base URL of the server.
        resource: Resource indicator of the Management API, which tokens are asked for.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": __version__, "description": _introduction(resource)},
        "servers": [{"url": endpoint}],
        "security": [{_SECURITY: [MANAGEMENT_SCOPE]}],
        "tags": [{"name": name} for name in sorted({_tag(route) for route in routes})],
        "paths": paths,
        "components": {
            "securitySchemes": {_SECURITY: _oauth2(endpoint)},
            "schemas": dict(sorted({**answer_schemas(), **_body_schemas(routes)}.items())),
        },
    }


def _introduction(resource: str) -> str:
    return (
        "Applications, API resources, roles and users of one tenant, and what happened to them. "
        "An application with a role that gives the permission `all` of this API gets a token from the token endpoint "
        f"with `grant_type=client_credentials`, `resource={resource}` and `scope=all`, and sends it as Bearer token."
    )


def _oauth2(endpoint: str) -> dict[str, Any]:
    flow = {"tokenUrl": endpoint + TOKEN_PATH, "scopes": {MANAGEMENT_SCOPE: MANAGEMENT_SCOPE_DESCRIPTION}}
    return {"type": "oauth2", "flows": {"clientCredentials": flow}}


def _operation(route: Route) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": [*map(_path_parameter, route.path_parameters), *_query_parameters(route)],
        "responses": {
            str(route.status): _success(route),
            **{str(status): _refusal(status) for status in _statuses(route)},
        },
    }
    if route.body is not None:
        described["requestBody"] = _body(route.body)
    if route.is_public:
        described["security"] = []
    return described


def _body(body: type[Body] | type[dict[str, object]]) -> dict[str, Any]:
    # Without a body the server reads an empty object.
    is_required = issubclass(body, Body) and any(field.is_required() for field in body.model_fields.values())
    schema = ref(body.__name__) if issubclass(body, Body) else {"type": "object"}
    return {"required": is_required, "content": {"application/json": {"schema": schema}}}


def _operation_id(route: Route) -> str:
    segments = route.path.strip("/").split("/")
    words = []
    for segment, following in zip(segments, [*segments[1:], ""], strict=True):
        if segment.startswith("{"):
            continue
        is_one = following.startswith("{") or (not following and route.method == "POST")
        words += re.findall(r"\w+", segment.removesuffix("s") if is_one else segment)
    lists = route.answer is not None and route.answer.startswith("[")
    verb = _VERBS.get(route.method) or ("List" if lists else "Get")
    return verb + "".join(word[0].upper() + word[1:] for word in words)


def _tag(route: Route) -> str:
    first = route.path.split("/")[1]
    return route.tag or _TAGS.get(first) or first.capitalize()


def _statuses(route: Route) -> list[int]:
    found = [400]
    if not route.is_public:
        found += [401, 403, 503]
    if route.body is not None:
        found += [408, 413, 415]
    if route.body is not None or route.path_parameters:
        found += [404, 422]
    return sorted({*found, *route.also})


def _refusal(status: int) -> dict[str, Any]:
    return {"description": _REFUSALS[status], "content": {"application/json": {"schema": ref("Error")}}}


def _success(route: Route) -> dict[str, Any]:
    if route.status == 204:  # noqa: PLR2004
        return {"description": "Done."}
    if route.answer is None and route.media_type == "application/json":
        return {"description": "Done.", "content": {"text/plain": {"schema": {"type": "string"}}}}
    answer: dict[str, Any] = {"description": "Done.", "content": {route.media_type: {"schema": _answer(route.answer)}}}
    if route.paging is not Paging.NEVER:
        answer["headers"] = {"Total-Number": _header("integer", "How many there are in all.", route),
                             "Link": _header("string", "The other pages, one relation each.", route)}  # fmt: skip
    return answer


def _answer(name: str | None) -> Schema:
    if name is None:
        return {"type": "string"}
    return {"type": "array", "items": ref(name[1:-1])} if name.startswith("[") else ref(name)


def _header(kind: str, description: str, route: Route) -> dict[str, Any]:
    return {"required": route.paging is Paging.ALWAYS, "schema": {"type": kind}, "description": description}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    found = [_query_parameter(query) for query in route.query]
    if route.search is not None:
        found += _search_parameters(route.search)
    if route.paging is not Paging.NEVER:
        page = {"type": "integer", "minimum": 1}
        whole = " Without it and `page_size` the whole list comes." if route.paging is Paging.OPTIONAL else ""
        size = f"How many records a page has; {DEFAULT_SIZE} where it is not said."
        found.append(_in_query("page", f"Which page, from 1.{whole}", page))
        found.append(_in_query("page_size", size, {**page, "maximum": LARGEST_SIZE}))
    return found


def _query_parameter(query: Query) -> dict[str, Any]:
    schema: Schema = {"type": query.type, **({"enum": list(query.enum)} if query.enum else {})}
    return _in_query(query.name, query.description, {"type": "array", "items": schema} if query.repeats else schema)


def _search_parameters(fields: Sequence[str]) -> list[dict[str, Any]]:
    text: Schema = {"type": "string", "minLength": 1}
    names = ", ".join(f"`{to_camel(field)}`" for field in fields)
    return [
        _in_query("search", f"What {names} are searched for; `%` stands for anything.", text),
        *(_in_query(f"search.{to_camel(field)}", "What this field alone is searched for.", text) for field in fields),
        _in_query(
            "mode", "How values are compared; `mode.<field>` for one field.", {"type": "string", "enum": list(Mode)}
        ),
        _in_query(
            "joint", "Whether any search must hold, `or`, or all, `and`.", {"type": "string", "default": Joint.OR.value}
        ),
        _in_query("isCaseSensitive", "Whether letter case matters: `true` or `1`.", {"type": "string"}),
    ]


def _in_query(name: str, description: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _body_schemas(routes: Sequence[Route]) -> dict[str, Schema]:
    bodies = {route.body: route.method for route in routes if route.body is not None and issubclass(route.body, Body)}
    template = ref("{model}")["$ref"]
    _, together = models_json_schema([(body, "validation") for body in bodies], ref_template=template)
    creating = {body.__name__ for body, method in bodies.items() if method != "PATCH"}
    schemas: Mapping[str, Schema] = together.get("$defs", {})
    return {name: _tidy(schema, keeps_defaults=name in creating) for name, schema in schemas.items()}


def _tidy(schema: Schema, *, keeps_defaults: bool) -> Schema:
    """
    Leave out titles, which only repeat names, and defaults that stand for "not given".
    """
    members = {name: _without_noise(member, keeps_defaults) for name, member in schema.get("properties", {}).items()}
    return {**{key: value for key, value in schema.items() if key != "title"}, "properties": members}


def _without_noise(member: Schema, keeps_defaults: bool) -> Schema:  # noqa: FBT001
    keep = keeps_defaults and isinstance(member.get("default"), bool | int | str) and member["default"] != ""
    return {key: value for key, value in member.items() if key != "title" and (key != "default" or keep)}
