"""
The log's queries: which indexes they walk, and that reading keeps nobody from writing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from tests.support.home import ON_SQLITE
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.names import Permission
from watchword.server.storage import logs
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page
from watchword.server.storage.token_records import Record

if TYPE_CHECKING:
    from watchword.server.context import Context

LOCAL = Actor(kind=ActorKind.LOCAL)
ALL = LogFilter()
BY_PLACE = "SEARCH token_events USING INTEGER PRIMARY KEY (rowid=?)"
UNPLACED = "SEARCH token_events USING INTEGER PRIMARY KEY (rowid>?)"
NEWEST_PLACE = "SEARCH token_places"


def plan(ctx: Context, wanted: LogFilter) -> list[str]:
    """
    Return the steps by which SQLite answers a page.
    """
    with ctx.read("default", LOCAL, Permission.ALL) as tx:
        query = logs.page_query(tx, wanted, Page(limit=20, offset=40))
        compiled = query.compile(tx.connection, compile_kwargs={"literal_binds": True})
        return [
            row[3].replace("tokens.", "") for row in tx.connection.execute(sa.text(f"EXPLAIN QUERY PLAN {compiled}"))
        ]


@ON_SQLITE
@pytest.mark.parametrize(
    ("wanted", "column"),
    [
        pytest.param(ALL, "created_at", id="no filter"),
        pytest.param(LogFilter(application_id="a"), "application_id", id="application"),
        pytest.param(LogFilter(key="k"), "key", id="key"),
        pytest.param(LogFilter(user_id="u"), "user_id", id="user"),
        pytest.param(LogFilter(application_id="a", key="k"), "application_id", id="application and key"),
    ],
)
@pytest.mark.parametrize("is_window", [pytest.param(False, id="ever"), pytest.param(True, id="window")])
def test_page_walks_one_index_of_each_file(ctx: Context, wanted: LogFilter, column: str, is_window: bool) -> None:
    """
    Both files are walked along an index that begins with what is asked and ends with the time, and merged.

    Nothing is sorted, and nothing is scanned, but for records of an application that have no place yet.
    """
    steps = plan(ctx, replace(wanted, since=ctx.clock(), before=ctx.clock()) if is_window else wanted)
    assert "MERGE (UNION ALL)" in steps
    searches = [step for step in steps if step.startswith("SEARCH") and "PRIMARY KEY" not in step]
    if wanted.application_id:
        assert steps.count(BY_PLACE) == steps.count(UNPLACED) == steps.count(NEWEST_PLACE) == 1
        steps.remove("USE TEMP B-TREE FOR ORDER BY")
        searches.remove(NEWEST_PLACE)
    assert len(searches) == 2
    for search in searches:
        index = re.search(r"INDEX (\w+)", search)
        assert index is not None, search
        assert column in index[1], search
        assert ("created_at>?" in search) is is_window, search
    assert not [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN")], steps


@ON_SQLITE
def test_page_of_refusals_walks_their_index_alone(ctx: Context) -> None:
    """
    Nothing is sorted, and no record of a token that was issued is looked at.
    """
    steps = plan(ctx, LogFilter(only_refusals=True, before=ctx.clock()))
    assert steps == ["SEARCH token_events USING INDEX ix_token_events_refused (tenant_id=? AND created_at<?)"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("wanted", "column"),
    [
        pytest.param(LogFilter(only_changes=True), "created_at", id="no filter"),
        pytest.param(LogFilter(only_changes=True, application_id="a"), "application_id", id="application"),
        pytest.param(LogFilter(only_changes=True, key="k"), "key", id="key"),
    ],
)
def test_page_of_changes_walks_one_index(ctx: Context, wanted: LogFilter, column: str) -> None:
    """
    Of their file alone.
    """
    (step,) = plan(ctx, wanted)
    assert step.startswith("SEARCH audit_events USING INDEX")
    assert column in step


def test_open_reader_keeps_no_token_waiting(ctx: Context) -> None:
    """
    While a read of the log is under way, the token log commits; the read goes on seeing its own moment.
    """
    records = ctx.database.token_records()
    row = ("default", "Test", None, None, "{}", 1)
    with ctx.read("default", LOCAL, Permission.ALL) as tx:
        before = logs.listing(tx, ALL, None, count_up_to=None).total
        records.commit([Record(row, None)])
        assert logs.listing(tx, ALL, None, count_up_to=None).total == before
    records.close()
    with ctx.read("default", LOCAL, Permission.ALL) as tx:
        assert logs.listing(tx, ALL, None, count_up_to=None).total == before + 1
        (newest, *_) = logs.listing(tx, LogFilter(key="Test"), None, count_up_to=None).records
        assert logs.find(tx, newest.id) == newest


def test_another_tenants_entries_are_not_shown(ctx: Context) -> None:
    """
    The log of a tenant is its own, by list, by count and by id.
    """
    records = ctx.database.token_records()
    records.commit([Record(("other", "Test", None, None, "{}", 1), None)])
    records.close()
    with ctx.read("default", LOCAL, Permission.ALL) as tx:
        found = logs.listing(tx, LogFilter(key="Test"), Page(limit=20, offset=0), count_up_to=10)
        assert (found.total, found.records) == (0, [])
        assert logs.find(tx, f"t{1:020d}") is None
        assert logs.find(tx, "t" + "9" * 20) is None


def test_log_is_walked_whole_and_newest_first(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Few entries at a time, and none twice, however many share a moment.
    """
    monkeypatch.setattr(logs, "_AT_FIRST", 3)
    monkeypatch.setattr(logs, "_AT_ONCE", 4)
    records = ctx.database.token_records()
    records.commit([Record(("default", "Test", None, None, "{}", 1 + number // 4), None) for number in range(10)])
    records.close()
    with ctx.read("default", LOCAL, Permission.ALL) as tx:
        walked = list(logs.walk(tx, LogFilter(key="Test")))
        assert list(logs.walk(tx, LogFilter(key="Other"))) == []
    assert len({entry.id for entry in walked}) == len(walked) == 10
    moments = [entry.created_at for entry in walked]
    assert moments == sorted(moments, reverse=True)
