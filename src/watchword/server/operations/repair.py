"""
Repair: what tells running servers of changes, back in its place.
"""

from collections.abc import Sequence

from watchword.server.domain.events import changed
from watchword.server.operations.installation import Ground
from watchword.server.storage import changes, tenants, triggers
from watchword.server.storage.database import Connection


def restore_change_tracking(ground: Ground) -> list[str]:
    """
    Put missing or altered change triggers and counters back; return what was amiss.

    While one was missing, changes went by that nobody heard of. So all that running servers remember is declared
    void, in the same transaction: what changes from here on is heard, what changed before is read anew.
    """
    tenant_ids = tenants.tenant_ids(ground.connection)
    lacking = find_amiss(ground.connection, tenant_ids)
    if not lacking:
        return []
    triggers.install(ground.connection)
    for tenant_id in tenant_ids:
        changes.void_everything(ground.connection, tenant_id)
        tx = ground.transaction(tenant_id)
        tx.record(changed("ChangeTracking.Restored", tx.actor, {"amiss": lacking}))
    return lacking


def find_amiss(connection: Connection, tenant_ids: Sequence[str]) -> list[str]:
    """
    Name the change triggers and counters that are not as they should be.
    """
    uncounted = [
        f"counter of {tenant_id}" for tenant_id in tenant_ids if not changes.has_counter(connection, tenant_id)
    ]
    return [*triggers.missing(connection), *uncounted]
