"""
What would change if a right were taken away, on both databases: as it then turns out.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.support.roles import make_role
from tests.support.shopping import INDICATOR
from watchword.server.domain.explanation import Question
from watchword.server.domain.names import ADMIN_ROLE_ID, ApplicationType, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.operations import (
    application_roles,
    applications,
    explaining,
    resources,
    role_applications,
    role_scopes,
    roles,
    scopes,
    secrets,
    taking,
    user_roles,
    users,
)
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser
from watchword.server.storage.rows import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.support.shopping import Shopping
    from watchword.server.operations.explaining import Obtaining
    from watchword.server.storage.rows import Listing

READ, WRITE = "read:products", "write:products"
FIRST = Page(limit=20, offset=0)


def give(
    shopping: Shopping, name: str, *role_ids: str, kind: ApplicationType = ApplicationType.MACHINE_TO_MACHINE
) -> str:
    """
    Make an application that holds roles; return its id.
    """
    application, _ = applications.create(shopping.acting, NewApplication(name=name, type=kind))
    for role_id in role_ids:
        role_applications.assign(shopping.acting, role_id, [application.id])
    return application.id


def role_with(shopping: Shopping, name: str, *names: str) -> str:
    """
    Make another role for machines with scopes of the shop; return its id.
    """
    scope_ids = [shopping.scope_ids[one] for one in names]
    new = NewRole(name=name, description="d", type=RoleType.MACHINE_TO_MACHINE, scope_ids=scope_ids)
    return roles.create(shopping.acting, new).id


def ids(found: Listing[Obtaining]) -> list[str]:
    """
    Return whose they are.
    """
    return [one.application.id for one in found.records]


@contextmanager
def statements() -> Iterator[list[str]]:
    """
    Note what the database is asked meanwhile.
    """
    seen: list[str] = []

    def note(*sent: object) -> None:
        seen.append(str(sent[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_who_loses_a_permission_and_who_keeps_it(shopping: Shopping) -> None:
    """
    Roles without it, and roles for users, help nobody; what is no machine neither loses nor keeps anything.
    """
    acting, scope_id = shopping.acting, shopping.scope_ids[READ]
    second, writing = role_with(shopping, "second", READ), role_with(shopping, "writing", WRITE)
    roles.create(acting, NewRole(name="people", description="d", type=RoleType.USER, scope_ids=[scope_id]))
    only_here = give(shopping, "only here", shopping.role_id, writing)
    both = give(shopping, "both", shopping.role_id, second)
    give(shopping, "only there", second)
    give(shopping, "front", shopping.role_id, kind=ApplicationType.SPA)
    give(shopping, "front with both", shopping.role_id, second, kind=ApplicationType.SPA)
    taken = taking.scope_from_role(acting, shopping.role_id, scope_id, FIRST)
    assert (taken.scope.name, taken.resource.indicator) == (READ, INDICATOR)
    assert (ids(taken.losing), taken.losing.total) == ([shopping.application_id, only_here], 2)
    assert (ids(taken.keeping), taken.keeping.total) == ([both], 1)
    assert sorted(taken.keeping.records[0].role_ids) == sorted([shopping.role_id, second])
    assert taken.role_names[second] == "second"
    last = taking.scope_from_role(acting, shopping.role_id, scope_id, Page(limit=1, offset=1))
    assert (ids(last.losing), last.losing.total, ids(last.keeping)) == ([only_here], 2, [])


def test_it_turns_out_as_foretold(shopping: Shopping) -> None:
    """
    Those who keep a permission are granted it afterwards, and no others are.
    """
    acting, scope_id = shopping.acting, shopping.scope_ids[READ]
    second = role_with(shopping, "second", READ)
    give(shopping, "both", shopping.role_id, second)
    taken = taking.scope_from_role(acting, shopping.role_id, scope_id, FIRST)
    role_scopes.remove(acting, shopping.role_id, scope_id)
    after = explaining.obtaining(acting, shopping.resource_id, scope_id, None)
    assert ids(after) == ids(taken.keeping)
    assert all(one.is_granted for one in after.records)
    assert ids(taken.losing) == [shopping.application_id]


def test_who_could_not_obtain_it_before_is_told_apart(shopping: Shopping) -> None:
    """
    It is judged as a token request is: without a secret there is none.
    """
    secrets.delete(shopping.acting, shopping.application_id, "Default secret")
    taken = taking.scope_from_role(shopping.acting, shopping.role_id, shopping.scope_ids[READ], FIRST)
    assert [one.is_granted for one in taken.losing.records] == [False]


def test_internal_role_gives_it_too(shopping: Shopping) -> None:
    """
    An application that runs the server loses nothing with a role that lets it.
    """
    managing = NewRole(
        name="managing", description="d", type=RoleType.MACHINE_TO_MACHINE, scope_ids=["management-api-all"]
    )
    role_id = roles.create(shopping.acting, managing).id
    application_roles.assign(shopping.acting, shopping.application_id, [role_id])
    applications.update(shopping.acting, shopping.application_id, {}, is_admin=True)
    taken = taking.scope_from_role(shopping.acting, role_id, "management-api-all", FIRST)
    assert (taken.losing.total, ids(taken.keeping)) == (0, [shopping.application_id])
    assert ADMIN_ROLE_ID in taken.keeping.records[0].role_ids


ASKED: Mapping[str, Callable[[Shopping], object]] = {
    "who loses a permission": lambda shopping: taking.scope_from_role(
        shopping.acting, shopping.role_id, shopping.scope_ids[READ], FIRST
    ),
    "what holders of a role lose": lambda shopping: explaining.losing(shopping.acting, shopping.role_id, FIRST),
    "what goes with an API": lambda shopping: taking.api_from_all(shopping.acting, shopping.resource_id, FIRST),
    "who can obtain a permission": lambda shopping: explaining.obtaining(
        shopping.acting, shopping.resource_id, shopping.scope_ids[READ], FIRST
    ),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("others", [0, 1])
def test_many_holders_cost_no_more_queries(
    shopping: Shopping, asked: Callable[[Shopping], object], others: int
) -> None:
    """
    Whether another role gives it, too, or not.
    """
    held = [shopping.role_id, *(role_with(shopping, "second", READ) for _ in range(others))]
    give(shopping, "one", *held)

    def ask() -> int:
        with statements() as seen:
            asked(shopping)
        return len(seen)

    few = ask()
    for number in range(25):
        give(shopping, f"app {number}", *held, role_with(shopping, f"role {number}", WRITE))
    assert ask() == few


def test_what_an_application_loses_with_a_role(shopping: Shopping) -> None:
    """
    API by API, in pages; what other roles give, too, stays, by their names.
    """
    acting, app = shopping.acting, shopping.application_id
    orders = resources.create(acting, NewResource(name="Orders", indicator="https://orders.api", access_token_ttl=600))
    role_scopes.add(acting, shopping.role_id, [scopes.create(acting, orders.id, "read:orders", None).id])
    second = role_with(shopping, "second", READ)
    application_roles.assign(acting, app, [second])
    found = taking.role_from_application(acting, app, shopping.role_id, FIRST)
    told = [(one.name, one.lifetime, list(one.lost), one.kept, one.error) for one in found.records]
    assert told == [
        ("Orders", 600, ["read:orders"], {}, None),
        ("Online Shopping", 3600, [WRITE], {READ: {second: "second"}}, None),
    ]
    page = taking.role_from_application(acting, app, shopping.role_id, Page(limit=1, offset=1))
    assert ([one.name for one in page.records], page.total) == (["Online Shopping"], 2)
    application_roles.remove(acting, app, shopping.role_id)
    left = explaining.explain(acting, Question(application_id=app)).reach or ()
    assert {one.indicator: list(one.scopes) for one in left} == {INDICATOR: [READ]}


def test_what_goes_with_an_api(shopping: Shopping) -> None:
    """
    For each application that a role gives anything there, once, in pages; afterwards it can have none of that.
    """
    acting, bot = shopping.acting, shopping.application_id
    orders = resources.create(acting, NewResource(name="Orders", indicator="https://orders.api"))
    role_scopes.add(acting, shopping.role_id, [scopes.create(acting, orders.id, "read:orders", None).id])
    writing = role_with(shopping, "writing", WRITE)
    writer = give(shopping, "writer", writing)
    front = give(shopping, "front", shopping.role_id, writing, kind=ApplicationType.SPA)
    give(shopping, "idle", role_with(shopping, "empty"))
    secrets.delete(acting, writer, "Default secret")
    found = taking.api_from_all(acting, shopping.resource_id, FIRST)
    told = {one.application.id: (list(one.scopes), one.error is None) for one in found.records}
    assert told == {bot: ([READ, WRITE], True), writer: ([WRITE], False), front: ([READ, WRITE], False)}
    assert found.total == 3
    pages = [taking.api_from_all(acting, shopping.resource_id, Page(limit=1, offset=number)) for number in range(3)]
    assert [one.application.id for page in pages for one in page.records] == sorted(told)
    of_orders = taking.api_from_all(acting, orders.id, FIRST)
    assert [(one.application.id, list(one.scopes)) for one in of_orders.records] == [
        (bot, ["read:orders"]),
        (front, ["read:orders"]),
    ]
    resources.delete(acting, shopping.resource_id)
    left = explaining.explain(acting, Question(application_id=bot)).reach or ()
    assert {one.indicator: list(one.scopes) for one in left} == {"https://orders.api": ["read:orders"]}
    with pytest.raises(Problem):
        taking.api_from_all(acting, shopping.resource_id, FIRST)


def test_what_is_no_machine_is_told_why_it_gets_nothing(shopping: Shopping) -> None:
    """
    In the words of the token endpoint.
    """
    front = give(shopping, "front", shopping.role_id, kind=ApplicationType.SPA)
    (told,) = taking.role_from_application(shopping.acting, front, shopping.role_id, FIRST).records
    assert told.error is not None


def test_what_is_not_held_can_not_be_taken(shopping: Shopping) -> None:
    """
    Nor does a preview of it say anything.
    """
    acting = shopping.acting
    other, people = role_with(shopping, "other"), make_role(acting, "people", RoleType.USER).id
    ada = users.create(acting, NewUser(username="ada")).id
    asked: Sequence[tuple[object, ...]] = (
        (taking.scope_from_role, other, shopping.scope_ids[READ]),
        (taking.scope_from_role, "nobody", shopping.scope_ids[READ]),
        (taking.role_from_application, shopping.application_id, other),
        (taking.role_from_application, "nobody", shopping.role_id),
        (taking.role_from_user, ada, people),
        (taking.role_from_user, "nobody", people),
    )
    for operation, *given in asked:
        with pytest.raises(Problem) as refused:
            operation(acting, *given, FIRST)  # type: ignore[operator]  # each of them takes two ids
        assert refused.value.status == 404


def test_what_goes_with_a_role_of_a_user(shopping: Shopping) -> None:
    """
    The permissions of the role, page by page.
    """
    acting = shopping.acting
    scope_ids = list(shopping.scope_ids.values())
    people = roles.create(acting, NewRole(name="people", description="d", type=RoleType.USER, scope_ids=scope_ids)).id
    ada = users.create(acting, NewUser(username="ada")).id
    user_roles.assign(acting, ada, [people])
    found = [taking.role_from_user(acting, ada, people, Page(limit=1, offset=number)) for number in range(2)]
    assert sorted(one.name for part in found for one in part.records) == [READ, WRITE]
    assert [part.total for part in found] == [2, 2]
