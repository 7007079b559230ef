"""
What explanations look for, on both databases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.shopping import INDICATOR
from watchword.server.domain.explanation import Question
from watchword.server.domain.names import ADMIN_ROLE_ID, ApplicationType, Permission, RoleType, management_indicator
from watchword.server.operations import application_roles, applications, explaining, resources, roles, scopes
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.storage import explaining as found
from watchword.server.storage.rows import Page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.shopping import Shopping
    from watchword.server.storage.transaction import Transaction

READ = "read:products"


@pytest.fixture
def tx(shopping: Shopping) -> Iterator[Transaction]:
    """
    Read what the shopping fixture has made.
    """
    acting = shopping.acting
    with acting.ctx.read(acting.tenant_id, acting.actor, Permission.ALL) as transaction:
        yield transaction


@pytest.mark.parametrize("asked", [INDICATOR, INDICATOR.upper(), INDICATOR + "/", "Online Shopping", "ONLINE shopping"])
def test_resource_is_found_by_what_may_have_been_meant(tx: Transaction, asked: str) -> None:
    """
    Another case, a slash too many, its name in place of its indicator.
    """
    assert found.resources_alike(tx, asked, 3) == [INDICATOR]
    assert found.resources_alike(tx, f"{asked}x", 3) == []


def test_resource_with_a_slash_is_found_without_it(shopping: Shopping) -> None:
    """
    The commonest mistake, the other way round.
    """
    resources.create(shopping.acting, NewResource(name="Other", indicator="https://other.api/"))
    with shopping.acting.ctx.read("default", shopping.acting.actor, Permission.ALL) as tx:
        assert found.resources_alike(tx, "https://other.api", 3) == ["https://other.api/"]


def test_scopes_are_found_in_whatever_case_here_and_exactly_elsewhere(shopping: Shopping) -> None:
    """
    However many other APIs have one of that name.
    """
    for number in range(4):
        other = resources.create(shopping.acting, NewResource(name="Other", indicator=f"https://other{number}.api"))
        scopes.create(shopping.acting, other.id, "Read:Products", None)
    with shopping.acting.ctx.read("default", shopping.acting.actor, Permission.ALL) as tx:
        assert found.scopes_spelt_alike(tx, shopping.resource_id, "Read:Products", 3) == [READ]
        elsewhere = found.apis_with_scope(tx, shopping.resource_id, "Read:Products", 3)
        assert elsewhere == [f"https://other{number}.api" for number in range(3)]
        assert found.apis_with_scope(tx, shopping.resource_id, READ, 3) == []
        assert found.scope_id(tx, shopping.resource_id, READ) == shopping.scope_ids[READ]
        assert found.scope_id(tx, shopping.resource_id, READ.upper()) is None


def test_roles_for_users_and_internal_ones_are_not_proposed(shopping: Shopping) -> None:
    """
    Neither could, or should, be given to a machine by hand.
    """
    scope_ids = [shopping.scope_ids[READ]]
    roles.create(shopping.acting, NewRole(name="people", description="d", type=RoleType.USER, scope_ids=scope_ids))
    with shopping.acting.ctx.read("default", shopping.acting.actor, Permission.ALL) as tx:
        assert found.roles_giving(tx, shopping.scope_ids[READ], 3) == [(shopping.role_id, "shopper")]
        assert ADMIN_ROLE_ID not in [role.id for role in found.roles_giving(tx, "management-api-all", 9)]


def test_holders_are_listed_once_whatever_roles_they_hold(shopping: Shopping) -> None:
    """
    In pages, and whole.
    """
    acting, scope_id = shopping.acting, shopping.scope_ids[READ]
    second = roles.create(
        acting, NewRole(name="second", description="d", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[scope_id])
    )
    application_roles.assign(acting, shopping.application_id, [second.id])
    other, _ = applications.create(acting, NewApplication(name="other", type=ApplicationType.MACHINE_TO_MACHINE))
    application_roles.assign(acting, other.id, [second.id])
    everybody = sorted([shopping.application_id, other.id])
    with acting.ctx.read("default", acting.actor, Permission.ALL) as tx:
        assert list(found.holders_of_scope(tx, scope_id, None).records) == everybody
        assert list(found.holders_of_scope(tx, scope_id, Page(limit=1, offset=1)).records) == everybody[1:]
        assert found.holders_of_scope(tx, scope_id, Page(limit=1, offset=5)).total == 2
        assert list(found.indicators_of_role(tx, second.id)) == [INDICATOR]
    lost = {loss.application_id: loss.scopes for loss in explaining.losing(acting, second.id, None).records}
    assert lost == {shopping.application_id: {}, other.id: {INDICATOR: [READ]}}
    can = {
        one.application.id: one.is_granted
        for one in explaining.obtaining(acting, shopping.resource_id, scope_id, None).records
    }
    assert can == {shopping.application_id: True, other.id: True}


def test_explanation_reads_what_is_there_now(shopping: Shopping) -> None:
    """
    On this very database, the tenant's keys and the Management API included.
    """
    asked = Question(application_id=shopping.application_id, resource=INDICATOR, scopes=(READ, "nope"))
    explained = explaining.explain(shopping.acting, asked)
    assert explained.explanation.granted is not None
    assert explained.explanation.granted.scope == READ
    of_management = Question(
        application_id=shopping.application_id, resource=management_indicator("default"), scopes=("all",)
    )
    proposed = [remedy.text for remedy in explaining.explain(shopping.acting, of_management).remedies]
    assert proposed == ["Give “shop-bot” the role “Logto Management API access”."]


def test_nobody_is_told_to_let_a_role_run_the_server(shopping: Shopping) -> None:
    """
    Nor to widen a role that came with it: all of its holders would get what one of them lacks.
    """
    applications.update(shopping.acting, shopping.application_id, {}, is_admin=True)
    asked = Question(application_id=shopping.application_id, resource=INDICATOR, scopes=("delete:products",))
    scopes.create(shopping.acting, shopping.resource_id, "delete:products", None)
    widened = [one.path for one in explaining.explain(shopping.acting, asked).remedies]
    assert widened == [f"/api/roles/{shopping.role_id}/scopes"]
