"""
Keeps the signing keys in order, and rotates them where a setting says so.
"""

from datetime import datetime, timedelta

from watchword.server.context import Context
from watchword.server.domain.actors import Actor, ActorKind
from watchword.server.operations.operation import Acting
from watchword.server.operations.signing_keys import maintain
from watchword.server.storage.tenants import tenant_ids

NAME = "signing-keys"


def run_once(ctx: Context, now: datetime) -> None:
    """
    Look after the keys of every tenant.
    """
    del now  # the operation asks for itself, once it holds the tenant
    days = ctx.settings.signing_key_rotation_days
    with ctx.database.read() as connection:
        tenants = tenant_ids(connection)
    for tenant_id in tenants:
        acting = Acting(ctx=ctx, tenant_id=tenant_id, actor=Actor(kind=ActorKind.JOB, id=NAME))
        maintain(acting, timedelta(days=days) if days else None)
