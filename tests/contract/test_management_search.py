"""
Search in lists: fields, modes, joints, case, and every fault (core §1.8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.shop import create, unique
from tests.support.wire import assert_code

if TYPE_CHECKING:
    from tests.support.server import RunningServer

PEOPLE = {
    "ann": {"name": "Ann Müller", "primaryEmail": "ann@MARK.example"},
    "bob": {"name": "Bob 100%", "primaryEmail": "bob@MARK.example"},
    "carl": {"name": "carl_x", "primaryEmail": "carl@MARK.example"},
    "dora": {"name": "CARLyx", "primaryEmail": "dora@MARK.example"},
    "eve": {"primaryEmail": "eve@MARK.example"},
}


@pytest.fixture(scope="module")
def people(server: RunningServer) -> str:
    """
    Create five users; return the text that marks them. `ann` is the oldest.
    """
    mark = unique("m")
    for username, members in PEOPLE.items():
        body = {name: value.replace("MARK", mark) for name, value in members.items()}
        create(server, "/users", {"username": f"{username}_{mark}", **body})
    return mark


HERE = "search.primaryEmail=%25MARK.example&joint=and"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("search=%25MARK%25", "eve dora carl bob ann", id="any field, newest first"),
        pytest.param("search=ann_MARK", "ann", id="like without wildcards is equality"),
        pytest.param("search=ANN_MARK", "ann", id="like ignores case"),
        pytest.param("search=ann", "", id="no wildcard is added"),
        pytest.param("search.username=ann_MARK", "ann", id="one field"),
        pytest.param("search.primaryEmail=bob@MARK.example", "bob", id="camelCase"),
        pytest.param("search.primary_email=bob@MARK.example", "bob", id="snake_case"),
        pytest.param(f"{HERE}&search.name=carl\\_%25", "carl", id="backslash escapes underscore"),
        pytest.param(f"{HERE}&search.name=%25100\\%25", "bob", id="backslash escapes percent"),
        pytest.param(f"{HERE}&search.name=carl__", "dora carl", id="underscore is one character"),
        pytest.param(f"{HERE}&search.name=carl%25&isCaseSensitive=true", "carl", id="case counts when asked"),
        pytest.param(f"{HERE}&search.name=ann%25&isCaseSensitive=yes", "", id="yes is true"),
        pytest.param(f"{HERE}&search.name=ann%25&isCaseSensitive=no", "ann", id="no is false"),
        pytest.param(f"{HERE}&search.name=ANN MÜLLER", "ann", id="case beyond ASCII"),
        pytest.param("search.name=%25&search.primaryEmail=eve@MARK.example&joint=and", "", id="null never matches"),
        pytest.param("search.username=ann_MARK&search.name=zz", "ann", id="or is the default"),
        pytest.param("search.username=ann_MARK&search.name=zz&joint=or", "ann", id="or"),
        pytest.param("search.username=ann_MARK&search.name=zz&joint=and", "", id="and"),
        pytest.param("search.username=ann_MARK&search.name=zz&jointMode=and", "", id="jointMode"),
        pytest.param("search.username=ANN_MARK&mode=exact", "ann", id="exact ignores case"),
        pytest.param("search.username=ANN_MARK&mode=exact&isCaseSensitive=1", "", id="exact with case"),
        pytest.param("search.username=a%25_MARK&mode=exact", "", id="exact knows no wildcards"),
        pytest.param(
            "search.username=ann_MARK&search.username=bob_MARK&mode.username=exact",
            "bob ann",
            id="exact, several values",
        ),
        pytest.param("search.username=^(ann|bob)_MARK$&mode=posix", "bob ann", id="posix"),
        pytest.param("search.username=NN_MARK&mode.username=posix", "ann", id="posix finds anywhere"),
        pytest.param("search.username=NN_MARK&mode=posix&isCaseSensitive=true", "", id="posix with case"),
        pytest.param("search.username=(ann|bob)_MARK&mode=similar_to&isCaseSensitive=true", "bob ann", id="similar to"),
        pytest.param(
            "search.username=[a-c]%25_MARK&mode=similar_to&isCaseSensitive=true",
            "carl bob ann",
            id="similar to, classes",
        ),
        pytest.param(
            "search.username=nn_MARK&mode=similar_to&isCaseSensitive=true", "", id="similar to is the whole value"
        ),
        pytest.param(
            "search.username=ann_MARK&search.name=^Bob&mode=posix&mode.username=exact&joint=or&search.primaryEmail=eve@MARK",
            "eve bob ann",
            id="a mode for one field beside a mode for all",
        ),
    ],
)
def test_search_finds(server: RunningServer, people: str, query: str, expected: str) -> None:
    """
    The list holds exactly who matches.
    """
    answer = server.management.get(f"/users?{query.replace('MARK', people)}&page_size=100")
    assert answer.status_code == 200, answer.text
    found = [str(user["username"]) for user in answer.json()]
    assert answer.headers["total-number"] == str(len(found))
    assert found == [f"{name}_{people}" for name in expected.split()]


FAULTS = [
    pytest.param("search=", id="empty value"),
    pytest.param("search.name=", id="empty value of a field"),
    pytest.param("search.foo=x", id="field nobody searches"),
    pytest.param("search.name.x=y", id="field too deep"),
    pytest.param("search=a&search=b", id="several values"),
    pytest.param("search.name=a&search.name=b&mode=like", id="several values of a field"),
    pytest.param("search.name=a&mode=fuzzy", id="mode nobody knows"),
    pytest.param("search.name=a&mode.name=fuzzy", id="mode of a field nobody knows"),
    pytest.param("mode=fuzzy", id="mode without a search"),
    pytest.param("search.name=a&joint=xor", id="joint nobody knows"),
    pytest.param("joint=xor", id="joint without a search"),
    pytest.param("search.name=a&mode=similar_to", id="similar to without case"),
    pytest.param("search.name=(&mode=posix", id="posix that is no expression"),
    pytest.param("search.name=[z-a]&mode=posix", id="posix with a wrong class"),
    pytest.param("search.name=(a)\\1&mode=posix", id="posix with a back reference"),
    pytest.param("search.name=(%3F=a)&mode=posix", id="posix with a look-ahead"),
    pytest.param(f"search.name={'a' * 257}&mode=posix", id="posix over 256 characters"),
    pytest.param(f"search.name={'a' * 10_001}", id="like over 10,000 characters"),
    pytest.param(f"search.name={'a' * 10_001}&isCaseSensitive=true", id="case-sensitive like over 10,000 characters"),
    pytest.param("search.name=a{1000}{1000}&mode=posix", id="posix that grows"),
]


@pytest.mark.parametrize("query", FAULTS)
@pytest.mark.parametrize(
    "path", ["/users", "/roles", "/applications", "/resources/management-api/scopes", "/roles/admin-role/scopes"]
)
def test_fault_is_refused(server: RunningServer, path: str, query: str) -> None:
    """
    A search that makes no sense is 400 `request.invalid_input` on every list.
    """
    assert_code(server.management.get(f"{path}?{query}"), 400, "request.invalid_input")


def test_hostile_expression_costs_nobody_time(server: RunningServer, people: str) -> None:
    """
    An expression that would take a backtracking engine for ever is answered.
    """
    answer = server.management.get("/users", params={"search.name": "(a+)+$" * 20, "mode": "posix"}, timeout=10)
    assert answer.status_code in {200, 400}


@pytest.mark.parametrize(
    ("path", "field"), [("/applications", "description"), ("/roles", "description"), ("/applications", "id")]
)
def test_other_fields_are_searched(server: RunningServer, path: str, field: str) -> None:
    """
    Applications, roles and permissions are searched by id, name and description.
    """
    mark = unique("found")
    body = {"name": unique("x"), "description": mark}
    created = create(server, path, body | ({"type": "Native"} if path == "/applications" else {}))
    answer = server.management.get(f"{path}?search.{field}={created[field]}&page=1")
    assert [found["id"] for found in answer.json()] == [created["id"]]
    assert answer.headers["total-number"] == "1"


def test_groups_are_bracketed_before_the_filters(server: RunningServer) -> None:
    """
    With two groups and `or`, the other filters still bind to both.
    """
    mark = unique("both")
    for kind in ("Native", "SPA"):
        create(server, "/applications", {"name": f"{mark}{kind}", "type": kind, "description": mark})
    query = f"search.name={mark}%25&search.description={mark}&types=SPA"
    found = server.management.get(f"/applications?{query}").json()
    assert [application["type"] for application in found] == ["SPA"]


@pytest.mark.parametrize("text", ["%27%20OR%201=1--", "%00", "%ff", "\\", "%25%25%25%25", "_" * 3000])
def test_hostile_text_finds_nothing_or_is_refused(server: RunningServer, text: str) -> None:
    """
    Search text is data: it never becomes SQL, nor a failure inside.
    """
    answer = server.management.get(f"/roles?search.name={text}")
    assert answer.status_code in {200, 400}


def test_bad_expression_is_told_without_its_text(server: RunningServer) -> None:
    """
    What is wrong with it is enough.
    """
    answer = server.management.get("/users?search.name=(aaaa&mode=posix")
    assert answer.json()["message"] == "Input is invalid. The search pattern is not a valid expression: missing )."
