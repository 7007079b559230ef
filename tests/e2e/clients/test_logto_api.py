"""
npm `@logto/api`: the Management API by the package that Logto's users have, with a self-hosted base URL.
"""

from typing import Any

import pytest

from tests.e2e.clients.scripts import run_script
from tests.support.server import MANAGEMENT_RESOURCE, RunningServer
from tests.support.shop import Shop, create_application, unique

pytestmark = pytest.mark.e2e


def manage(server: RunningServer, *calls: list[Any], **options: object) -> dict[str, Any]:
    """
    Make calls with the first application's credentials; options replace what the package is told.
    """
    known = {"endpoint": server.endpoint, "id": server.application_id, "secret": server.application_secret}
    return run_script("logto_api", "manage", calls=calls, **known | options)


def body(members: object) -> dict[str, object]:
    """
    Return a call's options with a JSON body.
    """
    return {"body": members}


def path(**parameters: str) -> dict[str, object]:
    """
    Return a call's options with path parameters.
    """
    return {"params": {"path": parameters}}


def created(server: RunningServer, route: str, members: dict[str, object]) -> dict[str, Any]:
    """
    Create something by the package and return it.
    """
    [answer] = manage(server, ["POST", route, body(members)])["answers"]
    record: dict[str, Any] = answer["data"]
    return record


@pytest.mark.parametrize("indicator", [None, MANAGEMENT_RESOURCE], ids=["of the tenant", "given"])
def test_package_gets_its_token_in_silence(server: RunningServer, indicator: str | None) -> None:
    """
    With the tenant `default` and a base URL, scope and lifetime are what it expects: it warns of nothing.
    """
    told = manage(server, ["GET", "/api/applications", {}], **({"indicator": indicator} if indicator else {}))
    assert [answer["status"] for answer in told["answers"]] == [200]
    assert told["scope"] == "all"
    assert 3590 < told["lifetime"] <= 3600
    assert told["warnings"] == []


def test_application_is_created_read_and_deleted(server: RunningServer) -> None:
    """
    An application's whole life, with its secret on the way.
    """
    application = created(server, "/api/applications", {"name": "Orders", "type": "MachineToMachine"})
    id_ = application["id"]
    read, secrets, changed, gone, missing = manage(
        server,
        ["GET", "/api/applications/{id}", path(id=id_)],
        ["GET", "/api/applications/{id}/secrets", path(id=id_)],
        ["PATCH", "/api/applications/{id}", path(id=id_) | body({"description": "nightly"})],
        ["DELETE", "/api/applications/{id}", path(id=id_)],
        ["GET", "/api/applications/{id}", path(id=id_)],
    )["answers"]
    assert (read["status"], read["data"]["name"], read["data"]["isAdmin"]) == (200, "Orders", False)
    assert len(secrets["data"]) == 1
    assert secrets["data"][0]["value"].startswith("ww_")
    assert changed["data"]["description"] == "nightly"
    assert gone["status"] == 204
    assert missing["status"] == 404
    assert missing["error"]["code"] == "entity.not_exists_with_id"


def test_role_is_created_and_assigned(server: RunningServer, shop: Shop) -> None:
    """
    A role with a permission goes to an application, whose next token has the permission.
    """
    application = create_application(server)
    role = created(
        server,
        "/api/roles",
        {
            "name": unique("reader"),
            "description": "Reads products.",
            "type": "MachineToMachine",
            "scopeIds": [shop.scope_ids["read:products"]],
        },
    )
    assigned, listed = manage(
        server,
        ["POST", "/api/applications/{applicationId}/roles", path(applicationId=application.id)
         | body({"roleIds": [role["id"]]})],
        ["GET", "/api/applications/{applicationId}/roles", path(applicationId=application.id)],
    )["answers"]  # fmt: skip
    assert assigned["status"] == 201
    assert [found["id"] for found in listed["data"]] == [role["id"]]
    answer = server.token(application.id, application.secret, resource=shop.indicator, scope="read:products")
    assert answer.json()["scope"] == "read:products"


def test_lists_are_paged_and_searched(server: RunningServer) -> None:
    """
    Query parameters arrive as the package encodes them, and the total stands in the header.
    """
    name = unique("Listed & found ")
    for _ in range(3):
        created(server, "/api/applications", {"name": name, "type": "MachineToMachine"})
    query = {"search": f"%{name}%", "page": 1, "page_size": 2, "types": ["MachineToMachine"]}
    [answer] = manage(server, ["GET", "/api/applications", {"params": {"query": query}}])["answers"]
    assert [found["name"] for found in answer["data"]] == [name, name]
    assert answer["total"] == "3"


def test_users_custom_data_is_updated(server: RunningServer) -> None:
    """
    The guide's example of a service: it updates custom data of a user, member by member.
    """
    user = created(server, "/api/users", {"username": unique("u"), "customData": {"plan": "free", "seats": 1}})
    updated, read = manage(
        server,
        ["PATCH", "/api/users/{userId}/custom-data", path(userId=user["id"]) | body({"customData": {"plan": "pro"}})],
        ["GET", "/api/users/{userId}/custom-data", path(userId=user["id"])],
    )["answers"]
    assert updated["status"] == read["status"] == 200
    assert updated["data"] == read["data"] == {"plan": "pro", "seats": 1}


def test_tokens_appear_in_the_log(server: RunningServer) -> None:
    """
    What the package's own token request left behind can be read with it.
    """
    query = {"applicationId": server.application_id, "logKey": "ExchangeTokenBy.ClientCredentials", "page_size": 1}
    told = manage(server, ["GET", "/api/logs", {"params": {"query": query}}])
    [entry] = told["answers"][0]["data"]
    assert entry["key"] == "ExchangeTokenBy.ClientCredentials"
    assert entry["payload"]["result"] == "Success"
    assert entry["payload"]["scope"] == "all"
    assert entry["payload"]["params"]["client_secret"] == "******"
    assert server.application_secret not in str(told["answers"])


def test_wrong_secret_is_told_by_status_and_reason(server: RunningServer) -> None:
    """
    The package shows nothing but the status line, so its reason phrase must be there.
    """
    thrown = manage(server, ["GET", "/api/applications", {}], secret="wrong")["thrown"]
    assert thrown["name"] == "ClientCredentialsError"
    assert thrown["message"] == "Failed to fetch access token: 401 Unauthorized"


def test_wrong_resource_is_told_by_status_and_reason(server: RunningServer) -> None:
    """
    An indicator that nobody knows is a bad request.
    """
    thrown = manage(server, ["GET", "/api/applications", {}], indicator=f"{server.endpoint}/api")["thrown"]
    assert thrown["message"] == "Failed to fetch access token: 400 Bad Request"


def test_application_without_the_role_is_warned_and_refused(server: RunningServer, shop: Shop) -> None:
    """
    The token comes without scope: the package warns, and the API says 403.
    """
    told = manage(server, ["GET", "/api/applications", {}], id=shop.application.id, secret=shop.application.secret)
    [answer] = told["answers"]
    assert answer["status"] == 403
    assert answer["error"]["code"] == "auth.forbidden"
    assert 'The scope "undefined" is not equal to the expected value "all"' in told["warnings"][0]


def test_client_with_a_token_of_its_own_is_served(server: RunningServer) -> None:
    """
    `createApiClient` takes any token, and sends it to every path but the well-known ones.
    """
    answer = server.token(server.application_id, server.application_secret, resource=MANAGEMENT_RESOURCE, scope="all")
    told = run_script(
        "logto_api",
        "manage_with_own_token",
        endpoint=server.endpoint,
        token=answer.json()["access_token"],
        calls=[
            ["GET", "/api/roles", {}],
            ["GET", "/api/status", {}],
            ["GET", "/oidc/.well-known/openid-configuration", {}],
        ],
    )
    assert [found["status"] for found in told["answers"][:1]] == [200]
    assert told["answers"][2]["data"]["issuer"] == server.issuer
    assert told["asked"] == 2
