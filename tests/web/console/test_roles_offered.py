"""
Roles that forms offer: some of them, and more by a search that keeps what was ticked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.roles import make_role
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import application_roles, applications, roles, user_roles, users
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.users import NewUser
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.roles import RoleFilter
from watchword.server.web.console import picking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.support.browser import Browser
    from watchword.server.domain.records import Role
    from watchword.server.operations.operation import Acting

MACHINE = RoleType.MACHINE_TO_MACHINE


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Offer three roles, so that a handful are many.
    """
    monkeypatch.setattr(picking, "_MOST_OFFERED", 3)


def make(local: Acting, role_type: RoleType, *names: str) -> Sequence[Role]:
    """
    Create roles.
    """
    return [make_role(local, name, role_type) for name in names]


def known(local: Acting) -> Sequence[Role]:
    """
    Return all roles for machines.
    """
    return roles.choices(local, RoleFilter(type=MACHINE), NO_SEARCH, 100).records


def names(local: Acting) -> Mapping[str, str]:
    """
    Return the ids of all applications by name.
    """
    return {one.name: one.id for one in applications.listing(local, ApplicationFilter(), NO_SEARCH, None).records}


def offered(text: str) -> list[str]:
    """
    Return the ids in a page's choice of a role.
    """
    return re.findall(r'<option value="(\w+)">', text.partition('id="role"')[2].partition("</select>")[0])


async def test_application_is_created_with_roles_of_two_searches(local: Acting, owner: Browser) -> None:
    """
    A search makes nothing, keeps what was typed and ticked, and finds what is not among the first.
    """
    make(local, MACHINE, *(f"{number}% of it" for number in range(9)))
    page = (await owner.open("/console/applications/new")).text
    assert "There are more roles" in page
    shown = {role.id for role in known(local) if f'value="{role.id}"' in page}
    assert len(shown) == 3
    first = next(role for role in known(local) if role.id in shown)
    last = next(role for role in known(local) if role.id not in shown)
    typed = {"name": "report", "description": "daily"}
    found = (await owner.send("/console/applications/new", **typed, role=first.id, words=last.name.upper())).text
    assert f'value="{first.id}" checked> <span>{first.name}' in found
    assert f'value="{last.id}">' in found
    assert 'value="report"' in found
    assert 'value="daily"' in found
    assert "is called “<bdi>_</bdi>”" in (await owner.send("/console/applications/new", **typed, words="_")).text
    assert "report" not in names(local)
    both = [first.id, last.id]
    await owner.send("/console/applications", name="report", role=both)  # type: ignore[arg-type]  # a list is many
    held = application_roles.listing(local, names(local)["report"], NO_SEARCH, None).records
    assert {role.id for role in held} == set(both)


async def test_page_of_an_application_offers_what_is_searched(local: Acting, owner: Browser) -> None:
    """
    Of the roles that it does not hold, with how many there are.
    """
    report, _ = applications.create(local, NewApplication(name="report", type=ApplicationType.MACHINE_TO_MACHINE))
    held, *_ = make(local, MACHINE, "held", "one", "two", "three")
    application_roles.assign(local, report.id, [held.id])
    path = f"/console/applications/{report.id}"
    page = (await owner.open(path)).text
    assert "4 other roles, of which 3 are offered" in page  # with the one that came with the server
    left = next(role for role in known(local) if role.id not in {held.id, *offered(page)})
    assert offered((await owner.open(f"{path}?role={left.name.upper()}")).text) == [left.id]
    nothing = (await owner.open(f"{path}?role=held")).text
    assert "No other role is called “<bdi>held</bdi>”" in nothing
    application_roles.assign(local, report.id, [left.id])
    assert "Search roles" not in (await owner.open(path)).text


async def test_page_of_a_user_does_so_too(local: Acting, owner: Browser) -> None:
    """
    Roles for machines are not among them.
    """
    user = users.create(local, NewUser(username="ada"))
    make(local, MACHINE, "four of machines")
    *_, last = make(local, RoleType.USER, "one", "two", "three", "four")
    page = (await owner.open(f"/console/users/{user.id}")).text
    assert "4 other roles, of which 3 are offered" in page
    assert offered((await owner.open(f"/console/users/{user.id}?role=four")).text) == [last.id]


async def test_roles_that_are_held_come_in_pages(local: Acting, owner: Browser) -> None:
    """
    Of an application and of a user, also behind a form of the page; an application's are searched.
    """
    report, _ = applications.create(local, NewApplication(name="report", type=ApplicationType.MACHINE_TO_MACHINE))
    given = [one.id for one in make(local, MACHINE, *(f"role {number}" for number in range(21)))]
    application_roles.assign(local, report.id, given)
    path = f"/console/applications/{report.id}"
    first, second = (await owner.open(path)).text, (await owner.open(f"{path}?page=2")).text
    assert (first.count("Take away role"), second.count("Take away role")) == (20, 1)
    found = (await owner.open(f"{path}?search=role+20")).text
    assert (found.count("Take away role"), "1 role with “<bdi>role 20</bdi>”" in found) == (1, True)
    assert "No role that it holds is called “<bdi>z z</bdi>”" in (await owner.open(f"{path}?search=z+z")).text
    made = await owner.send(f"{path}/secrets", name="another")
    assert f'href="{path}?page=2"' in made.text
    user = users.create(local, NewUser(username="ada"))
    roles_of_users = [one.id for one in make(local, RoleType.USER, *(f"{number}" for number in range(21)))]
    user_roles.assign(local, user.id, roles_of_users)
    assert (await owner.open(f"/console/users/{user.id}?page=2")).text.count("Take away role") == 1
