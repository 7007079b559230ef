"""
Many applications: 50,000 in the short form, a million with WATCHWORD_SOAK=1 (fewer on PostgreSQL in the short form).

What is asked of few rows goes over indexes, totals are not counted, and running servers hear of the whole at once.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from tests.support.long import IS_LONG
from tests.support.shopping import Shopping, ask, ask_as_bot
from watchword.server.domain.search import NO_SEARCH, parse_search
from watchword.server.operations import application_roles, applications, role_applications, seeding
from watchword.server.operations.repair import find_amiss
from watchword.server.storage import entries
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.rows import Page
from watchword.server.storage.secret_expiries import next_expiries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.server.context import Context

BATCH = 10_000
SHORT = {"sqlite": 50_000, "postgresql": BATCH}
SCAN = re.compile(r"(SCAN|Seq Scan on) application(s|_roles|_secrets)\b")
# An index that is read for all of a tenant, to find what belongs to one application.
WALK = re.compile(r"SEARCH \S+ USING .*\(tenant_id=\?\)")
FIELDS = ("id", "name", "description")

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@contextmanager
def plans(ctx: Context) -> Iterator[list[str]]:
    """
    Collect the plans of all queries that are run meanwhile.
    """
    lines: list[str] = []
    explain = "EXPLAIN QUERY PLAN " if ctx.settings.database_url is None else "EXPLAIN "

    def note(connection: sa.Connection, *of_statement: object) -> None:
        statement, parameters = str(of_statement[1]), of_statement[2]
        if statement.startswith("SELECT"):
            cursor = connection.connection.cursor()
            cursor.execute(explain + statement, parameters)  # type: ignore[arg-type]  # as the driver was given them
            lines.extend(str(row[-1]) for row in cursor.fetchall())
            cursor.close()

    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield lines
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)


async def test_many_applications_cost_what_few_do(ctx: Context, shopping: Shopping, database: str) -> None:
    """
    Seed, ask for tokens, list and search.
    """
    number = 1_000_000 if IS_LONG else SHORT[database]
    await ask_as_bot(ctx, shopping)
    landscape = seeding.prepare(shopping.acting, 3, 20)
    begun_at, last = ctx.clock(), None
    for start in range(0, number, BATCH):
        last = seeding.add_applications(shopping.acting, landscape, range(start, start + BATCH), begun_at)[-1]
    seeding.finish(shopping.acting)
    assert last is not None

    token = await ask(
        ctx, last.application.id, last.secret.value, resource=landscape.indicators[0], scope="read:things"
    )
    assert token.scope == "read:things"
    await ask_as_bot(ctx, shopping)

    with ctx.database.read() as connection:
        assert find_amiss(connection, ["default"]) == []
        told = connection.execute(sa.text("SELECT count(*) FROM changes")).scalar_one()
        assert told < 500

    with plans(ctx) as loads:
        assert len(application_roles.listing(shopping.acting, last.application.id, NO_SEARCH, None).records) == 2
        with ctx.database.read() as connection:
            entry = entries.load_application(connection, "default", last.application.id)
    assert entry is not None
    assert loads
    assert [line for line in loads if SCAN.search(line) or WALK.search(line)] == []

    page = Page(limit=20, offset=0)
    narrow = parse_search({"search": [f"%{last.application.name[3:]}%"]}, FIELDS)
    exact = parse_search({"search": [last.application.id]}, FIELDS)
    with plans(ctx) as lines:
        everything = applications.listing(shopping.acting, ApplicationFilter(), NO_SEARCH, page)
        deepest = applications.listing(
            shopping.acting, ApplicationFilter(), NO_SEARCH, Page(limit=20, offset=everything.total - 1)
        )
        for search in (narrow, exact):
            found = applications.listing(shopping.acting, ApplicationFilter(), search, page)
            assert [one.id for one in found.records] == [last.application.id]
        middle = Page(limit=20, offset=number // 2)
        holders, more_holders = (
            role_applications.listing(shopping.acting, landscape.common_role_id, NO_SEARCH, one)
            for one in (page, middle)
        )
        with ctx.database.read() as connection:
            assert next_expiries(connection, ctx.clock(), 5) == []
    assert everything.total == number + 2
    assert len(deepest.records) == 1
    assert holders.total == number
    assert [len(part.records) for part in (holders, more_holders)] == [20, 20]
    assert {one.id for one in holders.records}.isdisjoint(one.id for one in more_holders.records)
    assert lines
    assert [line for line in lines if SCAN.search(line)] == []
    for index in ("ix_application_roles_held", "ix_application_secrets_expires_at"):
        assert [line for line in lines if index in line], index
