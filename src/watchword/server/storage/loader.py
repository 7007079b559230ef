"""
Entries, loaded in one reading transaction together with the tenant's change number.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

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


class Loaded(msgspec.Struct, frozen=True):
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

    def load(self, tenant_id: str, kind: Kind, keys: Sequence[str]) -> Sequence[Loaded]:
        """
        Load entries of a kind, in the order of their keys, or find that there are none.

        Raises:
            StorageUnavailable: The database can't be read.
        """
        # Nobody's key holds a NUL, and PostgreSQL takes none: it is looked for all the same, since that takes time.
        asked = [key.replace("\0", "\N{REPLACEMENT CHARACTER}") for key in keys]
        with self._database.read() as connection:
            number, server = number_of(connection, tenant_id), self._database.server_of(connection)
            found = self._entries(connection, tenant_id, kind, asked)
        return [Loaded(number, server, None if "\0" in key else found.get(key)) for key in keys]

    def _entries(
        self, connection: Connection, tenant_id: str, kind: Kind, keys: Sequence[str]
    ) -> Mapping[str, Entry | None]:
        match kind:
            case Kind.TENANT:
                return {key: entries.load_tenant(connection, key, self._keys) for key in keys}
            case Kind.APPLICATION:
                return entries.load_applications(connection, tenant_id, keys)
            case Kind.ROLE:
                return {key: entries.load_role(connection, tenant_id, key) for key in keys}
            case Kind.RESOURCE:
                return {key: entries.load_resource(connection, tenant_id, key) for key in keys}
