"""
The OpenAPI document and the reference page: true of the table, sound in themselves, and loading nothing from elsewhere.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from watchword.server.web.api.docs_page import render
from watchword.server.web.api.html import Html, element
from watchword.server.web.api.openapi import document
from watchword.server.web.api.route import Paging, Route
from watchword.server.web.api.routes import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

DOCUMENT = document(TABLE.routes, endpoint="https://id.example", resource="https://default.logto.app/api")
SCHEMAS = DOCUMENT["components"]["schemas"]
ADDRESSES = ["/api/swagger.json", "/api/.well-known/management.openapi.json"]
PAGES = [*ADDRESSES, "/api/docs", "/api/docs.css"]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """
    Return method, path and description of everything that the document describes.
    """
    for path, methods in DOCUMENT["paths"].items():
        for method, described in methods.items():
            yield method.upper(), path, described


def references(value: object) -> Iterator[str]:
    """
    Find every `$ref` in a JSON value.
    """
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def check(name: str, value: object) -> None:
    """
    Check a value against a schema of the document.
    """
    whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    jsonschema.Draft202012Validator(whole).validate(value)


@pytest.mark.parametrize("route", TABLE.routes, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_described(route: Route) -> None:
    """
    Path parameters, pages, bodies, answers and the need of a token stand in the document as in the table.
    """
    described = DOCUMENT["paths"]["/api" + route.path][route.method.lower()]
    names = {(parameter["in"], parameter["name"]) for parameter in described["parameters"]}
    assert {name for where, name in names if where == "path"} == set(re.findall(r"{(\w+)}", route.path))
    assert (("query", "page") in names) is (route.paging is not Paging.NEVER)
    assert {("query", query.name) for query in route.query} <= names
    assert ("requestBody" in described) is (route.body is not None)
    assert str(route.status) in described["responses"]
    assert (described.get("security") == []) is route.is_public
    assert ("401" in described["responses"]) is not route.is_public


def test_nothing_else_is_described() -> None:
    """
    What the document describes is in the table.
    """
    assert {(method, path) for method, path, _ in operations()} == {
        (route.method, "/api" + route.path) for route in TABLE.routes
    }


def test_operation_ids_are_unique() -> None:
    """
    Client generators name functions after them.
    """
    ids = [described["operationId"] for _, _, described in operations()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", id_) for id_ in ids)
    assert {"ListApplications", "CreateApplication", "GetApplication", "UpdateUserCustomData"} <= set(ids)


def test_every_reference_leads_somewhere() -> None:
    """
    A `$ref` names a schema of the document.
    """
    found = set(references(DOCUMENT))
    assert found
    assert found <= {f"#/components/schemas/{name}" for name in SCHEMAS}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_is_sound(name: str) -> None:
    """
    Every schema is one of JSON Schema 2020-12, which OpenAPI 3.1 uses, and requires only members that it describes.
    """
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    assert set(SCHEMAS[name].get("required", ())) <= set(SCHEMAS[name].get("properties", {}))


def test_changes_have_no_defaults() -> None:
    """
    What a PATCH leaves out stays as it is: its schema promises no default.
    """
    bodies = [route.body.__name__ for route in TABLE.routes if route.method == "PATCH" and route.body is not None]
    members = [member for name in bodies for member in SCHEMAS.get(name, {}).get("properties", {}).values()]
    assert members
    assert not [member for member in members if "default" in member]


async def test_answers_fit_their_schemas(api: httpx.AsyncClient) -> None:
    """
    What the server answers is what the document says, member by member: nothing is undescribed.
    """
    app = (await api.post("/applications", json={"name": "a", "type": "MachineToMachine"})).json()
    resource = (await api.post("/resources", json={"name": "r", "indicator": "https://r.example"})).json()
    scope = (await api.post(f"/resources/{resource['id']}/scopes", json={"name": "s"})).json()
    role = (await api.post("/roles", json={"name": "m", "description": "d", "type": "MachineToMachine"})).json()
    given = (await api.post(f"/applications/{app['id']}/roles", json={"roleIds": [role["id"]]})).json()
    await api.post(f"/roles/{role['id']}/scopes", json={"scopeIds": [scope["id"]]})
    user = (await api.post("/users", json={"password": "p"})).json()
    secret = (await api.get(f"/applications/{app['id']}/secrets")).json()[0]["value"]
    form = {"grant_type": "client_credentials", "resource": "https://r.example"}
    await api.post("http://somewhere.test/oidc/token", data=form, auth=(app["id"], secret))
    issued = (await api.get("/logs", params={"applicationId": app["id"]})).json()[0]
    answers: dict[str, object] = {
        "Application": (await api.get(f"/applications/{app['id']}")).json(),
        "ApplicationSecret": (await api.get(f"/applications/{app['id']}/secrets")).json()[0],
        "AssignedRoles": given,
        "CustomData": (await api.patch(f"/users/{user['id']}/custom-data", json={"customData": {"a": 1}})).json(),
        "Error": (await api.get("/users/nope")).json(),
        "ExplainedRecord": (await api.get(f"/logs/{issued['id']}/explanation")).json(),
        "Explanation": (await api.post("/explain", json={"applicationId": app["id"], "resource": "none"})).json(),
        "Log": (await api.get("/logs")).json()[0],
        "Loss": (await api.get(f"/roles/{role['id']}/losses")).json()[0],
        "Obtaining": (await api.get(f"/resources/{resource['id']}/scopes/{scope['id']}/applications")).json()[0],
        "OidcKey": (await api.post("/configs/oidc/private-keys/rotate", json={"rotationGracePeriod": 9})).json()[0],
        "OpenApiDocument": (await api.get("/swagger.json")).json(),
        "Resource": resource,
        "Role": role,
        "ReplacedRoles": (await api.put(f"/users/{user['id']}/roles", json={"roleIds": []})).json(),
        "RoleScope": (await api.get(f"/roles/{role['id']}/scopes")).json()[0],
        "RoleWithHolders": (await api.get("/roles?search=m")).json()[0],
        "Scope": scope,
        "SigningKey": (await api.get("/signing-keys")).json()[0],
        "User": (await api.get(f"/users/{user['id']}?includePasswordHash=1&includeSsoIdentities=1")).json(),
    }
    named = {(route.answer or "").strip("[]") for route in TABLE.routes} - {""}
    assert named | {"Error"} == set(answers)
    for name, answer in answers.items():
        check(name, answer)
        if isinstance(answer, dict) and name not in {"CustomData", "OpenApiDocument"}:
            assert set(answer) <= set(SCHEMAS[name]["properties"]), name


@pytest.mark.parametrize("path", PAGES)
async def test_descriptions_need_no_token_and_are_cacheable(anyone: httpx.AsyncClient, path: str) -> None:
    """
    They are public, carry an ETag, and aren't sent again to who has them.
    """
    answer = await anyone.get(path)
    assert answer.status_code == 200
    again = await anyone.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await anyone.head(path)
    assert (head.status_code, head.content) == (200, b"")


async def test_both_addresses_give_the_same_document(anyone: httpx.AsyncClient) -> None:
    """
    Client generators may use either.
    """
    first, second = [await anyone.get(address) for address in ADDRESSES]
    assert first.json() == second.json()
    assert first.json()["openapi"].startswith("3.1.")


async def test_endpoint_comes_from_the_settings(anyone: httpx.AsyncClient) -> None:
    """
    No Host header gets into the document or onto the page.
    """
    for path in PAGES:
        answer = await anyone.get(path, headers={"host": "evil.example"})
        assert "evil.example" not in answer.text
    written = (await anyone.get(ADDRESSES[0])).json()
    assert written["servers"] == [{"url": "http://127.0.0.1:3001"}]
    flow = written["components"]["securitySchemes"]["OAuth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == "http://127.0.0.1:3001/oidc/token"
    assert written["security"] == [{"OAuth2": ["all"]}]


class Page(HTMLParser):
    """
    What a page is made of, as a browser reads it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.addresses: set[str] = set()
        self.ids: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """
        Note an element.
        """
        self.elements.add(tag)
        if tag not in {"meta", "link"}:
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in {"href", "src", "action"}:
                self.addresses.add(value or "")
            if name == "id":
                self.ids.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        """
        Check that what is closed was open.
        """
        assert self.open.pop() == tag


async def test_page_shows_every_route(anyone: httpx.AsyncClient) -> None:
    """
    Every method and path is there, each link leads to something on the page, and everything is closed.
    """
    answer = await anyone.get("/api/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page()
    page.feed(answer.text)
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    inner = {address.removeprefix("#") for address in page.addresses if address.startswith("#")}
    assert inner <= set(page.ids)
    for method, path, described in operations():
        assert described["operationId"] in page.ids
        assert f">{method}</b> <code>{path}</code>" in answer.text


async def test_page_loads_nothing_from_elsewhere(anyone: httpx.AsyncClient) -> None:
    """
    No script, no inline style, no address of another origin; and the policy would not let one in.
    """
    answer = await anyone.get("/api/docs")
    page = Page()
    page.feed(answer.text)
    assert not page.elements & {"script", "style", "img", "iframe", "object", "embed", "form", "base"}
    assert not [name for name in page.attributes if name.startswith("on") or name == "style"]
    assert all(address.startswith(("#", "/api/")) for address in page.addresses)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in policy
    style = await anyone.get("/api/docs.css")
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert not re.search(r"url\(|@import|//", style.text)


def test_text_on_the_page_is_escaped() -> None:
    """
    Nothing that a document says becomes markup.
    """
    route = Route(method="GET", path='/"><script>', summary="<script>alert(1)</script>", handler=lambda _: None)
    page = render(document([route], endpoint="https://a.example/<script>", resource='"<script>'))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(element("p", "<b>"), "<p>&lt;b&gt;</p>", id="text"),
        pytest.param(element("p", Html("<b></b>")), "<p><b></b></p>", id="HTML"),
        pytest.param(element("p", element("i", "&")), "<p><i>&amp;</i></p>", id="element"),
        pytest.param(element("a", "x", href='"><'), '<a href="&quot;&gt;&lt;">x</a>', id="attribute"),
        pytest.param(element("a", class_="c", aria_label="l"), '<a class="c" aria-label="l"></a>', id="names"),
    ],
)
def test_elements_escape_what_is_not_html(made: Html, expected: str) -> None:
    """
    Text and attributes are escaped, elements within elements are not.
    """
    assert made == expected
