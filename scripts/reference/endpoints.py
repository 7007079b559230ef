"""
The routes of the Management API, the bodies that they take and the records that they give: from the OpenAPI document.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any

from scripts.reference.markdown import code, either, table
from watchword.server.domain.names import DEFAULT_TENANT, management_indicator
from watchword.server.web.api.openapi import document
from watchword.server.web.api.route import PREFIX, Paging, Route
from watchword.server.web.api.routes import TABLE
from watchword.server.web.api.schemas import answer_schemas

Schema = Mapping[str, Any]
_PAGES = {Paging.NEVER: "", Paging.OPTIONAL: "if asked", Paging.ALWAYS: "always"}
# What every list of its kind takes is told once, in the page's own words.
_SHARED = frozenset({"search", "mode", "joint", "isCaseSensitive", "page", "page_size"})


def routes() -> str:
    """
    Write a table of routes for each family.
    """
    by_address = {(PREFIX + route.path, route.method): route for route in TABLE.routes}
    families: dict[str, list[list[str]]] = {}
    for path, methods in _document()["paths"].items():
        for method, operation in methods.items():
            row = _row(path, by_address[path, method.upper()], operation)
            families.setdefault(operation["tags"][0], []).append(row)
    head = ["method", "path", "what it does", "body", "query", "pages", "answer"]
    return "\n".join(f"### {family}\n\n{table(head, rows)}" for family, rows in sorted(families.items()))


def bodies() -> str:
    """
    Write a table for each request body, and for the objects inside them.
    """
    return _sections(without=answer_schemas().keys(), head=["member", "value", "required", ""])


def records() -> str:
    """
    Write a table for each record that an answer holds.
    """
    return _sections(without=_schemas().keys() - answer_schemas().keys(), head=["member", "value", "always there", ""])


@cache
def _document() -> Schema:
    return document(TABLE.routes, endpoint="https://id.example.com", resource=management_indicator(DEFAULT_TENANT))


def _schemas() -> Mapping[str, Schema]:
    schemas: Mapping[str, Schema] = _document()["components"]["schemas"]
    return {name: schema for name, schema in schemas.items() if schema.get("properties")}


def _row(path: str, route: Route, operation: Schema) -> list[str]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return [
        route.method,
        code(path),
        route.summary + ("; needs no token" if route.is_public else ""),
        "" if body is None else _type(body),
        ", ".join(_own_parameters(operation)),
        _PAGES[route.paging],
        f"{route.status} {_answer(operation['responses'][str(route.status)])}".strip(),
    ]


def _own_parameters(operation: Schema) -> Iterator[str]:
    names = [parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"]
    yield from (code(name) for name in names if name not in _SHARED and not name.startswith("search."))
    if "search" in names:
        yield "[search](#searching)"


def _answer(response: Schema) -> str:
    for media_type, content in response.get("content", {}).items():
        return _type(content["schema"]) if media_type == "application/json" else media_type
    return ""


def _sections(*, without: Collection[str], head: list[str]) -> str:
    return "\n".join(_section(name, schema, head) for name, schema in _schemas().items() if name not in without)


def _section(name: str, schema: Schema, head: list[str]) -> str:
    told = f"{schema['description']}\n\n" if "description" in schema else ""
    return f"### {name}\n\n{told}{table(head, _members(schema, ''))}"


def _members(schema: Schema, prefix: str) -> Iterator[list[str]]:
    required = schema.get("required", ())
    for member, of in schema["properties"].items():
        yield [code(prefix + member), _type(of), "yes" if member in required else "", _remarks(of)]
        inner = of.get("items", of)
        if "properties" in inner:
            yield from _members(inner, f"{prefix}{member}{'[]' if inner is not of else ''}.")


def _type(schema: Schema) -> str:
    return either(list(dict.fromkeys(_types(schema))))


def _types(schema: Schema) -> Iterator[str]:
    if "$ref" in schema:
        yield from _of_name(schema["$ref"].rpartition("/")[2])
    elif "anyOf" in schema:
        for option in schema["anyOf"]:
            yield from _types(option)
    elif "enum" in schema:
        yield from ("null" if word is None else code(word) for word in schema["enum"])
    else:
        kinds = schema.get("type", "any JSON")
        yield from (_kind(kind, schema) for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _of_name(name: str) -> Iterator[str]:
    # Words are told where they are used; objects have a section of their own.
    if name in _schemas():
        yield f"[{name}](#{name.lower()})"
    else:
        yield from _types(_document()["components"]["schemas"][name])


def _kind(kind: str, schema: Schema) -> str:
    if kind == "array":
        return f"array of {_type(schema['items'])}"
    is_time = kind == "integer" and schema.get("format") == "int64"
    return "time" if is_time else kind


def _remarks(schema: Schema) -> str:
    of = next((option for option in schema.get("anyOf", ()) if option.get("type") != "null"), schema)
    told = []
    if "description" in of and of.get("format") != "int64":
        told.append(of["description"].rstrip("."))
    for least, most, unit in (
        ("minLength", "maxLength", "characters"),
        ("minItems", "maxItems", "elements"),
        ("minimum", "maximum", ""),
    ):
        if least in of or most in of:
            told.append(_bounds(of.get(least), of.get(most), unit))
    if "pattern" in of:
        told.append(f"matches {code(of['pattern'])}")
    if "default" in schema:
        default = schema["default"]
        told.append(f"default {code(str(default).lower() if isinstance(default, bool) else default)}")
    return "; ".join(told)


def _bounds(least: int | None, most: int | None, unit: str) -> str:
    if least == 1 and most is None and unit:
        return "not empty"
    if least is None or most is None:
        return f"at {'most' if least is None else 'least'} {most if least is None else least} {unit}".strip()
    return f"{least} to {most} {unit}".strip()
