"""
The way through the pages of a list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from watchword.server.domain.names import RoleType
from watchword.server.operations import roles
from watchword.server.operations.roles import NewRole
from watchword.server.web.console.lists import A_PAGE

if TYPE_CHECKING:
    from tests.support.browser import Browser
    from watchword.server.operations.operation import Acting

WAYS = re.compile(r'<nav class="pages".*?</nav>', re.DOTALL)


@pytest.mark.parametrize(
    ("number", "ways"),
    [
        (1, ["Next 2", "Last 5"]),
        (2, ["Previous 1", "Next 3", "Last 5"]),
        (3, ["First 1", "Previous 2", "Next 4", "Last 5"]),
        (4, ["First 1", "Previous 3", "Next 5"]),
        (5, ["First 1", "Previous 4"]),
    ],
)
async def test_list_leads_to_its_ends_from_everywhere(
    local: Acting, owner: Browser, number: int, ways: list[str]
) -> None:
    """
    Each page is linked once, and what was asked for stays.
    """
    for role in range(4 * A_PAGE + 1):
        roles.create(local, NewRole(name=f"Role {role}", description="One of many", type=RoleType.USER))
    page = await owner.open(f"/console/roles?type=User&search=many&page={number}")
    found = WAYS.search(page.text)
    assert found is not None
    links = re.findall(r'href="/console/roles\?type=User&amp;search=many&amp;page=(\d)">(\w+)<', found[0])
    assert [f"{label} {to}" for to, label in links] == ways
    assert f"Page {number} of 5" in found[0]
