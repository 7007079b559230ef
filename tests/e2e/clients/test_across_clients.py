"""
What one client changes, every other client sees at its next request.
"""

import pytest

from tests.e2e.clients.scripts import run_script
from tests.support.server import RunningServer
from tests.support.shop import Shop, create_shop

pytestmark = pytest.mark.e2e

ROLE = "/api/applications/{applicationId}/roles/{roleId}"
ROLES = "/api/applications/{applicationId}/roles"


def granted(shop: Shop) -> str | None:
    """
    Ask for a token by `openid-client` and return the scope that it was told.
    """
    told = run_script(
        "openid_client",
        "token",
        issuer=shop.server.issuer,
        id=shop.application.id,
        secret=shop.application.secret,
        method="basic",
        parameters={"resource": shop.indicator, "scope": "read:products"},
    )
    assert "access_token" in told, told
    scope: str | None = told.get("scope")
    return scope


def change(shop: Shop, method: str, route: str, **options: object) -> int:
    """
    Make one Management API call by `@logto/api` and return its status.
    """
    told = run_script(
        "logto_api",
        "manage",
        endpoint=shop.server.endpoint,
        id=shop.server.application_id,
        secret=shop.server.application_secret,
        calls=[[method, route, options]],
    )
    status: int = told["answers"][0]["status"]
    return status


@pytest.mark.slow
def test_removed_role_is_missing_from_the_next_token(server: RunningServer) -> None:
    """
    A role that `@logto/api` takes away and gives back shows in the very next token of `openid-client`.
    """
    shop = create_shop(server)
    role = {"applicationId": shop.application.id, "roleId": shop.role_id}
    for _ in range(3):
        assert granted(shop) == "read:products"
        assert change(shop, "DELETE", ROLE, params={"path": role}) == 204
        assert granted(shop) is None
        given = {"params": {"path": {"applicationId": shop.application.id}}, "body": {"roleIds": [shop.role_id]}}
        assert change(shop, "POST", ROLES, **given) == 201


def test_deleted_secret_is_refused_at_the_next_request(server: RunningServer) -> None:
    """
    A secret that `@logto/api` deletes lets nobody in any more.
    """
    shop = create_shop(server)
    assert granted(shop) == "read:products"
    [secret] = server.management.get(f"/applications/{shop.application.id}/secrets").json()
    path = {"applicationId": shop.application.id, "id": shop.application.id, "name": secret["name"]}
    assert change(shop, "DELETE", "/api/applications/{id}/secrets/{name}", params={"path": path}) == 204
    assert shop.request_token(scope="read:products").json()["error"] == "invalid_client"
