"""
What a transaction promises: one tenant, an event for each change, and authority asked inside.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.names import DEFAULT_TENANT, MANAGEMENT_ROLE, ApplicationType, Permission
from watchword.server.domain.problems import Problem
from watchword.server.jobs import JOBS, Job
from watchword.server.jobs.runner import run_if_due
from watchword.server.operations import application_roles, applications, roles, secrets
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.operation import Acting
from watchword.server.storage import schema
from watchword.server.storage.roles import find_by_name
from watchword.server.storage.watched import WATCHED

if TYPE_CHECKING:
    from tests.support.shopping import Shopping
    from watchword.server.context import Context

LOCAL = Actor(kind=ActorKind.LOCAL)


def events(ctx: Context) -> list[str]:
    """
    Return the keys of all recorded changes, in order.
    """
    with ctx.database.read() as connection:
        return list(connection.exec_driver_sql("SELECT key FROM audit_events ORDER BY created_at").scalars())


def test_change_without_an_event_is_a_fault(ctx: Context) -> None:
    """
    It is rolled back, and loud.
    """
    with (
        pytest.raises(AssertionError, match="without an event"),
        ctx.write(DEFAULT_TENANT, LOCAL, Permission.ALL) as tx,
    ):
        tx.connection.exec_driver_sql("UPDATE applications SET name = 'x'")
    with ctx.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM applications WHERE name = 'x'").scalar_one() == 0


def test_every_write_is_recorded_once(ctx: Context, shopping: Shopping) -> None:
    """
    The log tells the whole story.
    """
    applications.update(shopping.acting, shopping.application_id, {"name": "renamed"})
    secrets.create(shopping.acting, shopping.application_id, "ci", None)
    roles.delete(shopping.acting, shopping.role_id)
    assert events(ctx)[-3:] == ["Application.Data.Updated", "Application.Secret.Created", "Role.Deleted"]


def test_refused_write_leaves_nothing(ctx: Context, shopping: Shopping) -> None:
    """
    Neither rows nor events.
    """
    before = events(ctx)
    with pytest.raises(Problem):
        application_roles.assign(shopping.acting, shopping.application_id, [shopping.role_id, "nope"])
    assert events(ctx) == before


def acting_as(ctx: Context, application_id: str, scopes: frozenset[str] = frozenset({"all"})) -> Acting:
    """
    Act as an application whose token has these scopes.
    """
    return Acting(
        ctx=ctx, tenant_id=DEFAULT_TENANT, actor=Actor(kind=ActorKind.APPLICATION, id=application_id, scopes=scopes)
    )


def test_authority_is_asked_inside_the_transaction(ctx: Context, shopping: Shopping) -> None:
    """
    A token alone gives nothing: the role must give it now, and the token must carry it.
    """
    manager, _ = applications.create(
        shopping.acting, NewApplication(name="manager", type=ApplicationType.MACHINE_TO_MACHINE)
    )
    with pytest.raises(Problem) as caught:
        applications.read(acting_as(ctx, manager.id), manager.id)
    assert caught.value.status == 403
    with ctx.read(DEFAULT_TENANT, LOCAL, Permission.ALL) as tx:
        role = find_by_name(tx, MANAGEMENT_ROLE)
    assert role is not None
    application_roles.assign(shopping.acting, manager.id, [role.id])
    assert applications.read(acting_as(ctx, manager.id), manager.id).application == manager
    with pytest.raises(Problem) as caught:
        applications.read(acting_as(ctx, manager.id, frozenset()), manager.id)
    assert caught.value.status == 403
    applications.delete(shopping.acting, manager.id)
    with pytest.raises(Problem) as caught:
        applications.read(acting_as(ctx, manager.id), manager.id)
    assert caught.value.status == 401


@pytest.mark.parametrize(
    ("kind", "status"), [(ActorKind.USER, 403), (ActorKind.OPERATOR, 401), (ActorKind.INVITATION, 403)]
)
def test_what_is_not_known_is_denied(ctx: Context, shopping: Shopping, kind: ActorKind, status: int) -> None:
    """
    Actors that nobody has given anything get nothing.
    """
    actor = Actor(kind=kind, id=shopping.application_id, scopes=frozenset({"all"}))
    with pytest.raises(Problem) as caught:
        applications.read(Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=actor), shopping.application_id)
    assert caught.value.status == status


def test_concurrent_writers_take_turns(ctx: Context, shopping: Shopping) -> None:
    """
    Of twenty who want the same name, one gets it and nineteen get the contract's error.
    """
    outcomes: list[str] = []

    def create() -> None:
        try:
            secrets.create(shopping.acting, shopping.application_id, "same", None)
            outcomes.append("made")
        except Problem as problem:
            outcomes.append(problem.code)

    threads = [threading.Thread(target=create) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["application.secret_name_exists"] * 19 + ["made"]


def test_upkeep_touches_no_tenants_rows(ctx: Context) -> None:
    """
    Jobs can't write what decisions read.
    """
    with pytest.raises(ValueError, match="not for upkeep"), ctx.upkeep() as upkeep:
        upkeep.execute(sa.delete(schema.applications))
    watched = {row.table for row in WATCHED}
    assert not watched & schema.UPKEEP


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_job_runs_once_a_turn(ctx: Context, shopping: Shopping, job: Job) -> None:
    """
    Whoever comes second finds the turn taken; when it is over, it is free again.
    """
    now = ctx.clock()
    assert run_if_due(ctx, job, now)
    assert not run_if_due(ctx, job, now)
    assert run_if_due(ctx, job, now + job.every)


def test_sealed_copies_go_when_nobody_may_read_them(ctx: Context, shopping: Shopping) -> None:
    """
    After `secret_reveal_hours` the clear text is gone for good; the secret still works.
    """
    job = next(job for job in JOBS if job.name == "secret-copies")
    later = ctx.clock() + timedelta(hours=24)
    job.run_once(ctx, later - timedelta(minutes=5))
    assert secrets.listing(shopping.acting, shopping.application_id)[0].value == shopping.application_secret
    job.run_once(ctx, later + timedelta(minutes=5))
    (secret,) = secrets.listing(shopping.acting, shopping.application_id)
    assert secret.value is None
    assert secret.masked_value == f"ww_…{shopping.application_secret[-4:]}"
