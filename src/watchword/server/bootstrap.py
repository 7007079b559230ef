"""
Putting the server together: `initialise` makes a home, `open_context` opens one.

The only place that reads the clock and the operating system's randomness.
"""

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial

from watchword.server.context import Context, RequestLog
from watchword.server.domain.clock import SteadyClock
from watchword.server.domain.ids import new_id
from watchword.server.domain.limits import Limits
from watchword.server.jobs import JOBS
from watchword.server.operations.installation import (
    FirstApplication,
    Ground,
    ensure_all_keys,
    record_new_token_log,
    set_up,
)
from watchword.server.settings import Settings
from watchword.server.storage import data_keys, master_key, migrate, settling, tenants, upkeep
from watchword.server.storage.administration import make_home
from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.audit.inspection import furthest_number
from watchword.server.storage.database import Connection, Database
from watchword.server.storage.databases import database_of
from watchword.server.storage.disk_space import DiskSpace
from watchword.server.storage.loader import Loader
from watchword.server.storage.master_key import MasterKeyError, MasterKeys
from watchword.server.storage.sealing import DataKeys
from watchword.server.storage.settling import Standing
from watchword.server.telemetry.board import Board
from watchword.server.telemetry.meters import Meters
from watchword.server.telemetry.tracing import Tracer
from watchword.server.tokens.directory import Directory
from watchword.server.tokens.token_log import TokenLog
from watchword.server.tokens.vitals import Vitals

_LOADS_AT_ONCE = 4
_log = logging.getLogger(__name__)


class NotInitialised(Exception):
    """
    The home holds no installation yet. The text says what to do.
    """


def now() -> datetime:
    """
    Return the time, an aware UTC datetime.
    """
    return datetime.now(UTC)


# Seconds since the machine was started, those included that it was suspended. They never go back.
uptime: Callable[[], float] = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def initialise(settings: Settings) -> FirstApplication:
    """
    Make what a home lacks of databases, keys and tenant; what is there stays as it is.

    Raises:
        MasterKeyError: A master key is wanted and missing, or it is another installation's.
        SchemaError: The database comes from a newer version.
        StorageUnavailable: The database can't be written, or its token log is missing.
    """
    with closing(database_of(settings)) as database:
        if _settle(database, settings, settling.look(database)).installation is None:
            settling.found(database, new_id(secrets.token_bytes), now())
        with _administer(database, settings, may_create=True) as ground:
            return set_up(ground)


def is_initialised(settings: Settings) -> bool:
    """
    Tell whether a home's database holds a tenant.
    """
    with closing(database_of(settings)) as database:
        return _holds_a_tenant(database)


def open_context(
    settings: Settings,
    request_log: RequestLog,
    *,
    begins_token_log: bool = False,
    board: Board | None = None,
    tracer: Tracer | None = None,
    own_url: str | None = None,
    origins: Mapping[str, str] | None = None,
) -> Context:
    """
    Open a home for serving.

    Args:
        begins_token_log: Whether to begin a new token log where the installation's own is gone, and say so.
        board: Where the workers of this server count; None where there is one process.
        tracer: What sends traces; None where nobody wants any.
        own_url: Where it will listen, as this machine reaches it; None where it will not.
        origins: Where settings came from, by name; what is not among them is the default.

    Raises:
        NotInitialised: There is nothing there yet.
        MasterKeyError: The master key is missing, foreign or readable by others.
        SchemaError: The database comes from a newer version, or lacks a trigger.
        StorageUnavailable: The database can't be opened, or its token log is missing.
    """
    database, keys = _open_database(settings, begins_token_log=begins_token_log)
    clock = SteadyClock(time.time, uptime)
    meters = Meters(board, jobs=[job.name for job in JOBS])
    token_log = TokenLog(
        database.token_records(), clock, uptime, room_for_refusals=_room_for_refusals(settings), meters=meters
    )
    vitals = Vitals(clock, database, token_log)
    vitals.compare_clocks()
    pool = ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="load")
    return Context(
        settings=settings,
        database=database,
        keys=keys,
        clock=clock,
        random=os.urandom,
        directory=Directory(
            database.looker(), Loader(database, keys), pool, uptime, settings.directory_entries, meters=meters
        ),
        token_log=token_log,
        limits=Limits(settings.refusals_per_minute),
        vitals=vitals,
        request_log=request_log,
        meters=meters,
        tracer=tracer,
        own_url=own_url,
        origins=origins or {},
    )


def _open_database(settings: Settings, *, begins_token_log: bool) -> tuple[Database, DataKeys]:
    database = database_of(settings)
    try:
        with _ground(database, settings, begins_token_log=begins_token_log) as ground:
            migrate.check(ground.connection)
            for tenant_id in tenants.tenant_ids(ground.connection):
                ensure_all_keys(ground, tenant_id)
        _warn_of_older_token_log(database)
    except BaseException:
        database.close()
        raise
    return database, ground.keys


def _room_for_refusals(settings: Settings) -> Callable[[], bool]:
    if settings.database_url is not None:
        return lambda: True  # PostgreSQL's disk is not ours to look at
    return DiskSpace(settings.token_database, settings.space_for_tokens_mib * 1024 * 1024).has_room


@contextmanager
def open_ground(settings: Settings) -> Iterator[Ground]:
    """
    Open a home for work on the installation itself, in one writing transaction on its main database.

    Raises:
        NotInitialised: There is nothing there yet.
        MasterKeyError: The master key is missing, foreign or readable by others.
        SchemaError: The database comes from a newer version.
        StorageUnavailable: The database can't be opened, or its token log is missing.
    """
    with closing(database_of(settings)) as database, _ground(database, settings) as ground:
        yield ground


@contextmanager
def open_logs(settings: Settings) -> Iterator[tuple[Database, DataKeys]]:
    """
    Open a home for reading its logs, beside any server. Nothing is made or changed.

    Raises:
        NotInitialised: There is nothing there yet.
        MasterKeyError: The master key is missing, foreign or readable by others.
        SchemaError: The database is behind, comes from a newer version, or has another installation's token log.
        StorageUnavailable: The database can't be opened, or its token log is missing.
    """
    with closing(database_of(settings)) as database:
        _demand_a_tenant(database, settings)
        settling.check(database, settling.look(database))
        with database.read() as connection:
            keys = _data_keys(connection, settings, may_create=False)
        yield database, keys


def _holds_a_tenant(database: Database) -> bool:
    if not database.holds_anything():
        return False
    with database.read() as connection:
        return tenants.holds_a_tenant(connection)


def _demand_a_tenant(database: Database, settings: Settings) -> None:
    if not _holds_a_tenant(database):
        raise NotInitialised(
            f"{settings.home} holds no installation: run `watchword init --home {settings.home} "
            f"--endpoint {settings.public_endpoint}`, or serve with `--init`"
        )


@contextmanager
def _ground(database: Database, settings: Settings, *, begins_token_log: bool = False) -> Iterator[Ground]:
    _demand_a_tenant(database, settings)
    standing, lost = settling.look(database), None
    if begins_token_log and standing.lacks_token_log:
        lost = _begin_token_log(database)
        standing = settling.look(database)
    _settle(database, settings, standing)
    with _administer(database, settings, may_create=False) as ground:
        if lost is not None:
            record_new_token_log(ground, lost)
        yield ground


def _begin_token_log(database: Database) -> int | None:
    """
    Begin the token log anew where it is still gone; return how far it is known to have come.
    """
    lost = settling.begin_token_log(database)
    if lost is not None:
        _log.warning("the token log was missing: a new one was begun", extra={"token_log": database.token_log_name})
    return lost


def _settle(database: Database, settings: Settings, standing: Standing) -> Standing:
    """
    See to it that both histories of the database are up to date, and of one installation; return how it stands then.
    """
    make_home(settings.home)
    if settings.auto_migrate:
        standing = settling.bring_up_to_date(database, standing)
    settling.check(database, standing)
    return standing


@contextmanager
def _administer(database: Database, settings: Settings, *, may_create: bool) -> Iterator[Ground]:
    """
    Open the data keys, in one writing transaction on the main database.
    """
    with database.administer() as connection:
        keys = _data_keys(connection, settings, may_create=may_create)
        yield Ground(connection=connection, keys=keys, settings=settings, clock=now, random=secrets.token_bytes)


def _warn_of_older_token_log(database: Database) -> None:
    with database.read() as connection:
        installation = tenants.installation_id(connection) or ""
        noted, furthest = upkeep.noted_number(connection, installation), furthest_number(connection, TOKENS)
    if furthest < noted:
        _log.warning(
            "the token log is older than it has been: an earlier copy was put back",
            extra={"newest": furthest, "noted": noted},
        )


def _data_keys(connection: Connection, settings: Settings, *, may_create: bool) -> DataKeys:
    master = master_key.load(settings)
    if data_keys.are_there(connection):
        return data_keys.unwrap(connection, master, master_key.source(settings))
    if not may_create:
        raise NotInitialised(f"{settings.home} was not initialised to the end: run `watchword init` again")
    return data_keys.create(connection, master or _new_master_key(settings))


def _new_master_key(settings: Settings) -> MasterKeys:
    if settings.master_key_file is not None:
        raise MasterKeyError(f"the master key file {settings.master_key_file} does not exist")
    return master_key.create(settings.key_file)
