"""
What a request is handed: everything it needs, passed and never global.

The token path's parts appear here as the protocols that `tokens` fulfils; `bootstrap` puts them in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from watchword.protocol.errors import OAuthError
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.domain.client_auth import Seen
from watchword.server.domain.decision import RememberingView
from watchword.server.domain.events import Event, Origin
from watchword.server.domain.health import Check
from watchword.server.domain.ids import RandomBytes
from watchword.server.domain.limits import Limits
from watchword.server.domain.management import check_permission
from watchword.server.domain.names import Permission, management_indicator
from watchword.server.domain.operators import check_invitation, check_operator
from watchword.server.domain.view import Moment, TenantEntry
from watchword.server.settings import Settings
from watchword.server.storage import entries, operators
from watchword.server.storage.database import Connection, Database
from watchword.server.storage.sealing import DataKeys
from watchword.server.storage.transaction import Transaction, Upkeep
from watchword.server.telemetry.meters import Meters
from watchword.server.telemetry.tracing import Tracer

D = TypeVar("D")
Made = TypeVar("Made")


class Directory(Protocol):
    """
    What is true now, for decisions about tokens.
    """

    async def decide(self, tenant_id: str, decision: Callable[[RememberingView], D]) -> D:
        """
        Run a decision over one moment that is not older than this call.
        """

    def last_known_tenant(self, tenant_id: str) -> TenantEntry | None:
        """
        Return a tenant as it was when it was last read: for what must be answered while the database is away.
        """

    def close(self) -> None:
        """
        Close connections.
        """


class TokenLog(Protocol):
    """
    The durable record of tokens.
    """

    async def append(
        self,
        tenant_id: str,
        event: Event,
        now: datetime | None = None,
        *,
        moment: Moment | None = None,
        used_secret: tuple[str, str] | None = None,
        meanwhile: Callable[[], Made],
    ) -> Made:
        """
        Return what was made while the record was written, once it is durable.
        """

    async def refuse(
        self, tenant_id: str, seen: Seen, refusal: OAuthError, *, came_from: Origin, limits: Limits
    ) -> OAuthError:
        """
        Record or count a refusal, and return what to answer.
        """

    def close(self) -> None:
        """
        Finish what is under way and stop.
        """


class Vitals(Protocol):
    """
    What a process knows of its own state.
    """

    @property
    def time_fault(self) -> str | None:
        """
        Why the time is not to be believed; None where it is.
        """

    def demand_time(self) -> None:
        """
        Refuse to go on where the time is not to be believed.
        """

    def look_after(self) -> None:
        """
        Do what is due; to be called each second.
        """

    def note_reading(self, fault: str | None) -> None:
        """
        Tell it how reading the database has just fared; None is well.
        """

    def note_writing(self) -> AbstractContextManager[None]:
        """
        See how the writing transaction inside fares.
        """

    def checks(self) -> Sequence[Check]:
        """
        Say how things stand.
        """


class RequestLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """
    What is said of one request. It fills while the request is answered.

    Attributes:
        path: As it may be shown.
        status: 499 where the client hung up.
        detail: Why it was refused, beyond what the caller is told.
        trace_id: The trace that it belongs to (W3C Trace Context), where there is one.
        ms: How long it took.
    """

    time: datetime
    event: str
    request_id: str
    method: str
    path: str
    ip: str | None
    status: int = 0
    client_id: str | None = None
    error: str | None = None
    detail: str | None = None
    trace_id: str | None = None
    ms: float = 0.0


class RequestLog(Protocol):
    """
    One line a request.
    """

    def write(self, line: RequestLine) -> None:
        """
        Write a line, soon.
        """

    def close(self) -> None:
        """
        Write what is left.
        """


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """
    The server's parts, put together once.

    Attributes:
        clock: Returns the time, an aware UTC datetime.
        random: Returns so many random bytes.
        limits: Judges what was refused.
        tracer: None where no traces are sent.
        own_url: Where this very server listens, as its machine reaches it, e.g. `http://127.0.0.1:3001`: behind a proxy
            the public endpoint is another one. None where it listens on no socket.
        origins: Where settings came from, by name; what is not among them is the default.
    """

    settings: Settings
    database: Database
    keys: DataKeys
    clock: Callable[[], datetime]
    random: RandomBytes
    directory: Directory
    token_log: TokenLog
    limits: Limits
    vitals: Vitals
    request_log: RequestLog
    meters: Meters
    tracer: Tracer | None = None
    own_url: str | None = None
    origins: Mapping[str, str] = msgspec.field(default_factory=dict)

    @contextmanager
    def read(self, tenant_id: str, actor: Actor, permission: Permission) -> Iterator[Transaction]:
        """
        Open a reading transaction for an actor that has a permission at this very moment.

        Raises:
            Problem: The actor is gone, or lacks the permission.
            StorageUnavailable: The database can't be read.
        """
        with self.database.read() as connection:
            yield self._begin(connection, tenant_id, actor, permission, is_write=False)

    @contextmanager
    def write(self, tenant_id: str, actor: Actor, permission: Permission) -> Iterator[Transaction]:
        """
        Open a writing transaction for an actor that has a permission at this very moment. It must record what it does.

        Raises:
            Problem: The actor is gone, or lacks the permission.
            StorageUnavailable: The database can't be written.
        """
        with self.vitals.note_writing(), self.database.write(tenant_id) as connection:
            tx = self._begin(connection, tenant_id, actor, permission, is_write=True)
            yield tx
            if not tx.recorded and not tx.unchanged:
                raise AssertionError("a writing transaction ends without an event")

    def close(self) -> None:
        """
        Finish what is under way, and close files and connections.
        """
        self.token_log.close()
        self.directory.close()
        self.database.close()
        if self.tracer is not None:
            self.tracer.close()
        self.meters.close()
        self.request_log.close()

    @contextmanager
    def upkeep(self, *, of_tokens: bool = False) -> Iterator[Upkeep]:
        """
        Open a transaction for a job: it writes no tenant's rows and records no event.

        Args:
            of_tokens: Whether it writes where the token path writes, instead of the main tables.
        """
        if of_tokens:
            with self.database.write_tokens() as connection:
                yield Upkeep(connection)
            return
        with self.vitals.note_writing(), self.database.write() as connection:
            yield Upkeep(connection)

    def _begin(
        self, connection: Connection, tenant_id: str, actor: Actor, permission: Permission, *, is_write: bool
    ) -> Transaction:
        if actor.kind is ActorKind.OPERATOR:
            check_operator(operators.load(connection, tenant_id, actor.id), permission, is_write=is_write)
        elif actor.kind is ActorKind.INVITATION:
            check_invitation(operators.load_link(connection, tenant_id, actor.id), permission, self.clock())
        elif actor.needs_authority:
            application = entries.load_application(connection, tenant_id, actor.id)
            role_ids = () if application is None else application.role_ids
            roles = [entries.load_role(connection, tenant_id, role_id) for role_id in role_ids]
            resource = entries.load_resource(connection, tenant_id, management_indicator(tenant_id))
            check_permission(actor, permission, application, filter(None, roles), resource)
        return Transaction(connection, tenant_id, actor, self.keys, self.settings, self.clock, self.random)
