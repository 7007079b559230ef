"""
How a database stands, main tables and token log, and what makes it ready to be worked with.

Where all is as it should be, nothing is written and nobody is kept waiting.
"""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from watchword.server.storage import inspection, migrate, tenants, upkeep
from watchword.server.storage.database import Database, StorageUnavailable
from watchword.server.storage.migrate import SchemaError
from watchword.server.storage.transaction import Upkeep


class TokenLogMissing(StorageUnavailable):
    """
    The token log of an installation is not where it was. The text says what to do.
    """


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """
    What was found in a database.

    Attributes:
        schemas: Of both histories; None before there is one.
        installation: Its id, None before it has one.
        bound_to: The id of the installation that the token log belongs to.
    """

    schemas: Mapping[str, str | None]
    installation: str | None
    bound_to: str | None

    @property
    def lacks_token_log(self) -> bool:
        """
        Tell whether there was a token log, and is none: an installation has one from its beginning.
        """
        return self.installation is not None and self.bound_to is None


def look(database: Database) -> Standing:
    """
    See how a database stands.

    Raises:
        StorageUnavailable: It can't be read.
    """
    if not database.holds_anything():
        return Standing(schemas=dict.fromkeys(migrate.HEADS), installation=None, bound_to=None)
    has_token_log = database.holds_token_log()  # asked first: a connection has what was there when it was opened
    with database.read() as connection:
        main = migrate.version_of(connection)
        tokens = migrate.version_of(connection, "tokens") if has_token_log else None
        return Standing(
            schemas={"main": main, "tokens": tokens},
            installation=None if main is None else tenants.installation_id(connection),
            bound_to=None if tokens is None else inspection.token_log_installation_id(connection),
        )


def check_token_log(database: Database, standing: Standing) -> None:
    """
    Refuse a database whose token log is gone.

    Raises:
        TokenLogMissing: It is.
    """
    if standing.lacks_token_log:
        raise TokenLogMissing(
            f"the token log is missing: put {database.token_log_name} back; if it is lost for good, restart the "
            "server, which begins a new one"
        )


def check(database: Database, standing: Standing) -> None:
    """
    Refuse a database that is not ready to be worked with.

    Raises:
        SchemaError: It is behind, comes from a newer version, or has the token log of another installation.
        TokenLogMissing: Its token log is gone.
    """
    check_token_log(database, standing)
    for history, found in standing.schemas.items():
        migrate.check_version(found, history)
    if standing.installation not in {None, standing.bound_to}:
        raise _of_another(database)


def bring_up_to_date(database: Database, standing: Standing) -> Standing:
    """
    Run the migrations that a database lacks; return how it stands then.

    A token log that is gone is not begun anew: it may come back.

    Raises:
        SchemaError: The database comes from a newer version, with which this one can't work.
        TokenLogMissing: Its token log is gone.
        StorageUnavailable: It can't be written.
    """
    check_token_log(database, standing)
    behind = [history for history, found in standing.schemas.items() if migrate.is_behind(found, history)]
    if not behind:
        return standing
    if "main" in behind:
        with database.administer() as main:
            migrate.bring_up_to_date(main, "main")
    if "tokens" in behind:
        with database.administer(with_tokens=True) as main, database.administer_tokens(main) as tokens:
            migrate.bring_up_to_date(tokens, "tokens")
    return _look_anew(database)


def begin_token_log(database: Database) -> int | None:
    """
    Begin the token log of an installation anew, where it has none.

    Returns:
        How far the one before is known to have come; None where there was one after all.

    Raises:
        SchemaError: What is there of a token log comes from a newer version.
        StorageUnavailable: It can't be written.
    """
    with database.administer(with_tokens=True) as main:
        installation = tenants.installation_id(main)
        with database.administer_tokens(main) as tokens:
            migrate.bring_up_to_date(tokens, "tokens")
            begun_by = installation if tenants.token_log_installation_id(tokens) is None else None
            if begun_by is not None:
                tenants.set_token_log_installation_id(tokens, begun_by)
        # Outside of that: on PostgreSQL it is the same connection, which sees but the token log's tables there.
        lost = None if begun_by is None else upkeep.forget_token_log(Upkeep(main), begun_by)
    database.close()
    return lost


def found(database: Database, installation: str, now: datetime) -> None:
    """
    Give a new database its installation id, and bind its token log to it. Whoever does so first, counts.

    Raises:
        SchemaError: The token log is another installation's.
        StorageUnavailable: The database can't be written.
    """
    with database.administer(with_tokens=True) as main:
        if tenants.installation_id(main) is not None:
            return
        with database.administer_tokens(main) as tokens:
            bound_to = tenants.token_log_installation_id(tokens)
            if bound_to is None:
                tenants.set_token_log_installation_id(tokens, installation)
            elif tenants.token_log_holds_events(tokens):
                raise _of_another(database)
        # An `init` that was cut off may have bound the token log already: as long as it is empty, it is the one.
        tenants.set_installation_id(main, bound_to or installation, now)


def _look_anew(database: Database) -> Standing:
    database.close()  # a connection that was opened before the token log was there has not got it
    return look(database)


def _of_another(database: Database) -> SchemaError:
    return SchemaError(
        f"{database.token_log_name} belongs to another installation: put back the one that goes with this database"
    )
