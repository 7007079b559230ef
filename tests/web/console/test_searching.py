"""
The box that looks everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.operations import applications, resources, roles, users
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser

if TYPE_CHECKING:
    from tests.support.browser import Browser
    from watchword.server.operations.operation import Acting


async def test_everything_is_found_by_a_part_of_its_name(local: Acting, owner: Browser) -> None:
    """
    With the way to each, and to all of a kind where there are more than a few.
    """
    bots = [NewApplication(name=f"shop bot {one}", type=ApplicationType.MACHINE_TO_MACHINE) for one in range(6)]
    made = {applications.create(local, bot)[0].id for bot in bots}
    role = roles.create(local, NewRole(name="SHOP reader", description="x", type=RoleType.USER))
    user = users.create(local, NewUser(name="Shop keeper"))
    resource = resources.create(local, NewResource(name="Orders", indicator="https://shop.example"))
    page = (await owner.open("/console/search?words=shop")).text
    assert f'href="/console/resources/{resource.id}"' in page
    assert set(re.findall(r'href="/console/applications/(\w+)"', page)) < made
    assert f'href="/console/roles/{role.id}"' in page
    assert f'href="/console/users/{user.id}"' in page
    assert 'href="/console/applications?search=shop">All 6 applications' in page
    assert page.count("shop bot") == 5


async def test_words_are_taken_as_they_are(local: Acting, owner: Browser) -> None:
    """
    No sign of theirs means anything, and an id finds its thing.
    """
    application, _ = applications.create(local, NewApplication(name="100% fine", type=ApplicationType.SPA))
    applications.create(local, NewApplication(name="100 and more", type=ApplicationType.SPA))
    page = (await owner.open("/console/search?words=100%25")).text
    assert "100% fine" in page
    assert "100 and more" not in page
    assert "100% fine" in (await owner.open(f"/console/search?words={application.id}")).text
    assert "Nothing has it in its name" in (await owner.open("/console/search?words=_____________")).text
    assert "Type a part of a name" in (await owner.open("/console/search?words=+")).text
