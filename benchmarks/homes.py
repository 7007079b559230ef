"""
Owns what is seeded: homes with many applications, kept in a folder for the next run, and their databases.

What stays in the folder is never served as it is where that would make it grow: a run starts with an empty log, on
SQLite by a fresh `tokens.db`, on PostgreSQL by a copy of the database.
"""

from __future__ import annotations

import json
import os
import shutil
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.load_generator import Post
from benchmarks.pinned_server import Cores, free_port, running_on
from benchmarks.postgres_server import PostgresError, PostgresServer, binaries, configure, initialise_cluster, versions
from benchmarks.rows import Row
from benchmarks.watchword_under_test import (
    Installation,
    SetupError,
    find_executable,
    initialise,
    run_command,
    token_post,
)

PERMISSIONS = ("read:things", "write:things")
HOT = 1_000
_FRESH_LOG = "fresh-tokens.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """
    A home with many applications, and the requests that draw from the hot ones, and from all.
    """

    installation: Installation
    hot: Post
    everybody: Post

    def served_by(self, workers: int) -> Installation:
        """
        Give the installation as so many workers serve it, on a port of its own.
        """
        return replace(self.installation, workers=workers, port=free_port())

    def post_of(self, row: Row) -> Post:
        """
        Give the request that a row sends.
        """
        post = self.everybody if row.from_all else self.hot
        return post.on_connections_of_its_own() if row.tls else post


class Homes:
    """
    The homes of one run, each seeded when it is first asked for.

    Args:
        folder: Where they are kept.
        server: PostgreSQL, where a row wants it.
    """

    def __init__(self, folder: Path, server: PostgresServer | None) -> None:
        self._folder = folder
        self._server = server
        self._ready: dict[tuple[bool, int], Seeded] = {}

    def of(self, row: Row) -> Seeded:
        """
        Give the home that a row serves, its log empty when it is given for the first time.

        Raises:
            SetupError: It could not be made.
        """
        which = (row.postgresql, row.applications)
        if which not in self._ready:
            self._ready[which] = self._on_postgresql(row) if row.postgresql else self._on_sqlite(row)
        return self._ready[which]

    def _on_sqlite(self, row: Row) -> Seeded:
        folder = self._folder / f"sqlite-{row.applications}"
        if not folder.exists():
            with _new(folder) as unfinished:
                _seed(unfinished, row.applications, None)
                shutil.copyfile(unfinished / "home" / "tokens.db", unfinished / _FRESH_LOG)
        for old in (folder / "home").glob("tokens.db*"):
            old.unlink()
        shutil.copyfile(folder / _FRESH_LOG, folder / "home" / "tokens.db")
        return _open(folder, None)

    def _on_postgresql(self, row: Row) -> Seeded:
        assert self._server is not None  # noqa: S101 - whoever has such a row has started it
        name = f"seeded_{row.applications}"
        folder = self._server.data.parent / name
        if not folder.exists():
            self._server.execute(f"DROP DATABASE IF EXISTS {name}")
            self._server.execute(f"CREATE DATABASE {name}")
            with _new(folder) as unfinished:
                _seed(unfinished, row.applications, self._server.url(name))
        served = f"served_{row.applications}"
        self._server.execute(f"DROP DATABASE IF EXISTS {served}")
        self._server.execute(f"CREATE DATABASE {served} TEMPLATE {name}")
        return _open(folder, self._server.url(served))


@contextmanager
def kept_postgres(folder: Path, cores: Cores) -> Iterator[PostgresServer]:
    """
    Run the PostgreSQL of the folder, made when it is not there, on its cores and with its settings as they come.

    Raises:
        SetupError: Its user may not enter the folder.
        PostgresError: There is none on this machine, or it does not run.
    """
    [version] = [version for version, path in versions().items() if path == binaries()]
    home = folder / f"postgresql-{version}"
    if not home.exists():
        _check_that_everybody_may_enter(folder)
        with _new(home) as unfinished:
            unfinished.rmdir()  # it makes its own, and gives it to its own user
            initialise_cluster(unfinished)
    server = PostgresServer(binaries(), home / "data", free_port())
    configure(server, port=str(server.port))
    if (server.data / "postmaster.pid").exists():  # a run that was killed has left it, and maybe its server
        with suppress(PostgresError):
            server.stop("fast")
    with running_on(*cores.of_database):
        server.start()
    try:
        yield server
    finally:
        server.stop("fast")


def _check_that_everybody_may_enter(folder: Path) -> None:
    if os.geteuid() != 0:
        return
    closed = [path for path in (folder, *folder.parents) if not path.stat().st_mode & 0o001]
    if closed:
        raise SetupError(
            f"PostgreSQL does not run as root, and its user may not enter {closed[-1]}: name another folder by --cache"
        )


@contextmanager
def _new(folder: Path) -> Iterator[Path]:
    """
    Fill a folder beside, and give it its name when all is there: what was cut off is made anew.
    """
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    yield unfinished
    unfinished.rename(folder)


def _seed(folder: Path, number: int, database_url: str | None) -> None:
    installation = initialise(find_executable(), folder / "home", database_url)
    words = ["--home", str(installation.home), "--applications", str(number), "--secrets", str(folder / "secrets")]
    command = [installation.executable, "dev", "seed", *words, "--yes", "--json"]
    told = json.loads(run_command(command, installation.environment))
    lines = [line.partition(":") for line in (folder / "secrets").read_text().splitlines()]
    headers = ["Basic " + b64encode(f"{one}:{secret}".encode()).decode() for one, _, secret in lines]
    _write(folder / "hot", "\n".join(headers[:HOT]) + "\n")
    _write(folder / "everybody", "\n".join(headers) + "\n")
    made = {
        "management_resource": installation.management_resource,
        "application_id": installation.application_id,
        "application_secret": installation.application_secret,
        "indicator": told["resources"][0],
        "first": [lines[0][0], lines[0][2]],
    }
    _write(folder / "made.json", json.dumps(made))


def _open(folder: Path, database_url: str | None) -> Seeded:
    made = json.loads((folder / "made.json").read_text())
    post = token_post(*made.pop("first"), resource=made.pop("indicator"), scope=" ".join(PERMISSIONS))
    home = folder / "home"
    installation = Installation(
        executable=find_executable(), home=home, port=free_port(), database_url=database_url, **made
    )
    return Seeded(
        installation=installation,
        hot=replace(post, drawn=folder / "hot"),
        everybody=replace(post, drawn=folder / "everybody"),
    )


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
