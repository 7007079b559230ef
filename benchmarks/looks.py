"""
What a look costs on each database, and how much another tenant's writer slows token requests down.

PostgreSQL is measured where this machine has its programs, on a server of its own.

The writer's changes go to a database of their own, too, on the same server where there is one: that takes as much of
the machine, so what is between the two is what sharing a database costs.
"""

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

# Run by its path, it finds the other modules of this folder where its folder is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.pinned_server import choose_cores, running_on
from benchmarks.postgres_server import new_folder, start_postgres, versions
from watchword.server.bootstrap import initialise, open_context
from watchword.server.context import Context
from watchword.server.domain.names import DEFAULT_TENANT
from watchword.server.domain.view import View
from watchword.server.settings import Settings, resolve
from watchword.server.storage.databases import database_of
from watchword.server.web.request_log import NoRequestLines

LOOKS = 3_000
SECONDS = 3.0
ROUNDS = 5
CHANGES_A_SECOND = 200


def main(arguments: Sequence[str] | None = None) -> None:
    """
    Measure SQLite, and PostgreSQL where it can be had.
    """
    argparse.ArgumentParser(prog="looks.py", description="Measure what a look costs.").parse_args(arguments)
    _measure("SQLite", None, None)
    if not versions():
        print("not measured: PostgreSQL, which this machine has not got")
        return
    with (
        new_folder() as folder,
        start_postgres(folder / "postgres") as server,
        server.new_database() as url,
        server.new_database() as beside,
    ):
        _measure("PostgreSQL", url, beside)


def _measure(name: str, url: str | None, beside: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings, stranger = _make(Path(folder, "home"), url), _make(Path(folder, "beside"), beside)
        with closing(open_context(settings, NoRequestLines())) as ctx:
            print(f"{name}: {_looks(ctx)}; {_neighbour(ctx, stranger)}")


def _make(home: Path, database_url: str | None) -> Settings:
    settings = resolve({"home": home, "database_url": database_url}, {}).settings
    initialise(settings)
    return settings


def _looks(ctx: Context) -> str:
    with closing(ctx.database.looker()) as looker:
        mark = looker.since(DEFAULT_TENANT, None).mark
        took = []
        for _ in range(LOOKS):
            began = time.perf_counter()
            looker.since(DEFAULT_TENANT, mark)
            took.append((time.perf_counter() - began) * 1e6)
    return (
        f"a look takes {statistics.median(took):.0f} µs, nine of ten at most {statistics.quantiles(took, n=10)[8]:.0f}"
    )


def _neighbour(ctx: Context, stranger: Settings) -> str:
    """
    Compare: nobody writes; a process writes to another database, which tells what the machine takes; to this one.
    """
    for settings in (ctx.settings, stranger):
        with closing(database_of(settings)) as database, database.write() as connection:
            connection.exec_driver_sql(
                "INSERT INTO tenants (id, signing_algorithm, created_at) VALUES ('b', 'ES256', 0)"
            )
    # Turn and turn about, so that whatever else the machine does meets all.
    beside_stranger: list[float] = []
    beside_neighbour: list[float] = []
    for _ in range(ROUNDS):
        with running_on(choose_cores().server):
            quiet = asyncio.run(_decisions(ctx))
        for settings, ratios in ((stranger, beside_stranger), (ctx.settings, beside_neighbour)):
            with _writing(settings):
                ratios.append(asyncio.run(_decisions(ctx)) / quiet)
    return (
        f"beside {CHANGES_A_SECOND} changes a second of another tenant, "
        f"{statistics.median(beside_neighbour):.2f} of the decisions without, "
        f"and {statistics.median(beside_stranger):.2f} where these changes go to a database of their own"
    )


async def _decisions(ctx: Context) -> float:
    def decide(view: View) -> object:
        return view.tenant()

    count, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < SECONDS:
        await asyncio.gather(*(ctx.directory.decide(DEFAULT_TENANT, decide) for _ in range(16)))
        count += 16
    return count / took


@contextmanager
def _writing(settings: Settings) -> Iterator[None]:
    # Another process, as another node would be: what is measured is what its changes cost this one. It has a core of
    # its own, since what it takes of this one's is no matter of the database.
    cores = choose_cores()
    spawn = multiprocessing.get_context("spawn")
    began, stop = spawn.Event(), spawn.Event()
    writer = spawn.Process(target=_write, args=(settings, began, stop, cores.load))
    writer.start()
    began.wait()
    try:
        with running_on(cores.server):
            yield
    finally:
        stop.set()
        writer.join()


def _write(settings: Settings, begun: Event, stop: Event, core: int) -> None:
    with running_on(core), closing(database_of(settings)) as database:
        number, began = 0, time.perf_counter()
        while not stop.is_set():
            number += 1
            with database.write("b") as connection:
                connection.exec_driver_sql("UPDATE tenants SET created_at = created_at + 1 WHERE id = 'b'")
            begun.set()
            stop.wait(max(0.0, began + number / CHANGES_A_SECOND - time.perf_counter()))


if __name__ == "__main__":
    main()
