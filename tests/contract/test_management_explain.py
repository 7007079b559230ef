"""
Explanations: what a token request would come to, and why. They and the token endpoint never disagree.
"""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.support.explanations import explain
from tests.support.load import wait_until
from tests.support.shop import assign, create_application, create_resource, create_role, unique
from tests.support.wire import assert_code

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.server import RunningServer
    from tests.support.shop import Shop

NAMES = ("read:products", "write:products", "delete:products")
UNKNOWN = "nobody:knows"
NOT_GIVEN, NO_SUCH = "no role of the application gives it", "the API has no such permission"


def asked_so(server: RunningServer, remedy: dict[str, Any]) -> dict[str, Any]:
    """
    Ask what a remedy says should be asked, as it stands.
    """
    answer = server.management.post("/explain", json=remedy["ask"])
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def explain_shop(shop: Shop, scope: str = "", **asked: str) -> dict[str, Any]:
    """
    Ask about the shop's own application and API.
    """
    return explain(shop.server, shop.application.id, **{"resource": shop.indicator, "scope": scope, **asked})


def test_each_scope_has_its_roles_or_its_reason(shop: Shop) -> None:
    """
    What is granted names who gives it; what is not says why.
    """
    found = explain_shop(shop, " ".join((*NAMES, UNKNOWN)))
    assert found["granted"]["scope"] == "read:products write:products"
    assert found["refused"] is None
    assert [(one["name"], one["isGranted"], one["roleIds"], one["reason"]) for one in found["scopes"]] == [
        ("read:products", True, [shop.role_id], None),
        ("write:products", True, [shop.role_id], None),
        ("delete:products", False, [], NOT_GIVEN),
        (UNKNOWN, False, [], NO_SUCH),
    ]
    assert [(role["id"], role["scopes"]) for role in found["roles"]] == [(shop.role_id, list(NAMES[:2]))]
    assert found["available"] == list(NAMES[:2])
    assert found["resource"]["indicator"] == shop.indicator
    assert found["application"]["usableSecrets"] == 1


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param(" ".join(f"s{number}" for number in range(101)), id="many scopes"),
        pytest.param("s" * 10_001, id="a long scope"),
    ],
)
def test_question_is_bounded(shop: Shop, scope: str) -> None:
    """
    Each scope costs some queries: who asks for thousands at once is refused.
    """
    body = {"applicationId": shop.application.id, "resource": shop.indicator, "scope": scope}
    assert_code(shop.server.management.post("/explain", json=body), 400, "guard.invalid_input")


def test_unknown_application_is_404(server: RunningServer) -> None:
    """
    There is nothing to explain.
    """
    answer = server.management.post("/explain", json={"applicationId": "nobody"})
    assert_code(answer, 404, "entity.not_exists_with_id")


SPELLINGS: Mapping[str, Callable[[Shop], str]] = {
    "a slash too many": lambda shop: f"{shop.indicator}/",
    "in capitals": lambda shop: shop.indicator.upper(),
    "the id": lambda shop: shop.resource_id,
    "without a scheme": lambda shop: shop.indicator.removeprefix("https://"),
    "with a fragment": lambda shop: f"{shop.indicator}#top",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_misspelt_resource_is_pointed_out(shop: Shop, spelling: str) -> None:
    """
    The indicator that was meant is named, whatever stands in its place.
    """
    found = explain_shop(shop, "read:products", resource=SPELLINGS[spelling](shop))
    assert found["refused"]["error"] == "invalid_target"
    [remedy] = found["remedies"]
    assert (f"`{shop.indicator}`" in remedy["text"], remedy["method"]) == (True, None)
    assert asked_so(shop.server, remedy)["granted"]["scope"] == "read:products"


def test_scope_of_another_api_and_of_another_case_are_pointed_out(shop: Shop) -> None:
    """
    The two mistakes that people make with names of permissions.
    """
    elsewhere, here = unique("ship:"), unique("read:")
    _, other, _ = create_resource(shop.server, elsewhere)
    _, indicator, _ = create_resource(shop.server, here)
    found = explain_shop(shop, f"{elsewhere} {here.upper()}", resource=indicator)
    texts = [(one["scope"], one["text"]) for one in found["remedies"]]
    assert (elsewhere, f"Ask for a token for `{other}`: `{elsewhere}` is a permission of that API.") in texts
    assert [text for scope, text in texts if scope == here.upper()] == [
        f"Ask for `{here}`: upper and lower case matter."
    ]


def test_other_question_is_handed_over_with_the_remedy(shop: Shop) -> None:
    """
    The one of an organization, of nothing, and of nothing there.
    """
    [remedy] = explain_shop(shop, "read:products", organizationId="somewhere")["remedies"]
    assert asked_so(shop.server, remedy)["granted"]["scope"] == "read:products"
    [remedy] = explain_shop(shop)["remedies"]
    assert remedy["ask"]["scope"] == "read:products write:products"
    assert asked_so(shop.server, remedy)["remedies"] == []
    remedies = explain(shop.server, shop.application.id, scope="read:products")["remedies"]
    assert [one["ask"] and one["ask"]["resource"] for one in remedies] == [None, shop.indicator]
    assert asked_so(shop.server, remedies[1])["granted"]["scope"] == "read:products"


def test_what_roles_give_is_told_where_no_api_is_named(shop: Shop) -> None:
    """
    By API; and nothing where one is.
    """
    found = explain(shop.server, shop.application.id)["reach"]
    assert [(one["indicator"], one["scopes"]) for one in found] == [(shop.indicator, list(NAMES[:2]))]
    assert explain(shop.server, create_application(shop.server).id)["reach"] == []
    assert explain_shop(shop)["reach"] is None
    assert explain_shop(shop, resource="https://nowhere.example")["reach"] is None


def mended(server: RunningServer, remedy: dict[str, Any]) -> None:
    """
    Do what a remedy says.
    """
    answer = server.management.request(remedy["method"], remedy["path"].removeprefix("/api"), json=remedy["body"])
    assert answer.is_success, answer.text


def test_proposed_roles_and_permissions_let_the_scope_be_granted(shop: Shop) -> None:
    """
    Each proposal is a request that can be sent as it stands, and it helps.
    """
    writer = create_role(shop.server, shop.scope_ids["delete:products"])
    first, *others = [one for one in explain_shop(shop, "delete:products")["remedies"] if one["method"]]
    assert first["body"] == {"roleIds": [writer]}
    assert [one["path"] for one in others] == [f"/api/roles/{shop.role_id}/scopes"]
    mended(shop.server, others[0])
    assert explain_shop(shop, "delete:products")["granted"]["scope"] == "delete:products"
    shop.server.management.delete(f"/roles/{shop.role_id}/scopes/{shop.scope_ids['delete:products']}")
    mended(shop.server, first)
    assert explain_shop(shop, "delete:products")["granted"]["scope"] == "delete:products"
    shop.server.management.delete(f"/applications/{shop.application.id}/roles/{writer}")


def test_all_that_is_missing_can_be_made_as_proposed(server: RunningServer) -> None:
    """
    From an application that holds nothing to a granted scope: the API, its permission, a role, and the role's holder.
    """
    application = create_application(server)
    asked = {"resource": f"https://{unique('api')}.example", "scope": unique("ship:")}
    for path in ("/resources", "/resources/*/scopes", "/roles", "/applications/*/roles"):
        [remedy] = [one for one in explain(server, application.id, **asked)["remedies"] if one["method"]]
        assert fnmatch(remedy["path"], f"/api{path}")
        mended(server, remedy)
    assert explain(server, application.id, **asked)["granted"]["scope"] == asked["scope"]


def test_application_without_a_secret_that_works_is_told_so(server: RunningServer) -> None:
    """
    It can't prove who it is, whatever its roles give.
    """
    application = create_application(server)
    secrets = server.management.get(f"/applications/{application.id}/secrets").json()
    server.management.delete(f"/applications/{application.id}/secrets/{secrets[0]['name']}").raise_for_status()
    found = explain(server, application.id)
    assert (found["refused"]["status"], found["refused"]["error"]) == (401, "invalid_client")
    mended(server, found["remedies"][0])
    assert explain(server, application.id)["refused"]["error"] == "invalid_target"


def entry_of(server: RunningServer, application_id: str) -> dict[str, Any]:
    """
    Return the newest record of an application.
    """
    found: dict[str, Any] = server.management.get("/logs", params={"applicationId": application_id}).json()[0]
    return found


def test_recorded_request_is_explained(shop: Shop) -> None:
    """
    Narrowed and refused ones: the same question is asked once more.
    """
    shop.request_token(scope="read:products delete:products")
    entry = entry_of(shop.server, shop.application.id)
    found = shop.server.management.get(f"/logs/{entry['id']}/explanation").json()
    assert found["record"] == entry
    assert found["reason"] is None
    assert [one["isGranted"] for one in found["explanation"]["scopes"]] == [True, False]
    shop.request_token(resource="https://nowhere.example")
    refused = entry_of(shop.server, shop.application.id)
    found = shop.server.management.get(f"/logs/{refused['id']}/explanation").json()
    assert found["explanation"]["refused"]["error"] == "invalid_target"


def test_record_that_can_not_be_asked_again_says_why(shop: Shop) -> None:
    """
    What was cut, and what somebody unknown asked.
    """
    shop.request_token(scope=" ".join(f"scope{number:04}" for number in range(200)))
    cut = entry_of(shop.server, shop.application.id)
    found = shop.server.management.get(f"/logs/{cut['id']}/explanation").json()
    assert (found["explanation"], found["reason"]) == (None, "The record does not hold all of what was asked.")
    twice = [("resource", shop.indicator), ("scope", "a"), ("scope", "b"), ("grant_type", "client_credentials")]
    shop.ask(urlencode(twice).encode())
    wait_until(lambda: entry_of(shop.server, shop.application.id)["id"] != cut["id"], "the refusal is recorded")
    repeated = entry_of(shop.server, shop.application.id)
    found = shop.server.management.get(f"/logs/{repeated['id']}/explanation").json()
    assert (found["explanation"], found["reason"]) == (None, "The record does not hold all of what was asked.")
    gone = create_application(shop.server)
    shop.server.token(gone.id, gone.secret, resource=shop.indicator)
    entry = entry_of(shop.server, gone.id)
    shop.server.management.delete(f"/applications/{gone.id}").raise_for_status()
    found = shop.server.management.get(f"/logs/{entry['id']}/explanation").json()
    assert (found["explanation"], found["reason"]) == (None, "The application is gone.")


def test_record_of_a_change_is_422(shop: Shop) -> None:
    """
    Nobody asked for a token there.
    """
    create_role(shop.server)
    entry = shop.server.management.get("/logs", params={"logKey": "Role.Created"}).json()[0]
    answer = shop.server.management.get(f"/logs/{entry['id']}/explanation")
    assert_code(answer, 422, "log.not_a_token_request")
    assert_code(shop.server.management.get("/logs/nothing/explanation"), 404, "entity.not_exists_with_id")


def test_who_can_obtain_a_scope(shop: Shop) -> None:
    """
    All who hold a role with it, and of each whether it can.
    """
    idle = create_application(shop.server)
    assign(shop.server, idle.id, shop.role_id)
    name = shop.server.management.get(f"/applications/{idle.id}/secrets").json()[0]["name"]
    shop.server.management.delete(f"/applications/{idle.id}/secrets/{name}").raise_for_status()
    path = f"/resources/{shop.resource_id}/scopes/{shop.scope_ids['read:products']}/applications"
    answer = shop.server.management.get(path)
    assert answer.headers["total-number"] == "2"
    found = {one["application"]["id"]: (one["isGranted"], one["roleIds"], one["error"]) for one in answer.json()}
    assert found == {
        shop.application.id: (True, [shop.role_id], None),
        idle.id: (False, [shop.role_id], "client authentication failed"),
    }
    pages = [shop.server.management.get(path, params={"page_size": 1, "page": number}).json() for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [1, 1, 0]
    shop.server.management.delete(f"/applications/{idle.id}").raise_for_status()
    nobody = f"/resources/{shop.resource_id}/scopes/{shop.scope_ids['delete:products']}/applications"
    assert shop.server.management.get(nobody).json() == []
    unknown = shop.server.management.get(f"/resources/{shop.resource_id}/scopes/none/applications")
    assert_code(unknown, 404, "entity.not_exists_with_id")


def test_what_would_be_lost_with_a_role(shop: Shop) -> None:
    """
    Only what no other role gives too.
    """
    other = create_role(shop.server, shop.scope_ids["read:products"])
    assign(shop.server, shop.application.id, other)
    lost = shop.server.management.get(f"/roles/{shop.role_id}/losses").json()
    assert [(one["applicationId"], one["scopes"]) for one in lost] == [
        (shop.application.id, {shop.indicator: ["write:products"]})
    ]
    [spared] = shop.server.management.get(f"/roles/{other}/losses").json()
    assert spared["scopes"] == {}
    shop.server.management.delete(f"/applications/{shop.application.id}/roles/{other}").raise_for_status()
    assert_code(shop.server.management.get("/roles/none/losses"), 404, "entity.not_exists_with_id")
