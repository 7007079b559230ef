"""
Totals and deep pages of a long log: exact, whatever part of it is sealed, and as quick as the first page.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.home import settings_of
from tests.support.long import IS_LONG
from tests.support.sealed import KEY, LOCAL, add_changes, add_tokens, listing, seal
from watchword.server.bootstrap import open_context
from watchword.server.domain.names import Permission
from watchword.server.jobs import retention
from watchword.server.storage import logs
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page
from watchword.server.storage.types import to_microseconds
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import sqlalchemy as sa

    from tests.support.home import Made
    from watchword.server.context import Context
    from watchword.server.domain.records import LogEntry
    from watchword.server.storage.transaction import Transaction

TOKEN_ID = re.compile(r"t\d{20}")
KEYS, APPLICATIONS = ("k1", "k2"), (None, "app1", "app2")
MINUTES = st.integers(min_value=0, max_value=400)


@pytest.fixture
def spread(home: Path) -> Iterator[Context]:
    """
    A log over some hours, written out of order: a part dropped, a part sealed, a part not yet, and another tenant's.
    """
    with closing(open_context(settings_of(home, token_log_retention_days=2), NoRequestLines())) as context:
        fill(context)
        yield context


def fill(context: Context) -> None:
    """
    Write that log.
    """
    now = context.clock()
    add_tokens(context, [(now - timedelta(days=3, minutes=7 * n), "k1", "app1") for n in range(40)])
    seal(context)
    retention.run_once(context, now)
    for part in range(3):
        add_tokens(
            context,
            [(now - timedelta(minutes=(37 * n + part) % 400), KEYS[n % 2], APPLICATIONS[n % 3]) for n in range(60)],
        )
        add_tokens(context, [(now - timedelta(minutes=n), "k1", "app1") for n in range(20)], tenant="other")
        add_changes(context, 4)
        if part < 2:
            seal(context)


@pytest.mark.parametrize("walks", [False, True], ids=["a page", "the stretches of a search"])
def test_what_is_seldom_is_looked_for_where_it_is(
    ctx: Context, monkeypatch: pytest.MonkeyPatch, *, walks: bool
) -> None:
    """
    The counts know its hours: no other hour of the application's records is read.
    """
    moment = ctx.clock() - timedelta(hours=5)
    others = [(moment + timedelta(minutes=minute), "k1", "app1") for minute in range(-120, 120)]
    add_tokens(ctx, [*others, (moment, "k2", "app1")])
    seal(ctx)
    asked: list[LogFilter] = []
    page_query = logs.page_query

    def noted(tx: Transaction, wanted: LogFilter, page: Page | None) -> sa.CompoundSelect[Any]:
        asked.append(wanted)
        return page_query(tx, wanted, page)

    monkeypatch.setattr(logs, "page_query", noted)
    seldom = LogFilter(application_id="app1", key="k2")
    if walks:
        with ctx.read("default", LOCAL, Permission.ALL) as tx:
            found: Sequence[LogEntry] = list(logs.walk(tx, seldom))
    else:
        found = listing(ctx, seldom, Page(limit=20, offset=0)).records
    assert [entry.key for entry in found] == ["k2"]
    hour = moment.replace(minute=0, second=0, microsecond=0)
    assert asked == [replace(seldom, since=hour, before=hour + timedelta(hours=1))]


@pytest.mark.slow
@settings(
    max_examples=1_000 if IS_LONG else 60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    key=st.sampled_from([None, *KEYS, "Role.Created", "nothing"]),
    application=st.sampled_from([None, "app1", "nobody"]),
    window=st.tuples(st.none() | MINUTES, st.none() | MINUTES),
    page=st.builds(Page, limit=st.integers(1, 20), offset=st.integers(0, 220)),
    cap=st.none() | st.integers(0, 200),
    only_changes=st.booleans(),
)
def test_totals_and_pages_are_exact(  # noqa: PLR0917 - what a list can ask
    spread: Context,
    key: str | None,
    application: str | None,
    window: tuple[int | None, int | None],
    page: Page,
    cap: int | None,
    only_changes: bool,
) -> None:
    """
    Sealed or not, in whole hours or parts of one: the total counts what the whole list shows, a page is a part of it.
    """
    whole = listing(spread, LogFilter(), None).records
    now = whole[0].created_at
    since, before = (None if minutes is None else now - timedelta(minutes=minutes) for minutes in window)
    expected = [
        entry
        for entry in whole
        if (key is None or entry.key == key)
        and (since is None or entry.created_at >= since)
        and (before is None or entry.created_at < before)
        and not (only_changes and TOKEN_ID.fullmatch(entry.id))
    ]
    wanted = LogFilter(key=key, application_id=application, only_changes=only_changes, since=since, before=before)
    shown = listing(spread, wanted, None)
    if application is None:
        assert [entry.created_at for entry in shown.records] == [entry.created_at for entry in expected]
    assert shown.total == len(shown.records)
    part = listing(spread, wanted, page, cap)
    assert part.records == shown.records[page.offset : page.offset + page.limit]
    assert part.total == (shown.total if cap is None else min(shown.total, cap + 1))


ROWS = 10_000_000 if IS_LONG else 30_000
MOST_SECONDS = 1.0


@pytest.fixture(scope="module")
def long_log(made_on: Callable[[str], Made], tmp_path_factory: pytest.TempPathFactory) -> Context:
    """
    A sealed log of many records over thirty days: ten million in the long form.
    """
    home = shutil.copytree(made_on("sqlite").home, tmp_path_factory.mktemp("long") / "home")
    context = open_context(settings_of(home), NoRequestLines())
    first = to_microseconds(context.clock() - timedelta(days=30))
    apart = (to_microseconds(context.clock()) - first) // ROWS
    with closing(sqlite3.connect(home / "tokens.db")) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ? - 1) "
            "INSERT INTO token_events (tenant_id, key, application_id, payload, created_at) "
            "SELECT 'default', ?, 'app' || (i % 100), '{\"result\":\"Success\"}', ? + i * ? FROM n",
            (ROWS, KEY, first, apart),
        )
    seal(context)
    return context


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param(LogFilter(), id="all"),
        pytest.param(LogFilter(key=KEY), id="key"),
        pytest.param(LogFilter(application_id="app7"), id="application"),
        pytest.param(LogFilter(application_id="app7", key=KEY), id="application and key"),
    ],
)
@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9], ids=["first", "middle", "last"])
def test_page_of_a_long_log_is_quick(long_log: Context, wanted: LogFilter, share: float) -> None:
    """
    The first page, one in the middle (offset 5,000,000 in the long form) and one near the end, with their totals.
    """
    expected = ROWS // 100 if wanted.application_id else ROWS
    begun = time.perf_counter()
    found = listing(long_log, wanted, Page(limit=20, offset=int(expected * share)))
    taken = time.perf_counter() - begun
    assert expected <= found.total < expected + 10  # a new home has some records of changes
    assert len(found.records) == 20
    assert taken < MOST_SECONDS
