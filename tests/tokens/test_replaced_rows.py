"""
Rows that go because raw SQL puts others in their place, on SQLite: no trigger tells of their end.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.home import ON_SQLITE, settings_of
from tests.support.shopping import INDICATOR, ask_as_bot, claims_of
from watchword.protocol.errors import OAuthError
from watchword.server.bootstrap import open_context
from watchword.server.domain.names import DEFAULT_TENANT, RoleType
from watchword.server.operations import resources, roles
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.web.request_log import NoRequestLines

if TYPE_CHECKING:
    from tests.support.shopping import Shopping
    from watchword.server.context import Context

pytestmark = ON_SQLITE

OTHER_INDICATOR = "https://other.api"
STATEMENTS = {
    "an API under another indicator": "REPLACE INTO resources SELECT tenant_id, id, name, 'https://new.api', 0, "
    "access_token_ttl, signing_algorithm, created_at FROM resources WHERE indicator = :indicator",
    "another API as the default": "UPDATE OR REPLACE resources SET is_default = 1 WHERE indicator = :other",
    "a permission of another API": "REPLACE INTO scopes SELECT tenant_id, id, (SELECT id FROM resources "
    "WHERE indicator = :other), name, description, created_at FROM scopes WHERE name = 'read:products'",
    "a secret of another application": "REPLACE INTO application_secrets SELECT tenant_id, id, (SELECT id FROM "
    "applications WHERE name <> 'shop-bot'), 'moved', digest, masked_value, created_at, expires_at "
    "FROM application_secrets WHERE application_id = (SELECT id FROM applications WHERE name = 'shop-bot')",
    "a role of the same name": "REPLACE INTO roles SELECT tenant_id, 'new', name, description, type, is_default, "
    "built_in, created_at FROM roles WHERE name = 'shopper'",
    "a role that takes the name": "UPDATE OR REPLACE roles SET name = 'shopper' WHERE name = 'other'",
}


@pytest.fixture
def others(shopping: Shopping) -> None:
    """
    Make an API and a role beside those of the shop, whose API is the default.
    """
    resources.set_default(shopping.acting, shopping.resource_id, is_default=True)
    resources.create(shopping.acting, NewResource(name="Other", indicator=OTHER_INDICATOR))
    role = NewRole(name="other", description="Other", type=RoleType.MACHINE_TO_MACHINE, scope_ids=[])
    roles.create(shopping.acting, role)


async def answer_to(ctx: Context, shopping: Shopping) -> tuple[object, ...]:
    """
    Return what a token request comes to.
    """
    try:
        claims = claims_of(ctx, await ask_as_bot(ctx, shopping))
    except OAuthError as refusal:
        return (refusal.error,)
    return claims["aud"], claims.get("scope")


@pytest.mark.parametrize("cascades", [False, True], ids=["alone", "with what belongs to it"])
@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
async def test_row_that_another_one_replaces_counts_no_more(
    ctx: Context, shopping: Shopping, others: None, statement: str, cascades: bool
) -> None:
    """
    The next token is the one that a server that has just started would give.
    """
    granted = await answer_to(ctx, shopping)
    with closing(sqlite3.connect(ctx.settings.database)) as raw, raw:
        raw.execute(f"PRAGMA foreign_keys = {cascades}")
        raw.execute(statement, {"indicator": INDICATOR, "other": OTHER_INDICATOR})
    found = await answer_to(ctx, shopping)
    with closing(open_context(settings_of(ctx.settings.home), NoRequestLines())) as fresh:
        assert found == await answer_to(fresh, shopping)
    assert found != granted


def test_row_in_a_place_of_its_own_empties_nothing(ctx: Context, shopping: Shopping, others: None) -> None:
    """
    Ordinary changes are told one by one.
    """
    with closing(ctx.database.looker()) as looker:
        mark = looker.since(DEFAULT_TENANT, None).mark
        for name in ("third", "fourth"):
            resource = resources.create(shopping.acting, NewResource(name=name, indicator=f"https://{name}.api"))
            resources.set_default(shopping.acting, resource.id, is_default=True)
        assert looker.since(DEFAULT_TENANT, mark).keys
