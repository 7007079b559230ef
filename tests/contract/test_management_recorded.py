"""
The Management API's recorded exchanges, and the contract's error rows beside them: one named row each.

The rows are written down in `recordings/`, a file for each family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.recordings import recorded

if TYPE_CHECKING:
    from tests.support.exchange import Exchange, World

FAMILIES = [
    "applications",
    "application-secrets",
    "application-roles",
    "resources",
    "roles",
    "role-relations",
    "users",
    "user-roles",
    "common",
]


@pytest.mark.parametrize(
    "exchange",
    [pytest.param(*row.values, id=f"{family}: {row.id}") for family in FAMILIES for row in recorded(family)],
)
def test_exchange_is_as_recorded(world: World, exchange: Exchange) -> None:
    """
    The answer is the recorded one: status, members and their order; ids and times may differ.
    """
    world.play(exchange)
