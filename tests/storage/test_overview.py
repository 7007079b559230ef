"""
The overview's reads: right, on both databases, and as quick in a long log and among many applications.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from tests.support.home import ON_SQLITE
from tests.support.long import IS_LONG
from tests.support.sealed import KEY, LOCAL, add_tokens
from watchword.protocol.errors import InvalidRequest
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.events import Origin, token_refused
from watchword.server.domain.names import DEFAULT_TENANT, ApplicationType, Permission, RoleType
from watchword.server.domain.refusals import Counted, Kind, refusals_counted
from watchword.server.operations import (
    application_roles,
    applications,
    getting_started,
    logs,
    overview,
    resources,
    roles,
    scopes,
    secrets,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.operation import Acting
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.storage import token_activity
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.token_records import Record
from watchword.server.storage.types import to_microseconds

if TYPE_CHECKING:
    from watchword.server.context import Context
    from watchword.server.domain.records import Application


@pytest.fixture
def acting(ctx: Context) -> Acting:
    """
    Act as the server's own command line.
    """
    return Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=LOCAL)


def make_application(acting: Acting, name: str) -> Application:
    """
    Make a machine-to-machine application.
    """
    return applications.create(acting, NewApplication(name=name, type=ApplicationType.MACHINE_TO_MACHINE))[0]


def add_refusals(ctx: Context, rows: list[tuple[datetime, str, str | None, str, int]]) -> None:
    """
    Write records of refusals: when, key, application, error, and how many it stands for.
    """
    records = ctx.database.token_records()
    records.commit(
        [
            Record(("default", key, application, None, refusal(error, number), to_microseconds(at)), None)
            for at, key, application, error, number in rows
        ]
    )
    records.close()


def refusal(error: str, number: int) -> str:
    """
    Write a record's payload, as the server does.
    """
    code = error.partition(" ")[0]
    payload: dict[str, object] = {"result": "Error", "error": {"error": code, "error_description": f"why {error}"}}
    if number > 1:
        payload["notRecorded"] = number
    return json.dumps(payload, separators=(",", ":"))


def add_uses(ctx: Context, rows: list[tuple[str, str, datetime]]) -> None:
    """
    Note uses: application, secret, when.
    """
    records = ctx.database.token_records()
    records.note([("default", application, secret, to_microseconds(at)) for application, secret, at in rows])
    records.close()


def test_minutes_hold_what_was_issued_and_refused(ctx: Context, acting: Acting) -> None:
    """
    Sixty of them, the oldest first; older records, and other tenants', are in none.
    """
    now = ctx.clock()
    add_tokens(ctx, [(now - timedelta(minutes=ago), KEY, "a") for ago in (0, 1, 1, 30, 61, 600)])
    add_tokens(ctx, [(now, KEY, "a")] * 3, tenant="other")
    add_refusals(
        ctx, [(now - timedelta(minutes=1), KEY, "a", "invalid_client", 1), (now, KEY, None, "invalid_client", 40)]
    )
    found = overview.activity(acting)
    assert len(found.minutes) == 60
    assert found.is_exact
    told = {
        59 - n: (minute.issued, minute.refused)
        for n, minute in enumerate(found.minutes)
        if minute.issued or minute.refused
    }
    assert told == {0: (1, 40), 1: (2, 1), 30: (1, 0)}
    assert all(
        later.at - earlier.at == timedelta(minutes=1)
        for earlier, later in zip(found.minutes, found.minutes[1:], strict=False)
    )


def test_busy_minutes_are_told_by_their_numbers(ctx: Context, acting: Acting, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Beyond what is counted one by one, about as many: here, all of them.
    """
    monkeypatch.setattr(overview, "MOST_COUNTED", 10)
    now = ctx.clock()
    add_tokens(
        ctx,
        [(now - timedelta(minutes=ago), KEY, "a") for ago in sorted([*[0] * 5, *[2] * 9, *[59] * 4, 70], reverse=True)],
    )
    found = overview.activity(acting)
    assert not found.is_exact
    assert {59 - n: minute.issued for n, minute in enumerate(found.minutes) if minute.issued} == {0: 5, 2: 9, 59: 4}


def test_failures_are_told_apart_by_reason_and_application(ctx: Context, acting: Acting) -> None:
    """
    Those of the last day, the most frequent first, with the application's name where there is one.

    One code may have several reasons; what was only counted has none.
    """
    now, app = ctx.clock(), make_application(acting, "Sync")
    add_refusals(
        ctx,
        [
            (now - timedelta(hours=25), KEY, app.id, "invalid_scope", 1),
            *[(now - timedelta(hours=2), KEY, app.id, "invalid_target", 1)] * 3,
            *[(now - timedelta(hours=2), KEY, app.id, "invalid_target unknown", 1)] * 2,
            (now - timedelta(hours=1), KEY, app.id, "invalid_client", 1),
            (now - timedelta(minutes=5), KEY, app.id, "invalid_client", 500),
            (now, "ExchangeTokenBy.Unknown", None, "unsupported_grant_type", 1),
        ],
    )
    found = overview.activity(acting)
    assert [(one.error, one.application_name, one.count, one.reason, one.key) for one in found.failures] == [
        ("invalid_client", "Sync", 500, "counted, not recorded one by one", KEY),
        ("invalid_target", "Sync", 3, "why invalid_target", KEY),
        ("invalid_target", "Sync", 2, "why invalid_target unknown", KEY),
        ("unsupported_grant_type", None, 1, "why unsupported_grant_type", "ExchangeTokenBy.Unknown"),
        ("invalid_client", "Sync", 1, "why invalid_client", KEY),
    ]
    assert found.has_all_failures
    assert found.has_all_kinds


def test_kinds_that_are_left_out_are_told(ctx: Context, acting: Acting) -> None:
    """
    Whose application is not among the most frequent is not told that there is nothing.
    """
    add_refusals(ctx, [(ctx.clock(), KEY, f"app{n}", "invalid_client", 1) for n in range(overview.MOST_SHOWN + 1)])
    found = overview.activity(acting)
    assert (len(found.failures), found.has_all_failures, found.has_all_kinds) == (overview.MOST_SHOWN, True, False)


def test_more_refusals_than_are_read_are_said_to_be_more(
    ctx: Context, acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The newest are read.
    """
    monkeypatch.setattr(overview, "MOST_REFUSALS", 3)
    now = ctx.clock()
    add_refusals(ctx, [(now - timedelta(minutes=ago), KEY, None, f"e{ago}", 1) for ago in range(5)])
    found = overview.activity(acting)
    assert {one.error for one in found.failures} == {"e0", "e1", "e2"}
    assert not found.has_all_failures


def test_log_of_refusals_has_nothing_else(ctx: Context, acting: Acting) -> None:
    """
    The newest first, and none of the changes between them.
    """
    now = ctx.clock()
    make_application(acting, "Sync")
    add_refusals(ctx, [(now - timedelta(minutes=ago), KEY, None, f"e{ago}", 1) for ago in range(3)])
    found = logs.newest(acting, LogFilter(only_refusals=True, before=now), 10)
    assert ["e1" in str(found[0].payload), "e2" in str(found[1].payload), len(found)] == [True, True, 2]


def test_every_refusal_is_in_the_index() -> None:
    """
    What the server writes of one begins as the index demands.
    """
    refused = token_refused(Seen(), InvalidRequest("no"), Origin(ip=None, user_agent=None))
    kind = Kind(tenant_id="t", key=KEY, error="invalid_client", status=401, application_id=None, source="")
    counted = refusals_counted(Counted(kind=kind, number=2, since=datetime(2026, 1, 1, tzinfo=UTC)))
    for event in (refused, counted):
        assert msgspec.json.encode(event.payload).startswith(b'{"result":"Error"')


@ON_SQLITE
def test_refusals_walk_their_own_index(ctx: Context, acting: Acting) -> None:
    """
    Nothing is scanned or sorted: the tokens between them cost nothing.
    """
    seen: list[str] = []
    with ctx.read("default", acting.actor, Permission.ALL) as tx:
        sa.event.listen(tx.connection, "before_cursor_execute", lambda *given: seen.append(given[2]))
        token_activity.refusals(tx, ctx.clock(), 10)
        (statement,) = seen
        steps = [
            row[3] for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", ("default", 0, 10, 0))
        ]
    assert len(steps) == 1
    assert "USING INDEX ix_token_events_refused" in steps[0]


def test_secrets_that_expire_soon_are_told_in_time(ctx: Context, acting: Acting) -> None:
    """
    Those within thirty days, the first one first; neither those that last nor those that have expired.
    """
    app, now = make_application(acting, "Sync"), ctx.clock()
    for name, days in (("late", 29), ("soon", 2), ("far", 31)):
        secrets.create(acting, app.id, name, now + timedelta(days=days))
    secrets.create(acting, app.id, "ever", None)
    found = overview.expiring_secrets(acting)
    assert [(one.application_id, one.application_name, one.name) for one in found] == [
        (app.id, "Sync", "soon"), (app.id, "Sync", "late"),
    ]  # fmt: skip
    assert [one.name for one in overview.expiring_secrets(acting, 1)] == ["soon"]


def test_applications_that_nobody_uses_are_told(ctx: Context, acting: Acting) -> None:
    """
    Machines older than thirty days without a token since; never, or with the last one.
    """
    now = ctx.clock()
    made = {name: make_application(acting, name) for name in ("never", "once", "busy", "young")}
    website = applications.create(acting, NewApplication(name="site", type=ApplicationType.SPA))[0]
    last = now - timedelta(days=40)
    add_uses(ctx, [(made["once"].id, "s", last), (made["busy"].id, "s", last), (made["busy"].id, "t", now)])
    old = [application.id for name, application in made.items() if name != "young"]
    with ctx.database.write() as connection:
        for n, application_id in enumerate([*old, website.id]):
            connection.execute(
                sa.text("UPDATE applications SET created_at = :at WHERE id = :id"),
                {"at": to_microseconds(now - timedelta(days=50 - n)), "id": application_id},
            )
    found = overview.unused_applications(acting)
    assert [(one.name, one.last_used_at) for one in found] == [("never", None), ("once", last)]
    assert len(overview.unused_applications(acting, 1)) == 1
    assert dict(secrets.last_uses(acting, made["busy"].id)) == {"s": last, "t": now}
    assert not secrets.last_uses(acting, made["never"].id)


def test_totals_are_those_of_the_lists(acting: Acting) -> None:
    """
    Internal roles are left out.
    """
    before = overview.totals(acting)
    make_application(acting, "one more")
    after = overview.totals(acting)
    assert (after.machines, after.applications) == (before.machines + 1, before.applications + 1)
    assert (after.resources, after.roles, after.users) == (before.resources, before.roles, before.users)


def test_start_is_done_when_somebody_can_do_something(acting: Acting) -> None:
    """
    An application with a role that gives a permission of an API of one's own; what manages the server is none.
    """
    app = make_application(acting, "Sync")
    api = resources.create(acting, NewResource(name="Own", indicator="https://own.example"))
    scope = scopes.create(acting, api.id, "read", None)
    machine, person = (
        roles.create(acting, NewRole(name=kind.value, description="x", type=kind, scope_ids=[scope.id]))
        for kind in (RoleType.MACHINE_TO_MACHINE, RoleType.USER)
    )
    assert [role.id for role in getting_started.roles_giving(acting, api.id, 10)] == [machine.id]
    assert person.id != machine.id
    assert not getting_started.is_done(acting)
    application_roles.assign(acting, app.id, [machine.id])
    assert getting_started.is_done(acting)
    application_roles.remove(acting, app.id, machine.id)
    assert not getting_started.is_done(acting)


ROWS = 10_000_000 if IS_LONG else 20_000
MACHINES = 1_000_000 if IS_LONG else 2_000
MOST_SECONDS = 1.0
NUMBERS = "n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < :many - 1)"


@pytest.mark.slow
def test_overview_is_quick_in_a_long_log(ctx: Context, acting: Acting) -> None:
    """
    Each read takes less than a second: at ten million tokens of one hour and a million applications in the long form.
    """
    now = ctx.clock()
    with ctx.database.write_tokens() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL search_path TO tokens")
        connection.execute(
            sa.text(
                f"WITH RECURSIVE {NUMBERS} INSERT INTO token_events "
                "(tenant_id, key, application_id, payload, created_at) "
                "SELECT 'default', 'k', 'app' || (i % 100), :payload, :first + i * :apart FROM n"
            ),
            {
                "many": ROWS,
                "payload": '{"result":"Success"}',
                "first": to_microseconds(now - timedelta(minutes=59)),
                "apart": 3_540_000_000 // ROWS,
            },
        )
    with ctx.database.write() as connection:
        connection.execute(
            sa.text(
                f"WITH RECURSIVE {NUMBERS} INSERT INTO applications (tenant_id, id, name, type, oidc_client_metadata, "
                "custom_client_metadata, custom_data, is_third_party, app_level_access_control_enabled, created_at) "
                "SELECT 'default', 'm' || i, 'm' || i, 'MachineToMachine', '{}', '{}', '{}', false, false, i FROM n"
            ),
            {"many": MACHINES},
        )
    add_uses(ctx, [(f"m{n}", "s", now) for n in range(MACHINES)])
    for read in (overview.activity, overview.unused_applications, overview.expiring_secrets, overview.totals):
        begun = time.perf_counter()
        read(acting)
        assert time.perf_counter() - begun < MOST_SECONDS
    assert overview.activity(acting).is_exact is (ROWS < overview.MOST_COUNTED)
    assert not overview.unused_applications(acting)
