"""
The directory: remembered between requests, and never stale.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from tests.support.shopping import Shopping, ask_as_bot
from tests.support.watched_loader import WatchedLoader
from watchword.protocol.errors import InvalidClient, InvalidTarget
from watchword.server.bootstrap import uptime
from watchword.server.domain.names import DEFAULT_TENANT
from watchword.server.operations import application_roles, resources, role_scopes, roles, scopes, secrets
from watchword.server.operations.resources import NewResource
from watchword.server.storage import triggers
from watchword.server.storage.changes import MOST_ROWS, Changes, Mark
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.loader import Kind
from watchword.server.tokens.directory import Directory
from watchword.server.tokens.remembered import MOST_ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from watchword.server.context import Context
    from watchword.server.domain.view import View

BOTH = "read:products write:products"
_RENAME = sa.text("UPDATE applications SET name = :name WHERE id = :id")


@pytest.fixture
def loader(ctx: Context) -> WatchedLoader:
    """
    Make a loader that counts.
    """
    return WatchedLoader(ctx)


@pytest.fixture
def directory(ctx: Context, loader: WatchedLoader) -> Iterator[Directory]:
    """
    Make a directory of its own over the same database.
    """
    made = Directory(ctx.database.looker(), loader, ThreadPoolExecutor(4), uptime, 100)
    yield made
    loader.gate.set()
    made.close()


async def name_of(directory: Directory, application_id: str) -> str | None:
    """
    Ask the directory for an application's name.
    """

    def read(view: View) -> str | None:
        application = view.application(application_id)
        return None if application is None else application.name

    return await directory.decide(DEFAULT_TENANT, read)


def rename(ctx: Context, application_id: str, name: str) -> None:
    """
    Change an application behind everybody's back.
    """
    with ctx.database.write() as connection:
        connection.execute(_RENAME, {"name": name, "id": application_id})


async def test_entry_is_loaded_once(directory: Directory, loader: WatchedLoader, shopping: Shopping) -> None:
    """
    As long as nothing changes, nothing is read again.
    """
    for _ in range(5):
        assert await name_of(directory, shopping.application_id) == "shop-bot"
    assert loader.loads == [(Kind.APPLICATION, shopping.application_id)]


async def test_change_by_raw_sql_is_seen_at_once(
    ctx: Context, directory: Directory, loader: WatchedLoader, shopping: Shopping
) -> None:
    """
    The triggers tell, whoever writes; and only what changed is loaded anew.
    """
    other = ctx.settings.endpoint  # an id that nobody has
    await name_of(directory, shopping.application_id)
    await name_of(directory, other)
    rename(ctx, shopping.application_id, "renamed")
    assert await name_of(directory, shopping.application_id) == "renamed"
    await name_of(directory, other)
    assert len(loader.loads) == 3


async def test_concurrent_requests_share_a_load(
    directory: Directory, loader: WatchedLoader, shopping: Shopping
) -> None:
    """
    Single flight: twenty requests for an entry that is not there yet load it once.
    """
    names = await asyncio.gather(*(name_of(directory, shopping.application_id) for _ in range(20)))
    assert set(names) == {"shop-bot"}
    assert len(loader.loads) == 1


async def test_load_under_way_is_not_used_by_later_requests(
    ctx: Context, directory: Directory, loader: WatchedLoader, shopping: Shopping
) -> None:
    """
    A request that arrives after a change was answered must not get what was read before it, whoever began the load.
    """
    loader.gate.clear()
    early = asyncio.ensure_future(name_of(directory, shopping.application_id))
    await asyncio.to_thread(loader.began.wait, 10)
    rename(ctx, shopping.application_id, "renamed")
    late = asyncio.ensure_future(name_of(directory, shopping.application_id))
    await asyncio.sleep(0)
    loader.gate.set()
    assert await late == "renamed"
    assert await early in {"shop-bot", "renamed"}
    assert await name_of(directory, shopping.application_id) == "renamed"


async def test_moments_are_never_mixed(ctx: Context, directory: Directory, shopping: Shopping) -> None:
    """
    A decision that would read one thing before a change and another after it is made anew.
    """
    second = resources.create(shopping.acting, NewResource(name="second", indicator="https://second.api"))
    has_changed = False

    def read_both(view: View) -> tuple[str, str]:
        nonlocal has_changed
        one = view.resource("https://shopping.api")
        if not has_changed:
            has_changed = True
            with ctx.database.write() as connection:
                connection.execute(sa.text("UPDATE resources SET name = name || '!'"))
        other = view.resource("https://second.api")
        assert one is not None
        assert other is not None
        return one.name, other.name

    assert await directory.decide(DEFAULT_TENANT, read_both) == ("Online Shopping!", second.name + "!")
    assert has_changed


async def test_what_is_missing_is_loaded_for_the_decision_that_needs_it(ctx: Context, shopping: Shopping) -> None:
    """
    A decision ends well where nothing may be remembered beyond it: what it needs stays with it until it is made.
    """
    directory = Directory(ctx.database.looker(), WatchedLoader(ctx), ThreadPoolExecutor(4), uptime, 0)

    def read(view: View) -> tuple[str, ...]:
        application = view.application(shopping.application_id)
        assert application is not None
        resource = view.resource("https://shopping.api")
        assert resource is not None
        return (application.name, resource.name, *[role.name for role in view.roles(application)])

    try:
        first, second = [await directory.decide(DEFAULT_TENANT, read) for _ in range(2)]
    finally:
        directory.close()
    assert first == second
    assert first[:2] == ("shop-bot", "Online Shopping")
    assert len(first) == 3


async def test_another_history_empties_everything(
    ctx: Context, directory: Directory, loader: WatchedLoader, shopping: Shopping
) -> None:
    """
    Where the newest known change is not the one that was seen (a restore, a promoted standby), nothing is believed.
    """
    await name_of(directory, shopping.application_id)
    with ctx.database.write() as connection:
        triggers.drop_all(connection)
        connection.exec_driver_sql("UPDATE applications SET name = 'of another history'")
        connection.exec_driver_sql("UPDATE changes SET nonce = 'other'")
    assert await name_of(directory, shopping.application_id) == "of another history"


async def test_gap_empties_everything(
    ctx: Context, directory: Directory, loader: WatchedLoader, shopping: Shopping
) -> None:
    """
    A process that slept through pruning believes nothing that it remembers.
    """
    await name_of(directory, shopping.application_id)
    with ctx.database.write() as connection:
        connection.exec_driver_sql("UPDATE applications SET name = 'changed' || name")
        connection.exec_driver_sql("DELETE FROM changes WHERE number < (SELECT max(number) FROM changes)")
        connection.exec_driver_sql("DELETE FROM changes WHERE kind = 'application' AND number < 0")
    await name_of(directory, shopping.application_id)
    assert await name_of(directory, shopping.application_id) == "changedshop-bot"


async def test_emptied_history_stops_nobody(
    ctx: Context, directory: Directory, loader: WatchedLoader, shopping: Shopping
) -> None:
    """
    Where all changes were deleted, by hand say, nothing is believed, and requests go on being answered.
    """
    await name_of(directory, shopping.application_id)
    with ctx.database.write() as connection:
        connection.exec_driver_sql("UPDATE applications SET name = 'changed'")
        connection.exec_driver_sql("DELETE FROM changes")
    assert await name_of(directory, shopping.application_id) == "changed"
    rename(ctx, shopping.application_id, "again")
    assert await name_of(directory, shopping.application_id) == "again"


async def test_more_changes_than_a_look_reads_empty_everything(
    ctx: Context, directory: Directory, shopping: Shopping
) -> None:
    """
    However much has changed at once, a look takes a moment: beyond a bound all is forgotten, and nothing is stale.
    """
    assert await name_of(directory, shopping.application_id) == "shop-bot"
    with closing(ctx.database.looker()) as looker:
        mark = looker.since(DEFAULT_TENANT, None).mark
        with ctx.database.write() as connection:
            connection.execute(_RENAME, [{"name": "", "id": shopping.application_id}] * (MOST_ROWS - 1))
        told = looker.since(DEFAULT_TENANT, mark).keys
        assert told == [("application", shopping.application_id)] * (MOST_ROWS - 1)
        rename(ctx, shopping.application_id, "last")
        found = looker.since(DEFAULT_TENANT, mark)
        assert found.keys is None
        assert found.mark.number == mark.number + MOST_ROWS
        assert looker.since(DEFAULT_TENANT, found.mark) == Changes(found.mark, (), found.server)
    assert await name_of(directory, shopping.application_id) == "last"


async def test_unknown_ids_are_remembered_within_bounds(directory: Directory, loader: WatchedLoader) -> None:
    """
    Callers choose these strings: however many they try, memory stays bounded.
    """
    await name_of(directory, "nobody")
    shelf = directory._tenants[DEFAULT_TENANT].remembered.shelves[Kind.APPLICATION]
    for number in range(40):
        await name_of(directory, f"nobody{number}")
    assert len(shelf.absent) == 41
    assert MOST_ABSENT <= 100_000


async def test_unreadable_database_is_no_answer(
    ctx: Context, directory: Directory, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without a look nothing is granted from memory.
    """
    await name_of(directory, shopping.application_id)

    def fail(_tenant_id: str, _mark: object) -> None:
        raise StorageUnavailable("away")

    monkeypatch.setattr(directory._looker, "since", fail)
    with pytest.raises(StorageUnavailable):
        await name_of(directory, shopping.application_id)


CHANGES: list[tuple[str, Callable[[Shopping], object], str]] = [
    (
        "scope taken from the role",
        lambda s: role_scopes.remove(s.acting, s.role_id, s.scope_ids["write:products"]),
        "read:products",
    ),
    ("scope deleted", lambda s: scopes.delete(s.acting, s.resource_id, s.scope_ids["read:products"]), "write:products"),
    (
        "scope renamed",
        lambda s: scopes.update(s.acting, s.resource_id, s.scope_ids["read:products"], {"name": "see:products"}),
        "write:products",
    ),
    (
        "role taken from the application",
        lambda s: application_roles.remove(s.acting, s.application_id, s.role_id),
        "",
    ),
    ("role deleted", lambda s: roles.delete(s.acting, s.role_id), ""),
]


@pytest.mark.parametrize(("change", "left"), [pytest.param(c, left, id=name) for name, c, left in CHANGES])
async def test_answered_change_is_in_the_next_token(
    ctx: Context, shopping: Shopping, change: Callable[[Shopping], object], left: str
) -> None:
    """
    Never a stale grant.
    """
    assert (await ask_as_bot(ctx, shopping)).scope == BOTH
    change(shopping)
    assert (await ask_as_bot(ctx, shopping)).scope == left


async def test_deleted_secret_ends_at_once(ctx: Context, shopping: Shopping) -> None:
    """
    The next request with it is refused.
    """
    await ask_as_bot(ctx, shopping)
    secrets.delete(shopping.acting, shopping.application_id, "Default secret")
    with pytest.raises(InvalidClient):
        await ask_as_bot(ctx, shopping)


async def test_resource_appears_and_vanishes_at_once(ctx: Context, shopping: Shopping) -> None:
    """
    That an indicator is unknown is forgotten as soon as it is created, that it is known as soon as it is deleted.
    """
    with pytest.raises(InvalidTarget):
        await ask_as_bot(ctx, shopping, resource="https://new.api")
    made = resources.create(shopping.acting, NewResource(name="new", indicator="https://new.api"))
    await ask_as_bot(ctx, shopping, resource="https://new.api")
    resources.delete(shopping.acting, made.id)
    with pytest.raises(InvalidTarget):
        await ask_as_bot(ctx, shopping, resource="https://new.api")


async def test_default_resource_takes_effect_at_once(ctx: Context, shopping: Shopping) -> None:
    """
    A request without `resource` goes to the default once there is one.
    """
    with pytest.raises(InvalidTarget, match="both `resource` and `organization_id` are not provided"):
        await ask_as_bot(ctx, shopping, resource="")
    resources.set_default(shopping.acting, shopping.resource_id, is_default=True)
    assert (await ask_as_bot(ctx, shopping, resource="")).scope == BOTH


async def test_thousand_requests_cost_one_look_each_at_most(
    ctx: Context, shopping: Shopping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    In the steady state a token request runs no query but one look, and its share of the log's insert.
    """
    statements: list[str] = []
    looks: list[str] = []
    await ask_as_bot(ctx, shopping)
    directory = ctx.directory
    assert isinstance(directory, Directory)
    since = directory._looker.since

    def counted(tenant_id: str, mark: Mark | None) -> Changes:
        looks.append(tenant_id)
        return since(tenant_id, mark)

    monkeypatch.setattr(directory._looker, "since", counted)
    engine = ctx.database._reader  # type: ignore[attr-defined]
    sa.event.listen(engine, "before_cursor_execute", lambda *args: statements.append(str(args[2])))
    for _ in range(1000):
        await ask_as_bot(ctx, shopping)
    assert len(looks) == 1000
    assert statements == []
