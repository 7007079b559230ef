"""
The reference page: the OpenAPI document as one HTML page, without scripts and without anything from elsewhere.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from watchword.server.web.api.html import Html, element, joined
from watchword.server.web.api.openapi import Document
from watchword.server.web.api.route import PREFIX
from watchword.server.web.api.schemas import Schema

STYLESHEET = PREFIX + "/docs.css"
_CODE = re.compile(r"`([^`]*)`")
_BOUNDS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} elements",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "pattern": "matches {}",
    "default": "default {}",
}


def render(written: Document) -> str:
    """
    Write the page.
    """
    title = written["info"]["title"]
    head = joined(
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        element("title", title),
        Html(f'<link rel="stylesheet" href="{STYLESHEET}">'),
    )
    body = joined(
        _contents(written),
        element("main", _opening(written), *_sections(written), _refusals(written), _schemas(written)),
    )
    return "<!doctype html>" + element("html", element("head", head), element("body", body), lang="en")


def _opening(written: Document) -> Html:
    info, endpoint = written["info"], written["servers"][0]["url"]
    token_url = written["components"]["securitySchemes"]["OAuth2"]["flows"]["clientCredentials"]["tokenUrl"]
    return element(
        "header",
        element("h1", info["title"]),
        element("p", *_prose(info["description"])),
        element(
            "dl",
            *_pair("Version", info["version"]),
            *_pair("Endpoint", element("code", endpoint)),
            *_pair("Tokens", element("code", token_url)),
            *_pair("OpenAPI", element("a", PREFIX + "/swagger.json", href=PREFIX + "/swagger.json")),
        ),
    )


def _pair(name: str, value: str) -> tuple[Html, Html]:
    return element("dt", name), element("dd", value)


def _operations(written: Document, tag: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in written["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield method.upper(), path, operation


def _contents(written: Document) -> Html:
    groups = []
    for tag in written["tags"]:
        links = [
            element("li", element("a", operation["summary"], href="#" + operation["operationId"]))
            for _, _, operation in _operations(written, tag["name"])
        ]
        groups.append(element("details", element("summary", tag["name"]), element("ul", *links)))
    ends = [element("a", name, href="#" + name.lower()) for name in ("Refusals", "Schemas")]
    return element("nav", *groups, *ends, aria_label="Contents")


def _sections(written: Document) -> Iterator[Html]:
    for tag in written["tags"]:
        articles = [_article(*found) for found in _operations(written, tag["name"])]
        yield element("section", element("h2", tag["name"]), *articles)


def _article(method: str, path: str, operation: Mapping[str, Any]) -> Html:
    parts = [
        element("h3", operation["summary"]),
        element("p", element("b", method, class_=method.lower()), " ", element("code", path), class_="call"),
    ]
    if operation.get("security") == []:
        parts.append(element("p", "Needs no token."))
    if operation["parameters"]:
        rows = [_parameter(parameter) for parameter in operation["parameters"]]
        parts.append(_table("Parameters", ("Name", "In", "Type", "Meaning"), rows))
    if "requestBody" in operation:
        parts.append(element("p", "Body: ", _type(_schema_of(operation["requestBody"]))))
    parts += _answers(operation["responses"])
    return element("article", *parts, id=operation["operationId"])


def _answers(answers: Mapping[str, Any]) -> Iterator[Html]:
    (status, success), *_ = answers.items()
    body = [" ", _type(_schema_of(success))] if "content" in success else []
    yield element("p", "Answer: ", element("code", status), *body)
    links = [element("a", refusal, href="#refusals") for refusal in answers if refusal != status]
    yield element("p", "Refusals: ", *_between(", ", links), class_="quiet")


def _refusals(written: Document) -> Html:
    told: dict[str, Mapping[str, Any]] = {}
    for methods in written["paths"].values():
        for operation in methods.values():
            told |= {status: answer for status, answer in operation["responses"].items() if status >= "400"}
    rows = [_refusal(status, answer) for status, answer in sorted(told.items())]
    table = _table("All have one shape", ("Status", "Meaning", "Body"), rows)
    return element("section", element("h2", "Refusals"), element("article", table), id="refusals")


def _parameter(parameter: Mapping[str, Any]) -> Html:
    schema = parameter["schema"]
    meaning = _prose(parameter.get("description", ""))
    return _row(element("code", parameter["name"]), parameter["in"], _type(schema), joined(*meaning))


def _refusal(status: str, answer: Mapping[str, Any]) -> Html:
    return _row(element("code", status), joined(*_prose(answer["description"])), _type(_schema_of(answer)))


def _schema_of(described: Mapping[str, Any]) -> Schema:
    (content,) = described["content"].values()
    schema: Schema = content["schema"]
    return schema


def _schemas(written: Document) -> Html:
    schemas = written["components"]["schemas"]
    articles = [_schema_article(name, schema) for name, schema in schemas.items()]
    return element("section", element("h2", "Schemas"), *articles, id="schemas")


def _schema_article(name: str, schema: Schema) -> Html:
    parts = [element("h3", name)]
    if "description" in schema:
        parts.append(element("p", *_prose(schema["description"])))
    required = schema.get("required", ())
    rows = [_member(key, member, is_required=key in required) for key, member in schema.get("properties", {}).items()]
    heads = ("Name", "Needed", "Type", "Meaning")
    parts.append(_table("Members", heads, rows) if rows else element("p", _type(schema)))
    return element("article", *parts, id="schema-" + name)


def _member(name: str, member: Schema, *, is_required: bool) -> Html:
    meaning = joined(*_prose(member.get("description", "")))
    return _row(element("code", name), "required" if is_required else "", _type(member), meaning)


def _type(schema: Schema) -> Html:
    """
    Say a schema in a few words.
    """
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return element("a", name, href="#schema-" + name)
    if "anyOf" in schema:
        return joined(*_between(" or ", [_type(option) for option in schema["anyOf"]]))
    if schema.get("type") == "array" and "items" in schema:
        return joined("list of ", _type(schema["items"]), _bounds(schema))
    if "enum" in schema:
        return joined(*_between(", ", [element("code", _word(word)) for word in schema["enum"]]))
    kinds = schema.get("type", "anything")
    return joined(" or ".join(kinds) if isinstance(kinds, list) else kinds, _bounds(schema))


def _bounds(schema: Schema) -> Html:
    told = [text.format(_word(schema[name])) for name, text in _BOUNDS.items() if name in schema]
    if schema.get("minLength") == 1:
        told[0] = "not empty"
    return element("small", ", ".join(told)) if told else Html("")


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _between(separator: str, pieces: list[Html]) -> Iterator[str]:
    for index, piece in enumerate(pieces):
        if index:
            yield separator
        yield piece


def _table(caption: str, heads: tuple[str, ...], rows: list[Html]) -> Html:
    head = element("tr", *(element("th", text, scope="col") for text in heads))
    table = element("table", element("caption", caption), element("thead", head), element("tbody", *rows))
    # With the keyboard, too, it is moved where it is wider than the window.
    return element("div", table, class_="scroll", role="group", tabindex="0", aria_label=caption)


def _row(*cells: str) -> Html:
    return element("tr", *(element("td", cell) for cell in cells))


def _prose(text: str) -> Iterator[str]:
    for index, piece in enumerate(_CODE.split(text)):
        yield element("code", piece) if index % 2 else piece
