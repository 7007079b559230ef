"""
One entry, loaded in one reading transaction together with the tenant's change number.
"""

from dataclasses import dataclass
from enum import StrEnum

from watchword.server.domain.view import ApplicationEntry, ResourceEntry, RoleEntry, TenantEntry
from watchword.server.storage import entries
from watchword.server.storage.changes import number_of
from watchword.server.storage.database import Connection, Database
from watchword.server.storage.sealing import DataKeys

Entry = TenantEntry | ApplicationEntry | RoleEntry | ResourceEntry


class Kind(StrEnum):
    """
    Kinds of entry: those that `watched.WATCHED` names, resources by their indicator.
    """

    TENANT = "tenant"
    APPLICATION = "application"
    ROLE = "role"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Loaded:
    """
    What a load found.

    Attributes:
        number: The tenant's change number at that moment.
        server: Which run of the database server answered.
        entry: None where there is no such thing.
    """

    number: int
    server: str
    entry: Entry | None


class Loader:
    """
    Loads entries for the directory, from any thread.
    """

    def __init__(self, database: Database, keys: DataKeys) -> None:
        self._database = database
        self._keys = keys

    def load(self, tenant_id: str, kind: Kind, key: str) -> Loaded:
        """
        Load an entry, or find that there is none.

        Raises:
            StorageUnavailable: The database can't be read.
        """
        with self._database.read() as connection:
            number, server = number_of(connection, tenant_id), self._database.server_of(connection)
            if "\0" not in key:
                return Loaded(number, server, self._entry(connection, tenant_id, kind, key))
            # Nobody's key holds a NUL, and PostgreSQL takes none: it is looked for all the same, since that takes time.
            self._entry(connection, tenant_id, kind, key.replace("\0", "\N{REPLACEMENT CHARACTER}"))
            return Loaded(number, server, None)

    def _entry(self, connection: Connection, tenant_id: str, kind: Kind, key: str) -> Entry | None:
        match kind:
            case Kind.TENANT:
                return entries.load_tenant(connection, key, self._keys)
            case Kind.APPLICATION:
                return entries.load_application(connection, tenant_id, key)
            case Kind.ROLE:
                return entries.load_role(connection, tenant_id, key)
            case Kind.RESOURCE:
                return entries.load_resource(connection, tenant_id, key)
