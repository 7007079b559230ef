"""
Repair: triggers, counters and counts back in their places, and what running servers believe of the time.
"""

from collections.abc import Sequence
from contextlib import closing

from watchword.server.domain.events import changed
from watchword.server.domain.names import DEFAULT_TENANT
from watchword.server.operations.installation import Ground
from watchword.server.storage import changes, counts, migrate, search_index, tenants, triggers, upkeep
from watchword.server.storage.audit.chains import TOKENS
from watchword.server.storage.audit.inspection import furthest_number
from watchword.server.storage.database import Connection
from watchword.server.storage.databases import database_of
from watchword.server.storage.transaction import Upkeep


def restore_change_tracking(ground: Ground) -> list[str]:
    """
    Put missing or altered triggers, counters and counts back; return what was amiss.

    While one was missing, changes went by that nobody heard of or counted. So all is counted anew, and all that running
    servers remember is declared void, in the same transaction: what changes from here on is heard, what changed before
    is read anew.

    Raises:
        SchemaError: The triggers are a newer version's, which has to put them back.
    """
    tenant_ids = tenants.tenant_ids(ground.connection)
    lacking = find_amiss(ground.connection, tenant_ids)
    if not lacking:
        return []
    if migrate.is_newer(migrate.version_of(ground.connection), "main"):
        raise migrate.SchemaError("the change triggers are a newer version's: run its `watchword doctor --repair`")
    triggers.install(ground.connection)
    counts.recount(ground.connection)
    search_index.install(ground.connection)
    for tenant_id in tenant_ids:
        changes.void_everything(ground.connection, tenant_id)
        tx = ground.transaction(tenant_id)
        tx.record(changed("ChangeTracking.Restored", tx.actor, {"amiss": lacking}))
    return lacking


def confirm_time(ground: Ground) -> None:
    """
    Declare this machine's time right, whatever the records say: theirs was of a clock that was wrong.
    """
    installation = tenants.installation_id(ground.connection)
    if installation is not None:
        with closing(database_of(ground.settings)) as database, database.read() as both:
            number = furthest_number(both, TOKENS)
        noting = Upkeep(ground.connection)
        upkeep.forget_token_log(noting, installation)
        upkeep.note_token_log(noting, installation, number, ground.clock())
        tx = ground.transaction(DEFAULT_TENANT)
        tx.record(changed("Time.Confirmed", tx.actor, {"number": number}))


def find_amiss(connection: Connection, tenant_ids: Sequence[str]) -> list[str]:
    """
    Name the triggers, the counters and the counts that are not as they should be.
    """
    uncounted = [
        f"counter of {tenant_id}" for tenant_id in tenant_ids if not changes.has_counter(connection, tenant_id)
    ]
    lacking = [
        *migrate.missing_triggers(connection),
        *search_index.broken(connection),
        *search_index.absent(connection),
    ]
    return [*lacking, *uncounted, *counts.find_wrong(connection)]
