"""
Row counts: whatever writes, they say what counting says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.support.home import ON_POSTGRESQL, settings_of
from tests.support.stored import drop_trigger, stored
from watchword.server.bootstrap import open_ground
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.domain.search import NO_SEARCH, parse_search
from watchword.server.operations import applications, role_applications, roles, user_roles, users
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.repair import restore_change_tracking
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser
from watchword.server.storage import counts, migrate
from watchword.server.storage.applications import ApplicationFilter
from watchword.server.storage.roles import RoleFilter
from watchword.server.storage.rows import Page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.shopping import Shopping
    from watchword.server.context import Context

STATEMENTS = {
    "nothing": "SELECT 1",
    "several inserted": "INSERT INTO users (tenant_id, id, custom_data, identities, created_at, updated_at, profile, "
    "is_suspended) SELECT tenant_id, name, '{}', '{}', 0, 0, '{}', false FROM scopes",
    "all deleted": "DELETE FROM applications",
    "some deleted, and what hangs on them": "DELETE FROM roles WHERE name = 'shopper'",
    "key changed": "UPDATE applications SET type = 'SPA'",
    "other column changed": "UPDATE applications SET name = 'x'",
    "hidden": "UPDATE roles SET name = '#internal:' || name WHERE name = 'shopper'",
    "shown": "UPDATE roles SET name = 'admin' WHERE name = '#internal:admin'",
    "no longer quite hidden": "UPDATE roles SET name = '#INTERNAL:x' WHERE name = '#internal:admin'",
    "links deleted": "DELETE FROM application_roles",
    "tenant deleted": "DELETE FROM tenants",
}


@pytest.mark.usefixtures("shopping")
@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_raw_statement_is_counted(ctx: Context, statement: str) -> None:
    """
    Raw SQL can't forget it, cascades neither.
    """
    with ctx.database.write() as connection:
        before = _counted(connection)
        connection.execute(sa.text(statement))
        assert counts.find_wrong(connection) == []
        assert before or statement == STATEMENTS["nothing"]


@ON_POSTGRESQL
@pytest.mark.usefixtures("shopping")
def test_truncated_table_counts_nothing(ctx: Context) -> None:
    """
    TRUNCATE fires no trigger of rows, and is counted all the same.
    """
    with ctx.database.write() as connection:
        connection.execute(sa.text("TRUNCATE applications CASCADE"))
        assert counts.find_wrong(connection) == []
        assert "application_roles" not in _counted(connection)


def test_lists_tell_the_counts(shopping: Shopping) -> None:
    """
    Totals of lists that nothing narrows, of one type, and of a role's holders.
    """
    applications.create(shopping.acting, NewApplication(name="page", type=ApplicationType.SPA))
    role = roles.create(shopping.acting, _people("customers"))
    page = Page(limit=1, offset=0)

    def total(wanted: ApplicationFilter) -> int:
        return applications.listing(shopping.acting, wanted, NO_SEARCH, page).total

    everything = applications.listing(shopping.acting, ApplicationFilter(), NO_SEARCH, None)
    machines = [one for one in everything.records if one.type is ApplicationType.MACHINE_TO_MACHINE]
    assert total(ApplicationFilter()) == len(everything.records)
    assert total(ApplicationFilter(types=[ApplicationType.SPA])) == len(everything.records) - len(machines) == 1
    assert total(ApplicationFilter(types=[ApplicationType.SAML])) == 0
    assert role_applications.listing(shopping.acting, shopping.role_id, NO_SEARCH, page).total == 1
    assert roles.listing(shopping.acting, RoleFilter(), NO_SEARCH, page)[0].total == 3
    assert roles.listing(shopping.acting, RoleFilter(type=RoleType.USER), NO_SEARCH, page)[0].total == 1
    assert role.type is RoleType.USER
    people = [users.create(shopping.acting, NewUser(username=name)) for name in ("ada", "grace", "mary")]
    for person in people[:2]:
        user_roles.assign(shopping.acting, person.id, [role.id])
    assert user_roles.holders(shopping.acting, role.id, NO_SEARCH, page).total == 2
    grace = parse_search({"search": ["%grace%"]}, ("username",))
    assert user_roles.holders(shopping.acting, role.id, grace, page).total == 1


def test_wrong_counts_are_found_and_mended(ctx: Context, shopping: Shopping) -> None:
    """
    `doctor --repair` counts anew what a database without triggers has not counted.
    """
    with ctx.database.write() as connection:
        connection.execute(sa.text("UPDATE row_counts SET number = number + 1 WHERE counted = 'roles'"))
        connection.execute(sa.text("DELETE FROM row_counts WHERE counted = 'applications'"))
    with open_ground(shopping.acting.ctx.settings) as ground:
        assert restore_change_tracking(ground) == ["count of applications", "count of roles"]
        assert counts.find_wrong(ground.connection) == []


def test_missing_counting_trigger_is_refused(home: Path) -> None:
    """
    As a missing change trigger is.
    """
    with stored(home) as opened, opened.write() as connection:
        drop_trigger(connection, "count_users_insert", "users")
    with pytest.raises(migrate.SchemaError, match="count_users_insert"), open_ground(settings_of(home)) as ground:
        migrate.check(ground.connection)


def _people(name: str) -> NewRole:
    return NewRole(name=name, description="People", type=RoleType.USER, scope_ids=[])


def _counted(connection: sa.Connection) -> dict[str, int]:
    rows = connection.execute(sa.text("SELECT counted, sum(number) FROM row_counts GROUP BY counted"))
    return {table: int(number) for table, number in rows}
