"""
One entry, loaded in one reading transaction together with the tenant's change number.
"""

from enum import StrEnum

from watchword.server.domain.view import ApplicationEntry, ResourceEntry, RoleEntry, TenantEntry
from watchword.server.storage import entries
from watchword.server.storage.changes import number_of
from watchword.server.storage.database import Database
from watchword.server.storage.sealing import DataKeys

Entry = TenantEntry | ApplicationEntry | RoleEntry | ResourceEntry


class Kind(StrEnum):
    """
    Kinds of entry: those that `schema.WATCHED` names, resources by their indicator.
    """

    TENANT = "tenant"
    APPLICATION = "application"
    ROLE = "role"
    RESOURCE = "resource"


class Loader:
    """
    Loads entries for the directory, from any thread.
    """

    def __init__(self, database: Database, keys: DataKeys) -> None:
        self._database = database
        self._keys = keys

    def load(self, tenant_id: str, kind: Kind, key: str) -> tuple[int, Entry | None]:
        """
        Load an entry, or find that there is none.

        Returns:
            The tenant's change number at that moment, and the entry.

        Raises:
            StorageUnavailable: The database can't be read.
        """
        with self._database.read() as connection:
            number = number_of(connection, tenant_id)
            match kind:
                case Kind.TENANT:
                    return number, entries.load_tenant(connection, key, self._keys)
                case Kind.APPLICATION:
                    return number, entries.load_application(connection, tenant_id, key)
                case Kind.ROLE:
                    return number, entries.load_role(connection, tenant_id, key)
                case Kind.RESOURCE:
                    return number, entries.load_resource(connection, tenant_id, key)
