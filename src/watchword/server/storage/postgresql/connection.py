"""
How a connection to the server is opened, and what it promises.
"""

from functools import partial
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from watchword.server.storage.database import StorageUnavailable

# What holds where the URL says nothing else: always the primary, and a server that is gone is noticed in seconds.
_DEFAULTS = {
    "application_name": "watchword",
    "connect_timeout": "5",
    "target_session_attrs": "read-write",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
LOCK_TIMEOUT_MS = 5_000
_IDLE_IN_TRANSACTION_MS = 10_000
_PROMISES = (
    # A commit that was answered survives a power cut, whatever this server does by default.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    f"SET lock_timeout = {LOCK_TIMEOUT_MS}",
    # A node that freezes with a lock in its hands must not hold up the others for longer.
    f"SET idle_in_transaction_session_timeout = {_IDLE_IN_TRANSACTION_MS}",
)
# Which run of which server this is: behind a pooler or a floating address a connection alone does not tell.
THIS_SERVER = "(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint::text"

_Found = TypeVar("_Found")
# The function of the server that waits for a standby: its warnings come in whatever language.
_WAITS_FOR_STANDBY = "SyncRepWaitForLSN"


class Link(psycopg.Connection):
    """
    A connection whose errors say nothing of rows, and which notices a commit that no standby has confirmed.

    With synchronous replication that happens when a `statement_timeout` or an administrator cancels the wait: the
    server warns, and answers as if all was well.
    """

    is_unconfirmed = False

    def take_unconfirmed(self) -> bool:
        """
        Tell whether it happened since this was last asked.
        """
        happened, self.is_unconfirmed = self.is_unconfirmed, False
        return happened

    def wait(self, gen: PQGen[_Found], *how: Any, **more: Any) -> _Found:  # noqa: ANN401 - as the driver has it
        """
        Wait for the server, whatever was asked of it.

        Raises:
            psycopg.Error: With the server's message alone: its details are the values of the row, digests included.
        """
        try:
            return super().wait(gen, *how, **more)
        except psycopg.Error as error:
            if error.diag.message_primary is not None:
                error.args = (error.diag.message_primary,)
            raise


def connect(url: str) -> Link:
    """
    Open a connection in autocommit mode.

    Args:
        url: As libpq reads it (`postgresql://…`); it may name several hosts.

    Raises:
        psycopg.Error: It can't be opened.
        StorageUnavailable: The URL can't be read.
    """
    connection = Link.connect(make_conninfo(**{**_DEFAULTS, **_given(url)}), autocommit=True)
    connection.add_notice_handler(partial(_note, connection))
    try:
        for promise in _PROMISES:
            connection.execute(promise).close()
    except psycopg.Error:
        connection.close()
        raise
    return connection


def _note(connection: Link, notice: psycopg.errors.Diagnostic) -> None:
    if notice.source_function == _WAITS_FOR_STANDBY:
        connection.is_unconfirmed = True


UNCONFIRMED = "the commit was cut short while it waited for its standby"


def shown(url: str) -> str:
    """
    Return what may be shown of a URL: where it leads, and never a password.
    """
    parts = _given(url)
    where = f"{parts.get('host', 'localhost')}:{parts.get('port', '5432')}/{parts.get('dbname', '')}"
    return f"postgresql://{where}"


def _given(url: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        # What the library says of it quotes it whole, password and all.
        raise StorageUnavailable("database_url is not a URL that PostgreSQL's own library can read") from None
