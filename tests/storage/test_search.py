"""
Searching lists: SQL where it can be, a linear-time engine where it must be.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchword.server.domain.names import ApplicationType
from watchword.server.domain.problems import Problem
from watchword.server.domain.search import parse_search
from watchword.server.operations import applications, scopes
from watchword.server.operations.applications import NewApplication
from watchword.server.storage import search as storage_search
from watchword.server.storage.applications import ApplicationFilter

if TYPE_CHECKING:
    from tests.support.shopping import Shopping

FIELDS = ("id", "name", "description")
NAMES = ["alpha", "Alpha-2", "beta%", "be_ta", "gämma", "GÄMMA", "del*ta", "d?lta", "[x]", "back\\slash"]


def found(shopping: Shopping, **query: str | list[str]) -> set[str]:
    """
    Search applications that carry the mark of this test; return their names.
    """
    parameters = {
        name.replace("__", "."): [value] if isinstance(value, str) else value for name, value in query.items()
    }
    search = parse_search(parameters, FIELDS)
    return {record.name for record in applications.listing(shopping.acting, ApplicationFilter(), search, None).records}


@pytest.fixture
def named(shopping: Shopping) -> Shopping:
    """
    Make applications with these names.
    """
    for name in NAMES:
        applications.create(
            shopping.acting, NewApplication(name=name, type=ApplicationType.SPA, description=f"about {name}")
        )
    return shopping


ROWS: dict[str, tuple[dict[str, str | list[str]], set[str]]] = {
    "like without wildcards is equality": ({"search": "alpha"}, {"alpha"}),
    "like ignores case": ({"search": "ALPHA%"}, {"alpha", "Alpha-2"}),
    "like ignores case beyond ASCII": ({"search": "gämm_"}, {"gämma", "GÄMMA"}),
    "like, case sensitive": ({"search": "Alpha%", "isCaseSensitive": "yes"}, {"Alpha-2"}),
    "percent escaped": ({"search": "beta\\%"}, {"beta%"}),
    "percent escaped, case sensitive": ({"search": "beta\\%", "isCaseSensitive": "1"}, {"beta%"}),
    "underscore is one character": ({"search": "be_ta"}, {"be_ta"}),
    "star stands for itself": ({"search": "del*%", "isCaseSensitive": "true"}, {"del*ta"}),
    "question mark stands for itself": ({"search": "d?lta", "isCaseSensitive": "true"}, {"d?lta"}),
    "bracket stands for itself": ({"search": "[x]", "isCaseSensitive": "true"}, {"[x]"}),
    "backslash escaped": ({"search": "back\\\\slash"}, {"back\\slash"}),
    "one field": ({"search__description": "about alpha"}, {"alpha"}),
    "exact, several values": ({"search__name": ["alpha", "[x]"], "mode__name": "exact"}, {"alpha", "[x]"}),
    "exact ignores case": ({"search__name": "GäMMA", "mode": "exact"}, {"gämma", "GÄMMA"}),
    "exact, case sensitive": ({"search__name": "GÄMMA", "mode": "exact", "isCaseSensitive": "y"}, {"GÄMMA"}),
    "and": ({"search__name": "alpha%", "search__description": "%2", "joint": "and"}, {"Alpha-2"}),
    "or": ({"search__name": "beta_", "search__description": "%[x]"}, {"beta%", "[x]"}),
    "posix anywhere": ({"search__name": "^a.*a", "mode": "posix"}, {"alpha", "Alpha-2"}),
    "posix, case sensitive": ({"search__name": "^A", "mode": "posix", "isCaseSensitive": "1"}, {"Alpha-2"}),
    "similar to": (
        {"search__name": "(alpha|beta)_?", "mode": "similar_to", "isCaseSensitive": "true"},
        {"alpha", "beta%"},
    ),
}


@pytest.mark.parametrize(("query", "names"), ROWS.values(), ids=ROWS.keys())
def test_search_finds(named: Shopping, query: dict[str, str | list[str]], names: set[str]) -> None:
    """
    Each mode finds what it should, and nothing else.
    """
    assert found(named, **query) == names


REFUSED: dict[str, dict[str, str | list[str]]] = {
    "unknown field": {"search__nope": "x"},
    "unknown mode": {"search": "x", "mode": "fuzzy"},
    "unknown mode, without a search": {"mode": "fuzzy"},
    "unknown joint": {"search": "x", "joint": "xor"},
    "empty value": {"search": ""},
    "two values, like": {"search__name": ["a", "b"]},
    "similar to without case sensitivity": {"search": "x", "mode": "similar_to"},
    "two levels": {"search__name__first": "x"},
    "pattern too long": {"search": "x" * 257, "mode": "posix"},
    "bad expression": {"search": "(", "mode": "posix"},
    "backreference": {"search": "(a)\\1", "mode": "posix"},
}


@pytest.mark.parametrize("query", REFUSED.values(), ids=REFUSED.keys())
def test_search_is_refused(shopping: Shopping, query: dict[str, str | list[str]]) -> None:
    """
    A search that makes no sense is 400 `request.invalid_input`.
    """
    with pytest.raises(Problem) as caught:
        found(shopping, **query)
    assert (caught.value.code, caught.value.status, caught.value.data) == ("request.invalid_input", 400, {})


def test_patterns_look_at_a_bounded_number_of_records(shopping: Shopping, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Too many to look at is refused, not slow.
    """
    monkeypatch.setattr(storage_search, "MOST_ROWS_IN_PROCESS", 1)
    with pytest.raises(Problem, match="narrow the list"):
        found(shopping, search="x", mode="posix")


def test_patterns_take_a_bounded_number_of_steps(shopping: Shopping) -> None:
    """
    A large machine does not read a million letters; a small one may, and the large one a short text.
    """
    large = "((a?){30}){30}z"
    assert found(shopping, search__name=large, mode="posix") == set()
    text = NewApplication(name="long", type=ApplicationType.SPA, description="a" * 1_000_000)
    applications.create(shopping.acting, text)
    assert found(shopping, search__description="^a+$", mode="posix") == {"long"}
    with pytest.raises(Problem, match="shorten the pattern"):
        found(shopping, search__description=large, mode="posix")


def test_what_a_pattern_matches_is_one_parameter(named: Shopping) -> None:
    """
    A statement may have 65,535 of them, or half as many: ten thousand matches in each of five fields are more.
    """
    for number in range(40):
        applications.create(named.acting, NewApplication(name=f"many {number}", type=ApplicationType.SPA))
    most = 0

    def count(*sent: object) -> None:
        nonlocal most
        most = max(most, len(sent[3]))  # type: ignore[arg-type]

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        assert len(found(named, search=".", mode="posix")) > 40
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
    assert 0 < most < 40


def test_hostile_expression_takes_linear_time(named: Shopping) -> None:
    """
    What makes a backtracking engine hang for years is answered at once.
    """
    applications.create(named.acting, NewApplication(name="a" * 256, type=ApplicationType.SPA))
    began = time.perf_counter()
    found(named, search="(a+)+(a+)+(a+)+$b", mode="posix")
    assert time.perf_counter() - began < 5


# The web hands on no NUL.
@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_no_search_is_ever_a_fault(shopping: Shopping, text: str) -> None:
    """
    Whatever is searched for is found, not found, or refused.
    """
    for query in ({}, {"isCaseSensitive": "true"}, {"mode": "exact"}, {"mode": "posix"}):
        try:
            found(shopping, search=text.encode("utf-8", "replace").decode(), **query)
        except Problem as problem:
            if problem.status != 400:
                raise


def test_scopes_of_all_resources_are_found_by_their_own_names(shopping: Shopping) -> None:
    """
    In whatever case, and no sign of the words means anything.
    """
    for name, description in (("GÄMMA:100%", "Fly"), ("gamma:1000", None)):
        scopes.create(shopping.acting, shopping.resource_id, name, description)

    def named(words: str, most: int = 5) -> tuple[list[str], bool]:
        found = scopes.called(shopping.acting, words, most)
        return [scope.name for _, members in found.groups for scope in members], found.are_all

    assert named("PRODUCTS") == (["read:products", "write:products"], True)
    assert named("products", 1) == (["read:products"], False)
    assert named("gämma") == (["GÄMMA:100%"], True)
    assert named("100%") == (["GÄMMA:100%"], True)
    assert named("fly") == (["GÄMMA:100%"], True)
    assert named(shopping.scope_ids["read:products"]) == (["read:products"], True)
    assert named("Online Shopping") == ([], True)
