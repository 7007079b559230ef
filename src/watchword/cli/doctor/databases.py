"""
The databases: whole, of the right version, of one installation, opened by the master key, and telling of every change.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

from watchword.cli.clock import utc_now
from watchword.cli.doctor.finding import Finding, fine, wrong
from watchword.server.bootstrap import open_ground
from watchword.server.domain.clock import DatabaseTime
from watchword.server.operations.repair import confirm_time, find_amiss, restore_change_tracking
from watchword.server.settings import Settings
from watchword.server.storage import data_keys, inspection, master_key, migrate, search_index, tenants
from watchword.server.storage.database import Connection, Database, StorageUnavailable
from watchword.server.storage.database_time import database_time
from watchword.server.storage.databases import database_of
from watchword.server.storage.master_key import MasterKeyError

_CLOCKS_APART = timedelta(minutes=1)


def check_databases(settings: Settings, *, repair: bool) -> Iterator[Finding]:
    """
    Check both databases, and put change tracking back where it is lacking and that is wanted.
    """
    files = [] if settings.database_url is not None else [settings.database, settings.token_database]
    missing = [path for path in files if not path.exists()]
    if missing:
        yield wrong(
            "database", f"there is no {missing[0]}: restore it from a backup, or run `watchword init` for a new home"
        )
        return
    try:
        with closing(database_of(settings)) as database:
            found = [_check_history(database, history) for history in migrate.HEADS]
            yield from found
            if all(finding.ok for finding in found):
                yield from _check_contents(database, settings, repair=repair)
    except StorageUnavailable as error:
        yield wrong("database", f"it can't be read: {error}: see that the files are yours, or restore a backup")


def _check_history(database: Database, history: str) -> Finding:
    where = database.name if history == "main" else database.token_log_name
    with database.read() as connection:
        faults = inspection.find_faults(connection, history)
        version = migrate.version_of(connection, None if history == "main" else history)
    head = migrate.HEADS[history]
    if faults:
        return wrong("database", f"{where} is damaged ({'; '.join(faults)}): stop the server and restore a backup")
    if version is None:
        return wrong("database", f"{where} holds nothing: run `watchword init` to the end, or restore a backup")
    if version == head:
        return fine("database", f"{where} is whole, schema {version}")
    try:
        if migrate.is_newer(version, history):
            return fine(
                "database", f"{where} is whole, schema {version}, of a newer version, which this one works with"
            )
    except migrate.SchemaError:
        what = "run the newer version that wrote it"
    else:
        what = "run `watchword db migrate`"
    return wrong("database", f"{where} has schema {version}, this version works with {head}: {what}")


def _check_contents(database: Database, settings: Settings, *, repair: bool) -> Iterator[Finding]:
    with database.read() as connection:
        tenant_ids = tenants.tenant_ids(connection)
        if not tenant_ids:
            yield wrong("installation", f"{database.name} holds no tenant: run `watchword init` to the end")
            return
        yield _check_installation(connection, database)
        yield _check_master_key(connection, settings)
        newest, told = inspection.newest_event_at(connection), database_time(connection)
        yield _check_search(connection)
        amiss = find_amiss(connection, tenant_ids)
    yield _check_clock(settings, newest, told, repair=repair)
    yield _check_tracking(settings, amiss, repair=repair)


def _check_installation(connection: Connection, database: Database) -> Finding:
    ours, theirs = tenants.installation_id(connection), inspection.token_log_installation_id(connection)
    if ours == theirs:
        return fine("installation", f"{ours}, of both databases")
    return wrong(
        "installation",
        f"{database.token_log_name} is of installation {theirs}, {database.name} of {ours}: "
        "put the two back that belong together",
    )


def _check_master_key(main: Connection, settings: Settings) -> Finding:
    try:
        master = master_key.load(settings)
        data_keys.unwrap(main, master, master_key.source(settings))
    except MasterKeyError as error:
        return wrong("master key", str(error))
    wrapping = ", ".join(sorted(data_keys.wrapping_ids(main)))
    if master is not None and master.wrapping[0] != wrapping:
        text = f"line {wrapping} wraps, the last one, {master.wrapping[0]}, does not yet"
        return wrong("master key", f"{text}: run `watchword master-key rotate`")
    return fine("master key", f"opens this database, line {wrapping}")


def _check_clock(settings: Settings, newest: datetime | None, told: DatabaseTime | None, *, repair: bool) -> Finding:
    now = utc_now()
    known = [moment for moment in (newest, None if told is None else told.time) if moment is not None]
    ahead = max((moment - now for moment in known), default=timedelta(0))
    if ahead <= _CLOCKS_APART:
        return fine("clock", f"{now:%Y-%m-%d %H:%M:%S}Z, after all records")
    found = f"the newest record is {ahead.total_seconds():.0f} s ahead of it"
    if not repair:
        return wrong(
            "clock", f"{found}: set it right; if it is right and the record is wrong, run `watchword doctor --repair`"
        )
    with open_ground(settings) as ground:
        confirm_time(ground)
    return fine("clock", f"{found}, and taken for right from now on: servers issue tokens by it")


def _check_search(connection: Connection) -> Finding:
    if search_index.is_possible(connection):
        return fine("search", "goes over trigram indexes")
    what = "the extension pg_trgm" if connection.dialect.name == "postgresql" else "SQLite 3.34 with FTS5"
    return fine(
        "search", f"reads every record, slow where they are many: with {what}, `watchword doctor --repair` helps"
    )


def _check_tracking(settings: Settings, amiss: list[str], *, repair: bool) -> Finding:
    if not amiss:
        return fine("change tracking", "every change is told to all running servers, and counted")
    if not repair:
        return wrong(
            "change tracking",
            f"missing or altered: {', '.join(amiss)}: a right that is taken away could live on, or a list be wrong: "
            "run `watchword doctor --repair`",
        )
    with open_ground(settings) as ground:
        restore_change_tracking(ground)
    return fine(
        "change tracking",
        f"put back: {', '.join(amiss)}; running servers read everything anew. Tokens issued meanwhile may carry rights "
        "that were taken away, until they expire",
    )
