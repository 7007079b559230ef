"""
Database files that are moved, deleted or replaced under a server that has them open.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.home import ON_SQLITE, settings_of
from tests.support.shopping import Shopping, ask_as_bot
from tests.support.stored import count_token_records
from watchword.protocol.errors import TemporarilyUnavailable
from watchword.server.bootstrap import initialise
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.names import DEFAULT_TENANT, ApplicationType
from watchword.server.operations import applications
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.operation import Acting
from watchword.server.storage.database import StorageUnavailable
from watchword.server.storage.sqlite import stored_file, token_records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.server.context import Context

pytestmark = ON_SQLITE


@pytest.fixture(autouse=True)
def _looks_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Look at the files at every turn: nobody waits for the second to pass.
    """
    monkeypatch.setattr(stored_file, "_LOOKS_AGAIN_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(token_records, "_REOPENS_AFTER_SECONDS", 0.0)


LOST = "the file was moved, deleted or exchanged"


def files(ctx: Context, name: str) -> list[Path]:
    """
    Return a database with what SQLite keeps beside it.
    """
    return sorted(ctx.settings.home.glob(f"{name}.db*"))


def move(paths: Iterable[Path], folder: Path) -> None:
    """
    Move files into a folder.
    """
    folder.mkdir(exist_ok=True)
    for path in paths:
        path.rename(folder / path.name)


def create(ctx: Context, name: str) -> str:
    """
    Make an application.
    """
    acting = Acting(ctx=ctx, tenant_id=DEFAULT_TENANT, actor=Actor(kind=ActorKind.LOCAL))
    return applications.create(acting, NewApplication(name=name, type=ApplicationType.MACHINE_TO_MACHINE))[0].id


async def refused(ctx: Context, shopping: Shopping) -> str:
    """
    Demand that a token request is refused for now; return why.
    """
    with pytest.raises(TemporarilyUnavailable) as caught:
        await ask_as_bot(ctx, shopping)
    assert (caught.value.status, caught.value.retry_after) == (503, 1)
    return str(caught.value.detail)


async def test_token_log_that_is_moved_away_and_put_back(ctx: Context, shopping: Shopping, tmp_path: Path) -> None:
    """
    No token while it is away, no new file in its place; tokens flow again, and no record is missing, once it is back.
    """
    await ask_as_bot(ctx, shopping)
    move(files(ctx, "tokens"), tmp_path / "away")
    assert await refused(ctx, shopping) == LOST
    assert await refused(ctx, shopping) == "unable to open database file"
    assert files(ctx, "tokens") == []
    with pytest.raises(StorageUnavailable):
        count_token_records(ctx.database)
    move((tmp_path / "away").iterdir(), ctx.settings.home)
    await ask_as_bot(ctx, shopping)
    assert count_token_records(ctx.database) == 2


async def test_token_log_that_is_replaced_by_a_copy(ctx: Context, shopping: Shopping, tmp_path: Path) -> None:
    """
    Records go into the file that is there now, and the log shows them.
    """
    await ask_as_bot(ctx, shopping)
    away = tmp_path / "away"
    move(files(ctx, "tokens"), away)
    for path in away.iterdir():
        shutil.copy(path, ctx.settings.home / path.name)
    assert await refused(ctx, shopping) == LOST
    await ask_as_bot(ctx, shopping)
    assert count_token_records(ctx.database) == 2


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
async def test_what_sqlite_keeps_beside_the_token_log_is_deleted(
    ctx: Context, shopping: Shopping, tmp_path: Path, suffix: str
) -> None:
    """
    No record is lost with it, and what is committed from then on is in files that are there.
    """
    await ask_as_bot(ctx, shopping)
    count_token_records(ctx.database)  # a reader has them open as well
    ctx.settings.token_database.with_name(f"tokens.db{suffix}").unlink()
    assert await refused(ctx, shopping) == LOST
    ctx.database.close_lost()
    await ask_as_bot(ctx, shopping)
    for path in files(ctx, "tokens"):
        shutil.copy(path, tmp_path)
    with closing(stored_file.open_existing(tmp_path / "tokens.db")) as copy:
        assert copy.execute("SELECT count(*) FROM token_events").fetchone() == (2,)


async def test_token_log_of_another_installation_is_refused(ctx: Context, shopping: Shopping, tmp_path: Path) -> None:
    """
    Nobody's records end in somebody else's log.
    """
    await ask_as_bot(ctx, shopping)
    initialise(settings_of(tmp_path / "other"))
    move(files(ctx, "tokens"), tmp_path / "away")
    shutil.copy(tmp_path / "other" / "tokens.db", ctx.settings.token_database)
    assert await refused(ctx, shopping) == LOST
    assert await refused(ctx, shopping) == "tokens.db belongs to another installation"
    ctx.settings.token_database.unlink()
    move((tmp_path / "away").iterdir(), ctx.settings.home)
    await ask_as_bot(ctx, shopping)


@pytest.mark.parametrize("content", [b"", b"nothing that SQLite has written" * 500], ids=["empty", "garbage"])
async def test_token_log_that_is_no_database(ctx: Context, shopping: Shopping, tmp_path: Path, content: bytes) -> None:
    """
    It is refused for as long as it is there.
    """
    await ask_as_bot(ctx, shopping)
    move(files(ctx, "tokens"), tmp_path / "away")
    ctx.settings.token_database.write_bytes(content)
    assert await refused(ctx, shopping) == LOST
    for _ in range(2):
        assert await refused(ctx, shopping) in {"no such table: installation", "file is not a database"}
    for path in files(ctx, "tokens"):
        path.unlink()
    move((tmp_path / "away").iterdir(), ctx.settings.home)
    await ask_as_bot(ctx, shopping)
    assert count_token_records(ctx.database) == 2


async def test_main_database_that_is_moved_away_and_put_back(ctx: Context, shopping: Shopping, tmp_path: Path) -> None:
    """
    Nothing is granted from memory, nothing changed in a file that nobody sees, and no new file is made in its place.
    """
    await ask_as_bot(ctx, shopping)
    move(files(ctx, "watchword"), tmp_path / "away")
    await refused(ctx, shopping)
    with pytest.raises(StorageUnavailable):
        create(ctx, "lost")
    assert files(ctx, "watchword") == []
    move((tmp_path / "away").iterdir(), ctx.settings.home)
    await ask_as_bot(ctx, shopping)
    create(ctx, "kept")


async def test_main_database_that_is_replaced_by_an_older_one(ctx: Context, shopping: Shopping, tmp_path: Path) -> None:
    """
    What is true is what the file says that is there now: an application that it does not know gets no token.
    """
    copy = tmp_path / "copy"
    copy.mkdir()
    create(ctx, "before")
    for path in files(ctx, "watchword"):
        shutil.copy(path, copy / path.name)
    later = create(ctx, "later")
    await ask_as_bot(ctx, shopping)
    move(files(ctx, "watchword"), tmp_path / "away")
    move(copy.iterdir(), ctx.settings.home)
    await ask_as_bot(ctx, shopping)
    with ctx.database.read() as connection:
        names = set(connection.exec_driver_sql("SELECT name FROM applications").scalars())
        ids = set(connection.exec_driver_sql("SELECT id FROM applications").scalars())
    assert "before" in names
    assert later not in ids


async def test_connections_to_files_that_are_gone_are_closed(ctx: Context, shopping: Shopping, tmp_path: Path) -> None:
    """
    Nothing holds on to a file that was deleted: its disk space is free again.
    """
    await ask_as_bot(ctx, shopping)
    count_token_records(ctx.database)
    away = tmp_path / "away"
    move([*files(ctx, "tokens"), *files(ctx, "watchword")], away)
    for path in away.iterdir():
        shutil.copy(path, ctx.settings.home / path.name)
    ctx.database.close_lost()
    await refused(ctx, shopping)
    assert [path for path in opened_files() if path.parent == away] == []


def opened_files() -> list[Path]:
    """
    Return what this process has open.
    """
    return [path.resolve() for path in Path("/proc/self/fd").iterdir()]
