"""
A shop whose API resource has a signing algorithm of its own.

Owns: only the choice of the algorithm; everything else is `tests/support/shop.py`.
"""

from tests.support.server import RunningServer
from tests.support.shop import Shop, assign, create_application, create_resource, create_role

SCOPES = ("read:products", "write:products", "delete:products")


def create_signed_shop(server: RunningServer, algorithm: str | None) -> Shop:
    """
    Create an API, a role with its first two permissions, and an application that has the role.

    Args:
        algorithm: `ES256`, `ES384` or `RS256`; None leaves it to the tenant.
    """
    resource_id, indicator, scope_ids = create_resource(server, *SCOPES, signingAlgorithm=algorithm)
    role_id = create_role(server, scope_ids["read:products"], scope_ids["write:products"])
    application = create_application(server)
    assign(server, application.id, role_id)
    return Shop(
        server=server,
        indicator=indicator,
        resource_id=resource_id,
        scope_ids=scope_ids,
        role_id=role_id,
        application=application,
    )
