"""
What is done to a database as a whole: look at its schema, bring it up to date, copy it. It wants no master key.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from watchword.server.settings import Settings
from watchword.server.storage import copying, migrate, settling
from watchword.server.storage.databases import database_of
from watchword.server.storage.migrate import DatabaseStatus


def bring_up_to_date(settings: Settings) -> tuple[str, dict[str, str]]:
    """
    Bring a database's schema up to date, whatever `auto_migrate` says; return its name, and each history's version.

    It needs no master key, and makes an empty database ready for `initialise`.

    Raises:
        SchemaError: The database comes from a newer version.
        StorageUnavailable: The database can't be written, or its token log is missing.
    """
    make_home(settings.home)
    with closing(database_of(settings)) as database:
        standing = settling.bring_up_to_date(database, settling.look(database))
        return database.name, {history: found or "" for history, found in standing.schemas.items()}


def database_status(settings: Settings) -> DatabaseStatus | None:
    """
    Look at a database's schema and change it in nothing; None where there is no database.

    Raises:
        SchemaError: The database comes from a newer version, with which this one can't work.
        StorageUnavailable: The database can't be read, or its token log is missing.
    """
    with closing(database_of(settings)) as database:
        if not database.holds_anything():
            return None
        standing = settling.look(database)
        settling.check_token_log(database, standing)
        with database.read() as connection:
            return migrate.status_of(connection, database.name, standing.schemas)


def copy_database(
    settings: Settings, *, to_postgresql: bool, report: Callable[[copying.Copied], None]
) -> list[copying.Copied]:
    """
    Copy all from the home's SQLite files to the PostgreSQL database of its settings, or back.

    Raises:
        CopyError: There is nothing to copy, the target is not empty, or the copy differs.
        SchemaError: One of them comes from a newer version, or the source's token log is another installation's.
        StorageUnavailable: One of them can't be used, or the source's token log is missing.
    """
    files = database_of(settings.model_copy(update={"database_url": None}))
    with closing(files), closing(database_of(settings)) as server:
        source, target = (files, server) if to_postgresql else (server, files)
        if not source.holds_anything():
            raise copying.CopyError(f"there is no {source.name}: there is nothing to copy")
        return copying.copy_installation(source, target, report)


def make_home(home: Path) -> None:
    """
    Make the home, for its owner alone. A folder that holds something already keeps its mode.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(home.iterdir()):
        home.chmod(0o700)
