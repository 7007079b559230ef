"""
What pages about roles and permissions look for, on both databases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from watchword.server.domain.names import ADMIN_ROLE_ID, MANAGEMENT_SCOPE_ID, RoleType
from watchword.server.domain.problems import Problem
from watchword.server.domain.search import NO_SEARCH, Search, parse_search
from watchword.server.operations import logs, resources, role_scopes, roles, scopes, user_roles, users
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser
from watchword.server.storage.log_filter import LogFilter
from watchword.server.storage.roles import RoleFilter
from watchword.server.storage.rows import Page

if TYPE_CHECKING:
    from tests.support.shopping import Shopping

READ = "read:products"
SOME = Page(limit=20, offset=0)
MACHINE, USER = RoleType.MACHINE_TO_MACHINE, RoleType.USER


def searched(words: str, *fields: str) -> Search:
    """
    Search these fields.
    """
    return parse_search({"search": [f"%{words}%"]}, fields)


def names(found: scopes.Choices) -> list[tuple[str, list[str]]]:
    """
    Return the names of choices, by that of their resource.
    """
    return [(resource.name, [scope.name for scope in members]) for resource, members in found.groups]


def test_resources_are_searched_and_their_permissions_counted(shopping: Shopping) -> None:
    """
    With which one can't be changed.
    """
    acting = shopping.acting
    found = resources.overview(acting, searched("SHOPPING.api", "id", "name", "indicator"), SOME)
    listed = [(one.resource.id, one.scopes, one.is_built_in) for one in found.records]
    assert listed == [(shopping.resource_id, len(shopping.scope_ids), False)]
    whole = resources.overview(acting, NO_SEARCH, SOME)
    assert whole.total == len(whole.records) == 2
    assert [one.scopes for one in whole.records if one.is_built_in] == [1]
    empty = resources.create(acting, NewResource(name="Empty", indicator="https://empty.api"))
    assert resources.look(acting, empty.id).scopes == 0


def test_roles_are_listed_with_their_holders(shopping: Shopping) -> None:
    """
    Applications and users; and which came with the tenant.
    """
    acting = shopping.acting
    people = roles.create(acting, NewRole(name="people", description="d"))
    for name in ("ada", "eve"):
        user_roles.assign(acting, users.create(acting, NewUser(username=name)).id, [people.id])
    found = roles.overview(acting, RoleFilter(), NO_SEARCH, SOME)
    held = {one.role.id: one.holders for one in found.records}
    assert (held[shopping.role_id], held[people.id]) == (1, 2)
    assert [one.is_built_in for one in found.records] == [True, False, False]
    assert roles.names_of(acting, [people.id, "nobody"]) == {people.id: "people"}


def test_choices_are_those_that_a_role_may_get(shopping: Shopping) -> None:
    """
    Of the type, not those that it has, found by either name, and no more than are wanted.
    """
    acting, everything = shopping.acting, list(shopping.scope_ids)
    built_in = ("Logto Management API", ["all"])
    assert names(scopes.choices(acting, MACHINE, "", 9, not_of_role=None)) == [
        built_in,
        ("Online Shopping", everything),
    ]
    assert names(scopes.choices(acting, USER, "", 9, not_of_role=None)) == [("Online Shopping", everything)]
    assert names(scopes.choices(acting, MACHINE, "", 9, not_of_role=shopping.role_id)) == [built_in]
    assert names(scopes.choices(acting, MACHINE, "ONLINE sh", 9, not_of_role=None)) == [("Online Shopping", everything)]
    assert names(scopes.choices(acting, MACHINE, "Read:", 9, not_of_role=None)) == [("Online Shopping", [READ])]
    for words in ("%", "_", "\\"):
        assert names(scopes.choices(acting, MACHINE, words, 9, not_of_role=None)) == []
    few = scopes.choices(acting, MACHINE, "", 2, not_of_role=None)
    assert (len(few.groups), few.are_all) == (2, False)
    assert scopes.choices(acting, MACHINE, "", 3, not_of_role=None).are_all
    chosen = scopes.chosen(acting, [shopping.scope_ids[READ], "nothing", MANAGEMENT_SCOPE_ID])
    assert names(chosen) == [("Online Shopping", [READ]), built_in]


def test_roles_that_give_a_permission_are_of_either_type(shopping: Shopping) -> None:
    """
    One of its permissions, or any; internal ones are hidden.
    """
    acting, scope_id = shopping.acting, shopping.scope_ids[READ]
    people = roles.create(acting, NewRole(name="people", description="d", scope_ids=[scope_id]))
    found = role_scopes.giving(acting, shopping.resource_id, scope_id, SOME)
    assert [role.id for role in found.records] == [shopping.role_id, people.id]
    other = next(one for name, one in shopping.scope_ids.items() if name != READ)
    assert [role.id for role in role_scopes.giving(acting, shopping.resource_id, other, SOME).records] == [
        shopping.role_id
    ]
    assert role_scopes.giving(acting, shopping.resource_id, None, SOME).total == 2
    for role_type, role_id in ((MACHINE, shopping.role_id), (RoleType.USER, people.id)):
        of_type = role_scopes.giving(acting, shopping.resource_id, None, SOME, role_type=role_type)
        assert ([role.id for role in of_type.records], of_type.total) == ([role_id], 1)
    built_in = role_scopes.giving(acting, "management-api", MANAGEMENT_SCOPE_ID, SOME)
    assert ADMIN_ROLE_ID not in [role.id for role in built_in.records]


def test_roles_of_users_change_whole_or_not_at_all(shopping: Shopping) -> None:
    """
    From either side; what changed stands in the log, and what did not is no record.
    """
    acting = shopping.acting
    ada, eve = (users.create(acting, NewUser(username=name)) for name in ("ada", "eve"))
    first, second = (roles.create(acting, NewRole(name=name, description="d")) for name in ("first", "second"))
    user_roles.give(acting, first.id, [ada.id, eve.id])
    for wrong in ([second.id, shopping.role_id], [second.id, "nothing"]):
        with pytest.raises(Problem):
            user_roles.replace(acting, ada.id, wrong)
    for nobody in (["nobody"], [eve.id]):
        with pytest.raises(Problem):
            user_roles.give(acting, first.id, [users.create(acting, NewUser()).id, *nobody])
    with pytest.raises(Problem):
        user_roles.give(acting, shopping.role_id, [ada.id])
    assert {user.id for user in user_roles.holders(acting, first.id, NO_SEARCH, None).records} == {ada.id, eve.id}
    assert [role.id for role in user_roles.listing(acting, ada.id, NO_SEARCH, None).records] == [first.id]
    user_roles.replace(acting, ada.id, [second.id])
    user_roles.replace(acting, ada.id, [second.id])
    user_roles.take(acting, first.id, eve.id)
    with pytest.raises(Problem):
        user_roles.take(acting, first.id, eve.id)
    said = {
        key: [entry.payload["data"] for entry in logs.newest(acting, LogFilter(key=key), 50)]
        for key in ("User.Roles.Updated", "Role.Users.Updated")
    }
    assert said["User.Roles.Updated"] == [{"id": ada.id, "added": [second.id], "removed": [first.id]}]
    given = {"id": first.id, "added": [ada.id, eve.id], "removed": []}
    taken = {"id": first.id, "added": [], "removed": [eve.id]}
    assert said["Role.Users.Updated"] in ([given, taken], [taken, given])  # perhaps within one millisecond


def test_users_hold_roles_for_users(shopping: Shopping) -> None:
    """
    All of those that are asked for, or none; twice is once.
    """
    acting = shopping.acting
    ada, eve = (users.create(acting, NewUser(username=name)) for name in ("ada", "eve"))
    first, second = (roles.create(acting, NewRole(name=name, description="d")) for name in ("first", "second"))
    assert user_roles.assign(acting, ada.id, [first.id, first.id]) == [first.id]
    assert user_roles.assign(acting, ada.id, [first.id]) == []
    for wrong in (shopping.role_id, "nothing"):
        with pytest.raises(Problem):
            user_roles.assign(acting, ada.id, [second.id, wrong])
    user_roles.assign(acting, eve.id, [second.id, first.id])
    assert [role.id for role in user_roles.listing(acting, ada.id, NO_SEARCH, None).records] == [first.id]
    assert user_roles.holders(acting, first.id, NO_SEARCH, SOME).total == 2
    found = user_roles.holders(acting, first.id, searched("EV", "username"), SOME)
    assert [user.id for user in found.records] == [eve.id]
    user_roles.remove(acting, eve.id, first.id)
    assert [role.id for role in user_roles.listing(acting, eve.id, NO_SEARCH, SOME).records] == [second.id]
    for user_id, role_id in ((eve.id, first.id), ("nobody", first.id)):
        with pytest.raises(Problem):
            user_roles.remove(acting, user_id, role_id)
    for read in (
        lambda: user_roles.listing(acting, "nobody", NO_SEARCH, None),
        lambda: user_roles.holders(acting, "nothing", NO_SEARCH, SOME),
    ):
        with pytest.raises(Problem):
            read()
