"""
Lists of the Management API: pages, `Link` headers, filters, and order (core §1.7, §1.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.exchange import Exchange
from tests.support.records import BUILT_IN_RESOURCE, BUILT_IN_SCOPE
from tests.support.shop import create, create_application, create_resource, create_role, unique
from tests.support.wire import assert_page, assert_same, links

if TYPE_CHECKING:
    import httpx

    from tests.support.exchange import World
    from tests.support.server import RunningServer


@pytest.fixture(scope="module")
def seven(server: RunningServer) -> str:
    """
    Create seven applications and return the text that their names share.
    """
    mark = unique("seven")
    for number in range(7):
        create_application(server, "MachineToMachine" if number < 4 else "SPA", name=f"{mark}-{number}")
    return mark


def names(answer: httpx.Response) -> list[str]:
    """
    Return the names in a list.
    """
    found: list[dict[str, Any]] = answer.json()
    return [str(element["name"]) for element in found]


@pytest.mark.parametrize(
    ("query", "numbers", "total"),
    [
        pytest.param("page=1&page_size=3", [6, 5, 4], 7, id="first page, newest first"),
        pytest.param("page=2&page_size=3", [3, 2, 1], 7, id="page in the middle"),
        pytest.param("page=3&page_size=3", [0], 7, id="last page"),
        pytest.param("page=4&page_size=3", [], 7, id="page beyond the end"),
        pytest.param("page=9999&page_size=100", [], 7, id="page far beyond the end"),
        pytest.param("page_size=2", [6, 5], 7, id="only page_size"),
        pytest.param("page=1", [6, 5, 4, 3, 2, 1, 0], 7, id="only page"),
        pytest.param("page_size=100", [6, 5, 4, 3, 2, 1, 0], 7, id="largest page_size"),
        pytest.param("types=SPA&page_size=2", [6, 5], 3, id="filtered"),
    ],
)
def test_page_and_links(server: RunningServer, seven: str, query: str, numbers: list[int], total: int) -> None:
    """
    A page holds its rows; `Total-Number` counts all; links are absolute, ordered, and keep the query.
    """
    path = f"/applications?search=%25{seven}%25&{query}"
    answer = server.management.get(path)
    assert answer.status_code == 200
    assert names(answer) == [f"{seven}-{number}" for number in numbers]
    assert_page(answer, server.endpoint, path, total)


def test_each_relation_is_a_value_of_its_own(server: RunningServer, seven: str) -> None:
    """
    Order first, prev, last, next; each with its own URL below `/api`.
    """
    answer = server.management.get(f"/applications?search=%25{seven}%25&page=2&page_size=3")
    found = links(answer)
    assert [relation for relation, _ in found] == ["first", "prev", "last", "next"]
    assert all(url.startswith(f"{server.endpoint}/api/applications?") for _, url in found)


def test_links_can_be_followed(server: RunningServer, seven: str) -> None:
    """
    Following `next` from page to page reads every row once, also with a parameter that repeats.
    """
    url: str | None = (
        f"{server.endpoint}/api/applications?search=%25{seven}%25&types=SPA&types=MachineToMachine&page=1&page_size=2"
    )
    read: list[str] = []
    while url is not None:
        answer = server.management.get(url)
        assert answer.status_code == 200, answer.text
        read += names(answer)
        url = dict(links(answer)).get("next")
    assert read == [f"{seven}-{number}" for number in range(6, -1, -1)]


@pytest.mark.parametrize("path", ["/applications", "/resources"])
def test_without_a_page_the_list_is_whole(server: RunningServer, path: str) -> None:
    """
    Applications and resources are unpaginated unless `page` or `page_size` is given.
    """
    for _ in range(21):
        create_application(server)
        create_resource(server)
    answer = server.management.get(path)
    assert len(answer.json()) > 20
    assert "total-number" not in answer.headers
    assert "link" not in answer.headers


def test_role_scopes_without_a_page_are_whole(world: World) -> None:
    """
    A role's permissions are unpaginated unless a page is asked for.
    """
    answer = world.send(Exchange(method="GET", path="/roles/<role>/scopes"))
    assert "total-number" not in answer.headers
    paged = world.send(Exchange(method="GET", path="/roles/<role>/scopes?page_size="))
    assert paged.status_code == 200
    assert "total-number" not in paged.headers


@pytest.mark.parametrize(
    "path",
    [
        "/roles",
        "/roles/<role>/applications",
        "/applications/<app>/roles",
        "/resources/<resource>/scopes",
        "/users",
        "/logs",
    ],
)
def test_always_paginated(world: World, path: str) -> None:
    """
    These lists are pages of 20 even when nothing is asked.
    """
    answer = world.send(Exchange(method="GET", path=path))
    total = int(answer.headers["total-number"])
    assert len(answer.json()) == min(total, 20)
    assert_page(answer, world.server.endpoint, world.fill(path), total)


@pytest.mark.parametrize(
    "query", ["page=1.5", "page=1&page_size=2.5", "page=1e400", "page=99999999999999999999", "page=%00"]
)
def test_wild_page_is_the_callers_error(server: RunningServer, query: str) -> None:
    """
    No page number makes the server fail inside.
    """
    assert server.management.get(f"/roles?{query}").status_code in {200, 400, 422}


@pytest.mark.parametrize("query", ["page=&page_size=", "page="])
def test_empty_page_is_as_if_not_given(server: RunningServer, query: str) -> None:
    """
    An empty value counts as absent.
    """
    answer = server.management.get(f"/applications?{query}")
    assert answer.status_code == 200
    assert "total-number" not in answer.headers


def test_applications_by_type(server: RunningServer, seven: str) -> None:
    """
    List, several types: the parameter repeats, each value counts; a comma list is one wrong value.
    """
    path = f"/applications?search=%25{seven}%25"
    assert len(names(server.management.get(f"{path}&types=SPA&types=MachineToMachine"))) == 7
    assert len(names(server.management.get(f"{path}&types=SPA"))) == 3
    assert names(server.management.get(f"{path}&types=Native")) == []
    refused = server.management.get(f"{path}&types=SPA,Native")
    assert (refused.status_code, refused.json()["code"]) == (400, "guard.invalid_input")


@pytest.mark.parametrize("kind", ["MachineToMachine", "Traditional"])
def test_total_of_a_type_without_a_role_counts_what_is_listed(server: RunningServer, kind: str) -> None:
    """
    Whatever types a role's holders have: the total says how many are listed, and the last page ends there.
    """
    api = server.management
    body = {"name": unique("holder"), "description": "d", "type": "MachineToMachine"}
    role = api.post("/roles", json=body).json()["id"]
    made = [
        api.post("/applications", json={"name": unique("app"), "type": type_}).json()["id"]
        for type_ in ("MachineToMachine", "MachineToMachine", "Traditional", "Traditional")
    ]
    assert api.post(f"/roles/{role}/applications", json={"applicationIds": [made[0], made[2]]}).status_code == 201
    path = f"/applications?types={kind}&excludeRoleId={role}"
    listed: list[str] = []
    page, total = 1, 1
    while len(listed) < total:
        answer = api.get(f"{path}&page={page}&page_size=100")
        total, found = int(answer.headers["total-number"]), [each["id"] for each in answer.json()]
        assert found, f"{total} are told, {len(listed)} listed"
        listed += found
        page += 1
    assert len(listed) == total == len(set(listed))
    assert not {made[0], made[2]} & set(listed)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/applications", {"name": "a", "type": "SPA", "description": "a\0b"}, id="NUL in a description"),
        pytest.param("/resources", {"name": "a", "indicator": f"https://{'a' * 3_000}.x"}, id="long indicator"),
        pytest.param(
            "/roles",
            {"name": "a", "description": "d", "type": "MachineToMachine", "scopeIds": [f"s{n}" for n in range(10_001)]},
            id="more ids than a query takes",
        ),
    ],
)
def test_what_only_one_of_the_databases_takes_is_refused(server: RunningServer, path: str, body: Any) -> None:  # noqa: ANN401 - JSON
    """
    The same answers on both: 400, and nothing of it looks like a database that is away.
    """
    answer = server.management.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "guard.invalid_input")


def test_applications_of_a_bad_type_are_told_as_recorded(server: RunningServer) -> None:
    """
    List, bad type: both readings of the parameter are told.
    """
    answer = server.management.get("/applications?types=Foo")
    options = ["Native", "SPA", "Traditional", "MachineToMachine", "Protected", "SAML"]
    listed = " | ".join(f"'{option}'" for option in options)
    array = {"code": "invalid_type", "expected": "array", "received": "string", "path": ["types"]}
    one = {"received": "Foo", "code": "invalid_enum_value", "options": options, "path": ["types"]}
    issue = {
        "code": "invalid_union",
        "unionErrors": [
            {"issues": [array | {"message": "Expected array, received string"}], "name": "ZodError"},
            {
                "issues": [one | {"message": f"Invalid enum value. Expected {listed}, received 'Foo'"}],
                "name": "ZodError",
            },
        ],
        "path": ["types"],
        "message": "Invalid input",
    }
    body = answer.json()
    assert answer.status_code == 400
    assert_same(body["data"], {"issues": [issue], "name": "ZodError"})
    assert body["details"] == 'Error in key path "types": (invalid_union) Invalid input'
    assert body["message"] == "The request query is invalid."


def test_applications_without_a_role(world: World) -> None:
    """
    List, excludeRoleId: those that have the role are left out; an unknown role leaves out nobody.
    """
    world.send(Exchange(method="POST", path="/applications/<app>/roles", body={"roleIds": ["<role>"]}))
    world.fill("<other>")
    path = "/applications?search=%25<n>%25&page=1&excludeRoleId="
    rest = world.send(Exchange(method="GET", path=f"{path}<role>"))
    assert names(rest) == [world.fill("o<n>")]
    assert rest.headers["total-number"] == "1"
    everybody = world.send(Exchange(method="GET", path=f"{path}nope"))
    assert names(everybody) == [world.fill("o<n>"), world.fill("a<n>")]


def test_two_exclusions_are_one_too_many(server: RunningServer) -> None:
    """
    Both exclude parameters together are refused.
    """
    answer = server.management.get("/applications?excludeRoleId=a&excludeOrganizationId=b")
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid_input")


@pytest.mark.parametrize(("value", "third"), [("true", True), ("false", False)])
def test_third_party_applications(world: World, value: str, *, third: bool) -> None:
    """
    `isThirdParty` filters by its text; another value is refused.
    """
    world.fill("<app> <third party>")
    path = "/applications?search=%25<n>&isThirdParty="
    answer = world.send(Exchange(method="GET", path=f"{path}{value}"))
    assert [found["isThirdParty"] for found in answer.json()] == [third]
    assert world.send(Exchange(method="GET", path=f"{path}maybe")).status_code == 400


def test_roles_and_resources_are_in_order_of_creation(server: RunningServer) -> None:
    """
    Roles list, resources list, scopes list: oldest first, the built-in ones before all.
    """
    mark = unique("order")
    for number in range(4):
        create_role(server, name=f"{mark}-{number}")
    roles = server.management.get(f"/roles?search={mark}%25")
    assert names(roles) == [f"{mark}-{number}" for number in range(4)]
    assert names(server.management.get("/roles?page_size=1")) == ["Logto Management API access"]
    resource_id, _, _ = create_resource(server, "b", "a", "c")
    assert names(server.management.get(f"/resources/{resource_id}/scopes")) == ["b", "a", "c"]
    first = server.management.get("/resources?page=1&page_size=1")
    assert_same(first.json(), [BUILT_IN_RESOURCE])


def test_resources_with_scopes(server: RunningServer) -> None:
    """
    Resources with scopes: `includeScopes` gives each resource all its permissions; false or nothing does not.
    """
    answer = server.management.get("/resources?includeScopes=true&page=1&page_size=1")
    assert_same(answer.json(), [{**BUILT_IN_RESOURCE, "scopes": [BUILT_IN_SCOPE]}])
    for value in ("1", "TRUE", "y", "yes", "yeah"):
        found = server.management.get(f"/resources?includeScopes={value}&page_size=1").json()
        assert len(found[0]["scopes"]) == 1
    for value in ("false", "0", "no", ""):
        found = server.management.get(f"/resources?includeScopes={value}&page_size=1").json()
        assert "scopes" not in found[0]


def test_total_is_exact_while_rows_come_and_go(server: RunningServer) -> None:
    """
    `Total-Number` follows every change at once.
    """
    mark = unique("total")
    path = f"/users?search={mark}%25"
    ids = []
    for number in range(3):
        ids.append(create(server, "/users", {"username": f"{mark}_{number}"})["id"])
        assert server.management.get(path).headers["total-number"] == str(number + 1)
    for left, id_ in zip((2, 1, 0), ids, strict=True):
        server.management.delete(f"/users/{id_}").raise_for_status()
        assert server.management.get(path).headers["total-number"] == str(left)


def test_nul_is_in_no_query_and_no_path(world: World) -> None:
    """
    No name and no id holds a NUL, and not every database could be asked for one.
    """
    assert world.server.management.get("/roles?search=%00").status_code == 400
    assert world.server.management.get("/roles/a%00b").status_code == 404
