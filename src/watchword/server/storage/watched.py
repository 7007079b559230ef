"""
The list of what the directory must hear about: change triggers are made from it.
"""

import msgspec


class Watched(msgspec.Struct, frozen=True):
    """
    A table whose changes the directory must hear about.

    Attributes:
        kind: The kind of entry that a change of a row makes stale.
        key: The column that holds the entry's key.
        tenant: The column that holds the tenant.
    """

    table: str
    kind: str
    key: str
    tenant: str = "tenant_id"


WATCHED = (
    Watched("tenants", "tenant", "id", tenant="id"),
    Watched("signing_keys", "tenant", "tenant_id"),
    Watched("applications", "application", "id"),
    Watched("application_secrets", "application", "application_id"),
    Watched("application_roles", "application", "application_id"),
    Watched("roles", "role", "id"),
    Watched("role_scopes", "role", "role_id"),
    Watched("resources", "resource_indicator", "indicator"),
    Watched("resources", "tenant", "tenant_id"),
    Watched("scopes", "resource", "resource_id"),
)
