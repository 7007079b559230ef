"""
API resources: the default one, what deleting takes along, and who wins a race (core §3).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.exchange import Exchange
from tests.support.records import resource, scope
from tests.support.shop import assign, create_application, create_resource, create_role, unique
from tests.support.wire import assert_code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.exchange import World
    from tests.support.server import RunningServer


@pytest.fixture
def no_default_left(server: RunningServer) -> Iterator[None]:
    """
    Take the default away again after a test.
    """
    yield
    for found in server.management.get("/resources").json():
        if found["isDefault"]:
            path = f"/resources/{found['id']}/is-default"
            server.management.patch(path, json={"isDefault": False}).raise_for_status()


@pytest.mark.usefixtures("no_default_left")
def test_set_and_unset_default(world: World) -> None:
    """
    Set default, unset default: the resource after the change.
    """
    path = "/resources/<resource>/is-default"
    world.play(Exchange(method="PATCH", path=path, body={"isDefault": True}, answer=resource(isDefault=True)))
    world.play(Exchange(method="GET", path="/resources/<resource>", answer=resource(isDefault=True)))
    world.play(Exchange(method="PATCH", path=path, body={"isDefault": False}, answer=resource()))


@pytest.mark.usefixtures("no_default_left")
def test_there_is_one_default_at_most(server: RunningServer) -> None:
    """
    A new default clears the old one; a default that does not exist keeps it.
    """
    ids = [create_resource(server)[0] for _ in range(3)]
    for id_ in ids:
        server.management.patch(f"/resources/{id_}/is-default", json={"isDefault": True}).raise_for_status()
    missing = server.management.patch("/resources/nope/is-default", json={"isDefault": True})
    assert_code(missing, 404, "entity.not_exists")
    found = server.management.get("/resources").json()
    assert [listed["id"] for listed in found if listed["isDefault"]] == [ids[2]]


@pytest.mark.usefixtures("no_default_left")
def test_built_in_resource_can_be_the_default(server: RunningServer) -> None:
    """
    `is-default` is the one change that the built-in resource allows.
    """
    answer = server.management.patch("/resources/management-api/is-default", json={"isDefault": True})
    assert answer.status_code == 200
    assert answer.json()["isDefault"] is True


def test_deleting_a_resource_takes_its_permissions_along(server: RunningServer) -> None:
    """
    Permissions and their links to roles vanish, and tokens for the resource can be had no more.
    """
    resource_id, indicator, ids = create_resource(server, "read", "write")
    role_id = create_role(server, *ids.values())
    application = create_application(server)
    assign(server, application.id, role_id)
    server.management.delete(f"/resources/{resource_id}").raise_for_status()
    assert server.management.get(f"/roles/{role_id}/scopes").json() == []
    assert server.management.get(f"/resources/{resource_id}/scopes").json() == []
    refused = server.token(application.id, application.secret, resource=indicator)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")


def test_deleting_a_permission_takes_its_links_along(world: World) -> None:
    """
    A role loses a permission that is deleted.
    """
    world.send(Exchange(method="POST", path="/roles/<role>/scopes", body={"scopeIds": ["<read>", "<write>"]}))
    world.play(Exchange(method="DELETE", path="/resources/<resource>/scopes/<read>", status=204))
    expected = scope(name="write:products", description="write:products") | {"resource": resource()}
    world.play(Exchange(method="GET", path="/roles/<role>/scopes", answer=[expected]))


def test_permission_of_another_resource_is_out_of_reach(server: RunningServer) -> None:
    """
    A permission is changed and deleted only through its own resource.
    """
    mine, _, _ = create_resource(server, "read")
    other, _, others = create_resource(server, "read")
    path = f"/resources/{mine}/scopes/{others['read']}"
    assert_code(server.management.patch(path, json={"description": "x"}), 404, "entity.not_exists")
    assert_code(server.management.delete(path), 404, "entity.not_found")
    assert [found["name"] for found in server.management.get(f"/resources/{other}/scopes").json()] == ["read"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        pytest.param(
            "/resources",
            {"name": "x", "indicator": "https://MARK.api"},
            "resource.resource_identifier_in_use",
            id="indicator",
        ),
        pytest.param("/roles", {"name": "MARK", "description": "d"}, "role.name_in_use", id="role's name"),
        pytest.param("/users", {"username": "MARK"}, "user.username_already_in_use", id="username"),
    ],
)
def test_one_of_many_writers_wins(server: RunningServer, path: str, body: dict[str, str], code: str) -> None:
    """
    Of twelve callers who create the same at once, one succeeds and the rest get the contract's error.
    """
    mark = unique("race")
    sent = {name: value.replace("MARK", mark) for name, value in body.items()}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: server.management.post(path, json=sent), range(12)))
    lost = [answer for answer in answers if not answer.is_success]
    assert len(lost) == 11
    for answer in lost:
        assert_code(answer, 422, code)


def test_concurrent_assignments_never_fail_inside(server: RunningServer) -> None:
    """
    Many callers who assign and remove the same role leave a state that can be read.
    """
    application = create_application(server)
    role_id = create_role(server)
    path = f"/applications/{application.id}/roles"

    def change(number: int) -> int:
        if number % 2:
            return server.management.post(path, json={"roleIds": [role_id]}).status_code
        return server.management.delete(f"{path}/{role_id}").status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(change, range(40)))
    assert statuses <= {201, 204, 404}
    left = server.management.get(path).json()
    listed = server.management.get(f"/roles/{role_id}/applications").json()
    assert len(left) == len(listed) <= 1
