"""
Authority is live: what a token opens at the Management API is what its application's roles give at this moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.server import MANAGEMENT_RESOURCE
from tests.support.shop import Application, assign, create_application, create_role
from tests.support.wire import assert_answer, assert_code

if TYPE_CHECKING:
    import httpx

    from tests.support.server import RunningServer
    from tests.support.shop import Shop

FORBIDDEN = {
    "code": "auth.forbidden",
    "message": "Forbidden. Please check your user roles and permissions.",
}
READ = "read:products"


def ask(server: RunningServer, authorization: str) -> httpx.Response:
    """
    Call the Management API with this header.
    """
    return server.http.get("/api/applications", headers={"authorization": authorization})


def management_token(server: RunningServer, application: Application) -> str:
    """
    Fetch a token for the Management API.
    """
    answer = server.token(application.id, application.secret, resource=MANAGEMENT_RESOURCE, scope="all")
    token: str = answer.json()["access_token"]
    return token


@pytest.fixture
def administrator(server: RunningServer) -> Application:
    """
    Create an application that has the internal role.
    """
    application = create_application(server)
    server.management.patch(f"/applications/{application.id}", json={"isAdmin": True}).raise_for_status()
    return application


def test_deleted_application_is_401_at_the_next_request(server: RunningServer, administrator: Application) -> None:
    """
    Authority is live: a valid token of an application that is gone is worth nothing at once.
    """
    authorization = f"Bearer {management_token(server, administrator)}"
    assert ask(server, authorization).status_code == 200
    assert server.management.delete(f"/applications/{administrator.id}").status_code == 204
    assert_code(ask(server, authorization), 401, "auth.unauthorized")


def test_removed_role_is_403_at_the_next_request(server: RunningServer, administrator: Application) -> None:
    """
    Authority is live: without the role the same token is 403, with it again 200, time after time.
    """
    authorization = f"Bearer {management_token(server, administrator)}"
    path = f"/applications/{administrator.id}"
    for _ in range(5):
        assert ask(server, authorization).status_code == 200
        assert server.management.patch(path, json={"isAdmin": False}).status_code == 200
        assert_answer(ask(server, authorization), 403, FORBIDDEN)
        assert server.management.patch(path, json={"isAdmin": True}).status_code == 200


def test_any_role_that_gives_all_is_enough(server: RunningServer) -> None:
    """
    The scope `all` counts by whatever role it comes; the role's own permissions decide, not its name.
    """
    application = create_application(server)
    role_id = create_role(server, "management-api-all")
    assign(server, application.id, role_id)
    authorization = f"Bearer {management_token(server, application)}"
    assert ask(server, authorization).status_code == 200
    server.management.delete(f"/roles/{role_id}/scopes/management-api-all").raise_for_status()
    assert_answer(ask(server, authorization), 403, FORBIDDEN)


def test_deleted_role_is_403_at_the_next_request(server: RunningServer) -> None:
    """
    A role that is deleted gives nothing any more.
    """
    application = create_application(server)
    role_id = create_role(server, "management-api-all")
    assign(server, application.id, role_id)
    authorization = f"Bearer {management_token(server, application)}"
    assert ask(server, authorization).status_code == 200
    server.management.delete(f"/roles/{role_id}").raise_for_status()
    assert_answer(ask(server, authorization), 403, FORBIDDEN)


def granted(shop: Shop, application: Application) -> str | None:
    """
    Ask for both permissions of the shop and return what was granted.
    """
    answer = shop.server.token(
        application.id, application.secret, resource=shop.indicator, scope=f"{READ} delete:products"
    )
    assert answer.status_code == 200, answer.text
    scope: str | None = answer.json().get("scope")
    return scope


def test_every_change_shows_in_the_next_token(shop: Shop) -> None:
    """
    Assigning, widening, narrowing, unassigning: each shows in the very next token, twenty times in a row.
    """
    management = shop.server.management
    application = create_application(shop.server)
    role_id = create_role(shop.server, shop.scope_ids[READ])
    deleting = shop.scope_ids["delete:products"]
    for _ in range(20):
        assert granted(shop, application) is None
        assign(shop.server, application.id, role_id)
        assert granted(shop, application) == READ
        management.post(f"/roles/{role_id}/scopes", json={"scopeIds": [deleting]}).raise_for_status()
        assert granted(shop, application) == f"{READ} delete:products"
        management.delete(f"/roles/{role_id}/scopes/{deleting}").raise_for_status()
        assert granted(shop, application) == READ
        management.delete(f"/applications/{application.id}/roles/{role_id}").raise_for_status()


def test_deleted_permission_and_deleted_role_give_nothing(shop: Shop) -> None:
    """
    What is deleted is granted no more, whatever led to it.
    """
    management = shop.server.management
    application = create_application(shop.server)
    scopes = f"/resources/{shop.resource_id}/scopes"
    extra = management.post(scopes, json={"name": "extra"}).json()["id"]
    roles = [create_role(shop.server, shop.scope_ids[READ]), create_role(shop.server, extra)]
    assign(shop.server, application.id, *roles)
    ask_for = {"resource": shop.indicator, "scope": f"extra {READ}"}
    told = shop.server.token(application.id, application.secret, **ask_for).json()
    assert told["scope"] == f"extra {READ}"
    management.delete(f"{scopes}/{extra}").raise_for_status()
    told = shop.server.token(application.id, application.secret, **ask_for).json()
    assert told["scope"] == READ
    management.delete(f"/roles/{roles[0]}").raise_for_status()
    assert "scope" not in shop.server.token(application.id, application.secret, **ask_for).json()


def test_renamed_permission_is_granted_by_its_new_name(shop: Shop) -> None:
    """
    A permission's new name counts at once, the old one no more.
    """
    management = shop.server.management
    application = create_application(shop.server)
    scopes = f"/resources/{shop.resource_id}/scopes"
    scope_id = management.post(scopes, json={"name": "before"}).json()["id"]
    assign(shop.server, application.id, create_role(shop.server, scope_id))
    management.patch(f"{scopes}/{scope_id}", json={"name": "after"}).raise_for_status()
    told = shop.server.token(application.id, application.secret, resource=shop.indicator, scope="before after")
    assert told.json()["scope"] == "after"
