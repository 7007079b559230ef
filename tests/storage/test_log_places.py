"""
Where SQLite finds an application's records: by their places, which come with the seals, and among what has none yet.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.home import ON_SQLITE, settings_of
from tests.support.sealed import KEY, add_some_tokens, add_tokens, listing, seal
from tests.support.stored import execute_on_tokens
from watchword.server.bootstrap import open_context
from watchword.server.jobs import retention
from watchword.server.operations.audit import verify
from watchword.server.storage.administration import bring_up_to_date
from watchword.server.storage.audit import places
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.rows import Page
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from watchword.server.context import Context
    from watchword.server.domain.records import LogEntry

pytestmark = ON_SQLITE
APPLICATIONS = ("app0", "app1", "app2")
OF_THE_VERSION_BEFORE = (
    "DROP TABLE token_places",
    "CREATE INDEX ix_token_events_application_id ON token_events (tenant_id, application_id, created_at)",
    "UPDATE alembic_version SET version_num = '0003'",
)


def entries_of(ctx: Context, application: str, page: Page | None = None) -> Sequence[LogEntry]:
    """
    List an application's entries.
    """
    found = listing(ctx, LogFilter(application_id=application), page)
    assert page is not None or found.total == len(found.records)
    return found.records


def numbers_of(ctx: Context, application: str) -> set[int]:
    """
    Return the numbers of an application's records, read from the log alone.
    """
    query = "SELECT number FROM tokens.token_events WHERE tenant_id = 'default' AND application_id = :of"
    with ctx.database.read() as connection:
        return set(connection.execute(sa.text(query), {"of": application}).scalars())


def placed(ctx: Context) -> list[int]:
    """
    Return the numbers of the records that have their place.
    """
    with ctx.database.read() as connection:
        return list(connection.exec_driver_sql("SELECT number FROM tokens.token_places ORDER BY number").scalars())


def check(ctx: Context) -> None:
    """
    Hold the lists of applications against the log: whole and newest first, a page a part of it.
    """
    for application in APPLICATIONS:
        whole = entries_of(ctx, application)
        assert sorted(int(entry.id[1:]) for entry in whole) == sorted(numbers_of(ctx, application))
        moments = [entry.created_at for entry in whole]
        assert moments == sorted(moments, reverse=True)
        assert entries_of(ctx, application, Page(limit=3, offset=2)) == whole[2:5]


def test_records_get_their_places_with_their_seal(ctx: Context) -> None:
    """
    Those of no application too, so that the newest place tells what is still without.
    """
    add_some_tokens(ctx, 7)
    add_tokens(ctx, [(ctx.clock(), KEY, None)])
    assert placed(ctx) == []
    check(ctx)
    seal(ctx)
    assert placed(ctx) == list(range(1, 9))
    add_some_tokens(ctx, 5, age=timedelta(hours=1))
    assert placed(ctx) == list(range(1, 9))
    check(ctx)


def test_what_another_version_sealed_is_found_all_the_same(ctx: Context) -> None:
    """
    The version before seals without places: those records are looked through, and get theirs with the next seal.
    """
    add_some_tokens(ctx, 6)
    seal(ctx)
    execute_on_tokens(ctx.database, "DELETE FROM token_places WHERE number > 2")
    check(ctx)
    add_some_tokens(ctx, 3)
    check(ctx)
    seal(ctx)
    assert placed(ctx) == list(range(1, 10))
    check(ctx)


def test_many_that_another_version_sealed_get_theirs_bit_by_bit(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Tokens wait for each of these transactions. A gap in the numbers, as retention leaves it, is no end.
    """
    monkeypatch.setattr(places, "_MOST_AT_ONCE", 4)
    add_some_tokens(ctx, 6)
    seal(ctx)
    execute_on_tokens(ctx.database, "DELETE FROM token_places")
    for newest in (4, 8):
        add_some_tokens(ctx, 1)
        seal(ctx)
        assert placed(ctx) == list(range(1, newest + 1))
        check(ctx)
    execute_on_tokens(ctx.database, "DELETE FROM token_places")
    execute_on_tokens(ctx.database, "DELETE FROM token_events WHERE number <= 6")
    add_some_tokens(ctx, 1)
    seal(ctx)
    assert placed(ctx) == [7, 8, 9]


def test_what_is_dropped_loses_its_place(home: Path) -> None:
    """
    Retention leaves no place behind; one of no record, as the version before leaves them, leads nowhere.
    """
    with closing(open_context(settings_of(home, token_log_retention_days=2), NoRequestLines())) as ctx:
        add_some_tokens(ctx, 4, age=timedelta(days=3))
        seal(ctx)
        add_some_tokens(ctx, 3)
        seal(ctx)
        retention.run_once(ctx, ctx.clock())
        assert placed(ctx) == [5, 6, 7]
        check(ctx)
        execute_on_tokens(ctx.database, "INSERT INTO token_places VALUES (1, 'default', 'app0', 1)")
        check(ctx)


@pytest.mark.parametrize(
    "tampering",
    [
        pytest.param("DELETE FROM token_places WHERE number = 2", id="place taken away"),
        pytest.param("UPDATE token_places SET application_id = 'innocent' WHERE number = 2", id="application changed"),
        pytest.param("UPDATE token_places SET application_id = NULL WHERE number = 2", id="application taken away"),
        pytest.param("UPDATE token_places SET created_at = 0 WHERE number = 2", id="time changed"),
        pytest.param("UPDATE token_places SET tenant_id = 'other' WHERE number = 2", id="tenant changed"),
    ],
)
def test_record_that_a_list_leaves_out_is_found(ctx: Context, tampering: str) -> None:
    """
    The proof of the log covers where its records are looked for; what has no place yet is no fault.
    """
    add_some_tokens(ctx, 6)
    seal(ctx)
    add_some_tokens(ctx, 3)
    assert [found.faults for found in verify(ctx.database, ctx.keys, frozenset())] == [[], []]
    execute_on_tokens(ctx.database, tampering)
    assert [found.faults for found in verify(ctx.database, ctx.keys, frozenset())] == [
        [],
        ["records that are not in their places: 1; lists by application are wrong"],
    ]


STEPS = st.lists(
    st.one_of(
        st.lists(st.tuples(st.integers(0, 90), st.sampled_from([None, *APPLICATIONS])), min_size=1, max_size=8),
        st.just("seal"),
        st.integers(1, 40),
    ),
    max_size=8,
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_lists_are_exact_whatever_has_its_place(
    ctx: Context, steps: list[list[tuple[int, str | None]] | str | int]
) -> None:
    """
    Records are added, sealed, and places lost from some number on, in any order.
    """
    now = ctx.clock()
    for step in steps:
        if isinstance(step, int):
            execute_on_tokens(ctx.database, f"DELETE FROM token_places WHERE number > {step}")
        elif isinstance(step, str):
            seal(ctx)
        else:
            add_tokens(ctx, [(now - timedelta(minutes=ago), KEY, application) for ago, application in step])
        check(ctx)


def test_log_of_the_version_before_gets_its_places(ctx: Context) -> None:
    """
    What the migration finds is placed, sealed or not, and the index that tokens paid for is gone.
    """
    add_some_tokens(ctx, 5)
    seal(ctx)
    add_some_tokens(ctx, 4)
    for statement in OF_THE_VERSION_BEFORE:
        execute_on_tokens(ctx.database, statement)
    bring_up_to_date(ctx.settings)
    assert placed(ctx) == list(range(1, 10))
    with ctx.database.read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM tokens.sqlite_master WHERE type = 'index'").scalars()
        assert "ix_token_events_application_id" not in set(names)
    check(ctx)
