"""
`watchword db`: the database's schema, and moving an installation from one database to the other.
"""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from watchword.cli.build import new_group
from watchword.cli.options import AsJson, Home

if TYPE_CHECKING:
    from watchword.server.settings import Settings
    from watchword.server.storage.copying import Copied

db = new_group("The database: its schema, and copying it from SQLite to PostgreSQL or back.")


class Kind(StrEnum):
    """
    The two databases of a home.
    """

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@db.command()
def status(*, home: Home = None, as_json: AsJson = False) -> None:
    """
    Show which database it is, its schema, and what a migration would do. Nothing is changed.
    """
    from watchword.cli.failures import Failure
    from watchword.cli.output import emit_json, say, show_members, show_table
    from watchword.server.settings import resolve
    from watchword.server.storage.administration import database_status

    settings = resolve({"home": home}).settings
    found = database_status(settings)
    if found is None:
        raise Failure(f"{settings.home} holds no database yet: run `watchword init`, or `watchword db migrate`")
    if as_json:
        histories = {
            one.name: {"schema": one.found, "known": one.known, "pending": one.pending} for one in found.histories
        }
        emit_json({"database": found.name, "histories": histories, "missing_triggers": found.missing_triggers})
        return
    show_members({"database": found.name, "change triggers": ", ".join(found.missing_triggers) or "all in place"})
    show_table(
        ["HISTORY", "SCHEMA", "THIS VERSION", "TO DO"],
        [[one.name, one.found or "none", one.known, ", ".join(one.pending) or "nothing"] for one in found.histories],
    )
    if any(one.pending for one in found.histories):
        say("`watchword db migrate` brings it up to date.")


@db.command()
def migrate(*, home: Home = None, as_json: AsJson = False) -> None:
    """
    Bring the schema up to date. Servers of the version before may run meanwhile, and go on.
    """
    from watchword.cli.output import emit_json, say
    from watchword.server.settings import resolve
    from watchword.server.storage.administration import bring_up_to_date

    name, versions = bring_up_to_date(resolve({"home": home}).settings)
    if as_json:
        emit_json({"database": name, "schema": versions})
    say(f"{name} is up to date: {', '.join(f'{history} {version}' for history, version in versions.items())}.")


@db.command()
def copy(
    *,
    to: Annotated[Kind, typer.Option(help="Where to: `postgresql`, which `database_url` names, or the home's SQLite.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """
    Copy everything from the home's SQLite files to the PostgreSQL of `database_url`, or back; the target is empty.

    Stop the servers of the source first: what they write meanwhile is not copied. The master key stays the same.
    """
    from watchword.cli.output import emit_json, say
    from watchword.server.settings import resolve
    from watchword.server.storage.administration import copy_database

    settings = resolve({"home": home}).settings
    _check_named(settings)
    copied = copy_database(settings, to_postgresql=to is Kind.POSTGRESQL, report=_tell)
    if as_json:
        emit_json([{"table": one.table, "rows": one.rows, "digest": one.digest} for one in copied])
    say(f"Copied {sum(one.rows for one in copied)} rows; counts and digests agree. {_what_next(settings, to)}")


def _tell(one: "Copied") -> None:
    from watchword.cli.output import say

    say(f"{one.table}: {one.rows} rows, digest {one.digest[:16]}")


def _check_named(settings: "Settings") -> None:
    from watchword.cli.failures import MISUSED, Failure

    if settings.database_url is None:
        raise Failure(
            "database_url names no PostgreSQL database: set it, in WATCHWORD_DATABASE_URL or in "
            f"{settings.file}, for the copy; the home's SQLite files are the other end",
            code=MISUSED,
        )


def _what_next(settings: "Settings", to: Kind) -> str:
    if to is Kind.POSTGRESQL:
        return f"Keep database_url set, then start the servers; {settings.database} is no longer used."
    return "Take database_url out of the settings, then start the server."
