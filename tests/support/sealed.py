"""
Logs for tests: records as the server writes them, sealed when the test says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.events import changed
from watchword.server.domain.names import Permission
from watchword.server.jobs import sealing
from watchword.server.storage import logs
from watchword.server.storage.token_records import Record
from watchword.server.storage.types import to_microseconds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from watchword.server.context import Context
    from watchword.server.domain.records import LogEntry
    from watchword.server.storage.log_filter import LogFilter
    from watchword.server.storage.rows import Listing, Page

LOCAL = Actor(kind=ActorKind.LOCAL)
KEY = "ExchangeTokenBy.ClientCredentials"


def add_tokens(ctx: Context, rows: Iterable[tuple[datetime, str, str | None]], *, tenant: str = "default") -> None:
    """
    Write records of tokens: when, key, application.
    """
    records = ctx.database.token_records()
    records.commit(
        [
            Record((tenant, key, application, None, f'{{"result":"Success","n":{n}}}', to_microseconds(at)), None)
            for n, (at, key, application) in enumerate(rows)
        ]
    )
    records.close()


def add_some_tokens(ctx: Context, count: int, *, age: timedelta = timedelta(0)) -> None:
    """
    Write so many records of tokens.
    """
    at = ctx.clock() - age
    add_tokens(ctx, [(at + timedelta(microseconds=n), KEY, f"app{n % 3}") for n in range(count)])


def add_changes(ctx: Context, count: int) -> None:
    """
    Write so many records of changes, a transaction each.
    """
    for n in range(count):
        with ctx.write("default", LOCAL, Permission.ALL) as tx:
            tx.record(changed("Role.Created", LOCAL, {"roleId": f"role{n}"}))


def seal(ctx: Context) -> None:
    """
    Seal all that is there.
    """
    while sealing.run_once(ctx, ctx.clock()):
        pass


def listing(ctx: Context, wanted: LogFilter, page: Page | None, count_up_to: int | None = None) -> Listing[LogEntry]:
    """
    List what a filter shows.
    """
    with ctx.read("default", LOCAL, Permission.ALL) as tx:
        return logs.listing(tx, wanted, page, count_up_to=count_up_to)
