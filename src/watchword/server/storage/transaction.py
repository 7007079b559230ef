"""
A transaction as operations see it: bound to one tenant, and recording what it does.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from watchword.server.domain.actors import Actor
from watchword.server.domain.events import Event
from watchword.server.domain.ids import RandomBytes, new_id
from watchword.server.settings import Settings
from watchword.server.storage import schema
from watchword.server.storage.sealing import DataKeys


class Transaction(msgspec.Struct):
    """
    A reading or writing transaction of one tenant.

    Attributes:
        actor: Who acts.
        recorded: How many events it has recorded; a writing one that ends with none is a programming error.
    """

    connection: sa.Connection
    tenant_id: str
    actor: Actor
    keys: DataKeys
    settings: Settings
    clock: Callable[[], datetime]
    random: RandomBytes
    recorded: int = 0
    unchanged: bool = False

    def now(self) -> datetime:
        """
        Return the time, an aware UTC datetime.
        """
        return self.clock()

    def new_id(self, length: int = 21) -> str:
        """
        Return a fresh id.
        """
        return new_id(self.random, length)

    def record(self, event: Event) -> None:
        """
        Write an audit row, in this very transaction.
        """
        self.connection.execute(
            schema.audit_events.insert().values(
                tenant_id=self.tenant_id,
                id=self.new_id(),
                key=event.key,
                application_id=event.application_id,
                user_id=event.user_id,
                payload=event.payload,
                created_at=self.now(),
            )
        )
        self.recorded += 1

    def leave_unchanged(self) -> None:
        """
        State that there was nothing to do, so that there is nothing to record.
        """
        self.unchanged = True


class Upkeep(msgspec.Struct, frozen=True):
    """
    A transaction that may write only the tables that the schema marks for upkeep, and drop records of the logs.
    """

    connection: sa.Connection

    def execute(
        self, statement: sa.Insert | sa.Update | sa.Delete, rows: Sequence[Mapping[str, object]] | None = None
    ) -> int:
        """
        Run a statement; return how many rows it touched.

        Args:
            rows: Parameters, to run it once for each of them.

        Raises:
            ValueError: Its table is not marked for upkeep.
        """
        name = getattr(statement.table, "name", "")
        may_delete = name in schema.UPKEEP_DELETES and isinstance(statement, sa.Delete)
        if name not in schema.UPKEEP and not may_delete:
            raise ValueError(f"the table {name} is not for upkeep")
        return self.connection.execute(statement, rows).rowcount
