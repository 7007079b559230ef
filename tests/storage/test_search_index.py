"""
The trigram indexes: searches go over them, and find what they would find without.
"""

from __future__ import annotations

import sqlite3
import sys
import unicodedata
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.home import ON_SQLITE, settings_of
from watchword.server.bootstrap import open_context, open_ground
from watchword.server.domain.names import ApplicationType
from watchword.server.domain.search import Search, fold_case, parse_search
from watchword.server.domain.trigrams import alternatives, is_sure
from watchword.server.operations import applications
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.repair import restore_change_tracking
from watchword.server.storage import migrate, schema, search_index
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.sqlite import searching
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from tests.support.shopping import Shopping
    from watchword.server.context import Context

FIELDS = ("id", "name", "description")
# Letters that fold in ways of their own, and what patterns are made of.
LETTERS = (
    "aAbBiIkK\N{KELVIN SIGN}\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}\N{COMBINING DOT ABOVE}äÄßẞσςΣЖж한Ꭰꭰ\"'*-%_\\ "
)


def search_for(**query: str) -> Search:
    """
    Read a search.
    """
    return parse_search({name.replace("__", "."): [value] for name, value in query.items()}, FIELDS)


def named(shopping: Shopping, search: Search) -> set[str]:
    """
    Return the names of the applications that a search finds.
    """
    return {one.name for one in applications.listing(shopping.acting, ApplicationFilter(), search, None).records}


def make(shopping: Shopping, name: str) -> str:
    """
    Make an application; return its id.
    """
    return applications.create(shopping.acting, NewApplication(name=name, type=ApplicationType.SPA))[0].id


EXPRESSIONS = {
    "too short": ({"search": "%ab%"}, []),
    "apart": ({"search__name": "%ab_cd%"}, []),
    "long enough": ({"search__name": "%ABCD%"}, [[("abc", "bcd")]]),
    "two runs": ({"search__name": "%abc%def"}, [[("abc", "def")]]),
    "escaped": ({"search__name": "a\\%bc"}, [[("a%b", "%bc")]]),
    "exact": ({"search__name": "a%bc", "mode": "exact"}, [[("a%b", "%bc")]]),
    "any field": ({"search": "abc"}, [[("abc",), ("abc",), ("abc",)]]),
    "or, one too short": ({"search__name": "abc", "search__id": "ab"}, []),
    "and, one too short": ({"search__name": "abc", "search__id": "ab", "joint": "and"}, [[("abc",)]]),
    "or": ({"search__name": "abc", "search__id": "xyz"}, [[("abc",), ("xyz",)]]),
    "and": ({"search__name": "abc", "search__id": "xyz", "joint": "and"}, [[("abc",)], [("xyz",)]]),
    "expression": ({"search__name": "abc", "mode": "posix"}, []),
    "letters of unsure case": ({"search__name": "ꭰꭱꭲ"}, []),
    "letters without case": ({"search__name": "한국어"}, [[("한국어",)]]),
}


@pytest.mark.parametrize(("query", "expected"), EXPRESSIONS.values(), ids=EXPRESSIONS.keys())
@ON_SQLITE
def test_trigrams_of_a_search(query: dict[str, str], expected: list[list[tuple[str, ...]]], database: str) -> None:
    """
    Only what every record that is found must have.
    """
    assert database
    assert alternatives(search_for(**query)) == expected


def test_a_long_pattern_asks_for_few_trigrams() -> None:
    """
    From all over it.
    """
    [[trigrams]] = alternatives(search_for(search__name="".join(map(chr, range(0x4E00, 0x5E00)))))
    assert 8 <= len(trigrams) <= 16


def test_index_knows_letters_as_searches_do() -> None:
    """
    Every letter that folds to a sure one is that one to the index, too.
    """
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(x, content='', detail=none, tokenize='trigram')")
        cased = [letter for letter in map(chr, range(1, sys.maxunicode + 1)) if fold_case(letter) != letter]
        letters = [letter for letter in cased if unicodedata.category(letter) != "Cs" and is_sure(fold_case(letter))]
        connection.executemany("INSERT INTO t (rowid, x) VALUES (?, ?)", ((ord(one), f"<{one}>") for one in letters))
        query = "SELECT 1 FROM t WHERE t MATCH ? AND rowid = ?"
        expected = [(f'"<{fold_case(letter)}>"', ord(letter)) for letter in letters]
        assert [one for one in expected if connection.execute(query, one).fetchone() is None] == []
        assert all(len(fold_case(letter)) == 1 for letter in cased)
        assert len(letters) > 400


def test_index_finds_what_reading_every_row_finds(shopping: Shopping, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Whatever the names, and whatever is searched for.
    """
    texts = st.text(LETTERS, min_size=1, max_size=8)

    @given(texts, texts, st.sampled_from(["like", "exact"]), st.booleans())
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
    def check(name: str, part: str, mode: str, case_sensitive: bool) -> None:
        make(shopping, name)
        query = {"search__name": f"%{part}%" if mode == "like" else part, "mode": mode}
        search = search_for(**query, **({"isCaseSensitive": "true"} if case_sensitive else {}))
        over_index = named(shopping, search)
        with monkeypatch.context() as patched:
            patched.setattr(searching, "alternatives", lambda _search: [])
            assert over_index == named(shopping, search)
        if mode == "exact":
            assert over_index == {one for one in over_index if one == part or fold_case(one) == fold_case(part)}

    check()


def test_index_follows_changes(shopping: Shopping) -> None:
    """
    What is renamed or deleted is no longer found by what it was called.
    """
    application_id = make(shopping, "invoicing")
    search, other = search_for(search__name="%VOICING%"), search_for(search__name="%billing%")
    assert named(shopping, search) == {"invoicing"}
    applications.update(shopping.acting, application_id, {"name": "billing"})
    assert (named(shopping, search), named(shopping, other)) == (set(), {"billing"})
    applications.delete(shopping.acting, application_id)
    assert named(shopping, other) == set()


def test_many_are_found_without_the_index(shopping: Shopping, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A broad term reads row by row, and misses none.
    """
    monkeypatch.setattr(searching, "FEWEST_CANDIDATES", 2)
    for number in range(4):
        make(shopping, f"service {number}")
    assert len(named(shopping, search_for(search="%service%"))) == 4


@ON_SQLITE
@pytest.mark.parametrize(
    ("bounds", "over_index"),
    [
        pytest.param({"FEWEST_CANDIDATES": 4}, True, id="few"),
        pytest.param({"FEWEST_CANDIDATES": 3}, False, id="many for so small a table"),
        pytest.param({"FEWEST_CANDIDATES": 3, "CANDIDATES_SHARE": 1}, True, id="few for this table"),
        pytest.param({"FEWEST_CANDIDATES": 3, "CANDIDATES_SHARE": 1, "MOST_CANDIDATES": 3}, False, id="too many"),
    ],
)
def test_index_serves_a_share_of_its_table(
    ctx: Context, shopping: Shopping, monkeypatch: pytest.MonkeyPatch, bounds: dict[str, int], *, over_index: bool
) -> None:
    """
    What finds more is quicker without it.
    """
    for number in range(4):
        make(shopping, f"service {number}")
    for name, bound in bounds.items():
        monkeypatch.setattr(searching, name, bound)
    query = sa.select(schema.applications.c.id)
    with ctx.database.read() as connection:
        narrowed = searching.narrowed(connection, query, schema.applications, search_for(search="%service%"))
    assert (narrowed is not query) == over_index


@ON_SQLITE
def test_missing_trigger_is_refused_and_repaired(ctx: Context, shopping: Shopping, database: str) -> None:
    """
    What was written meanwhile is found again.
    """
    assert database
    with ctx.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER search_applications_insert")
    make(shopping, "unheard of")
    search = search_for(search="%heard%")
    assert named(shopping, search) == set()
    with pytest.raises(migrate.SchemaError, match="search_applications_insert"):
        open_context(ctx.settings, NoRequestLines())
    with open_ground(ctx.settings) as ground:
        assert restore_change_tracking(ground) == ["search_applications_insert"]
    assert named(shopping, search) == {"unheard of"}


def test_absent_index_is_made_by_repair(ctx: Context, shopping: Shopping, database: str) -> None:
    """
    Without it searches are right; with it they are quick.
    """
    name = "applications_search" if database == "sqlite" else "ix_applications_search"
    with ctx.database.write() as connection:
        for event in ("insert", "update", "delete") if database == "sqlite" else ():
            connection.exec_driver_sql(f"DROP TRIGGER search_applications_{event}")
        connection.exec_driver_sql(f"DROP {'TABLE' if database == 'sqlite' else 'INDEX'} {name}")
    search = search_for(search="%bot%")
    assert named(shopping, search) == {"shop-bot"}
    with open_ground(settings_of(ctx.settings.home)) as ground:
        assert restore_change_tracking(ground) == [name]
        assert search_index.absent(ground.connection) == []
    assert named(shopping, search) == {"shop-bot"}


def test_indexes_are_there(ctx: Context) -> None:
    """
    A new home has them, on both databases.
    """
    with ctx.database.read() as connection:
        assert search_index.is_possible(connection)
        assert search_index.absent(connection) == []


def test_letter_case_is_the_same_on_both_databases(ctx: Context) -> None:
    """
    Whatever collation the database has: what this process folds, SQL folds alike.
    """
    text = f"ÄÖÜ ΑΣΑ ΑΣ ЖЁ É KELVIN ABC ß {LETTERS}"
    with ctx.database.read() as connection:
        assert connection.execute(sa.text("SELECT unicode_lower(:text)"), {"text": text}).scalar_one() == fold_case(
            text
        )
