"""
The domain's view, read within one transaction: for what must be judged as a token request is, and is none.
"""

from collections.abc import Sequence
from functools import cache

from watchword.server.domain.view import ApplicationEntry, Moment, ResourceEntry, RoleEntry, TenantEntry
from watchword.server.storage import entries
from watchword.server.storage.transaction import Transaction

_MOST_AT_ONCE = 1_000


class TransactionView:
    """
    What is true at the moment of a transaction. Each thing is read once.
    """

    def __init__(self, tx: Transaction) -> None:
        connection, tenant_id = tx.connection, tx.tenant_id
        self._tx = tx
        self._applications: dict[str, ApplicationEntry] = {}
        self._roles: dict[str, RoleEntry] = {}
        self._tenant = cache(lambda: entries.load_tenant(connection, tenant_id, tx.keys))
        self._application = cache(
            lambda key: self._applications.get(key) or entries.load_application(connection, tenant_id, key)
        )
        self._role = cache(lambda key: self._roles.get(key) or entries.load_role(connection, tenant_id, key))
        self._resource = cache(lambda key: entries.load_resource(connection, tenant_id, key))

    @property
    def moment(self) -> Moment:
        """
        None that a token could be granted by.
        """
        raise AssertionError("nothing is granted here")

    def read_ahead(self, application_ids: Sequence[str]) -> None:
        """
        Read applications and all of their roles, many at once: as many queries as for one.
        """
        connection, tenant_id = self._tx.connection, self._tx.tenant_id
        for first in range(0, len(application_ids), _MOST_AT_ONCE):
            some = application_ids[first : first + _MOST_AT_ONCE]
            self._applications |= entries.load_applications(connection, tenant_id, some)
            self._roles |= entries.load_roles_held(connection, tenant_id, some)

    def tenant(self) -> TenantEntry:
        """
        Return the tenant.
        """
        tenant = self._tenant()
        assert tenant is not None  # noqa: S101 - the transaction is bound to it
        return tenant

    def application(self, application_id: str) -> ApplicationEntry | None:
        """
        Return an application, or None.
        """
        return self._application(application_id)

    def miss_application(self, application_id: str) -> None:
        """
        Nobody measures the time here.
        """

    def roles(self, application: ApplicationEntry) -> tuple[RoleEntry, ...]:
        """
        Return the roles of an application.
        """
        return tuple(role for role in map(self._role, application.role_ids) if role is not None)

    def resource(self, indicator: str) -> ResourceEntry | None:
        """
        Return the API resource with exactly this indicator, or None.
        """
        return self._resource(indicator)

    def is_member(self, application: ApplicationEntry, organization_id: str) -> bool:
        """
        Tell whether an application belongs to an organization. There are no organizations yet, so it never does.
        """
        del application, organization_id
        return False
