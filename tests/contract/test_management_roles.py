"""
Roles: counts, featured entries, all or nothing, and the two that nobody can break (core §4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.exchange import Exchange
from tests.support.shop import assign, create, create_application, create_resource, create_role, unique
from tests.support.wire import assert_code, assert_same

if TYPE_CHECKING:
    from tests.support.exchange import World
    from tests.support.server import RunningServer


def listed(server: RunningServer, name: str) -> dict[str, object]:
    """
    Return a role as the list shows it.
    """
    found = server.management.get("/roles", params={"search.name": name, "mode": "exact"}).json()
    assert len(found) == 1
    role: dict[str, object] = found[0]
    return role


def test_counts_and_featured_applications(server: RunningServer) -> None:
    """
    The list counts all applications and features the three that were assigned first.
    """
    name = unique("featured")
    role_id = create_role(server, name=name)
    applications = [create_application(server, name=f"a{number}") for number in range(5)]
    for application in applications:
        assign(server, application.id, role_id)
    role = listed(server, name)
    assert role["applicationsCount"] == 5
    featured = [
        {"id": application.id, "name": f"a{number}", "type": "MachineToMachine"}
        for number, application in enumerate(applications[:3])
    ]
    assert_same(role["featuredApplications"], featured)
    server.management.delete(f"/applications/{applications[0].id}").raise_for_status()
    assert listed(server, name)["applicationsCount"] == 4


def test_users_get_default_roles_and_are_counted(server: RunningServer) -> None:
    """
    A default role of type User goes to every new user: counted, featured, excludable, and gone with the user.
    """
    name = unique("everybody")
    role_id = create_role(server, kind="User", name=name, isDefault=True)
    try:
        user = create(server, "/users", {"name": "Ann", "avatar": "https://x.example/a.png"})
        role = listed(server, name)
        assert role["usersCount"] == 1
        expected = [{"id": user["id"], "avatar": "https://x.example/a.png", "name": "Ann"}]
        assert_same(role["featuredUsers"], expected)
        rest = server.management.get("/roles", params={"excludeUserId": user["id"], "search": name})
        assert rest.headers["total-number"] == "0"
        others = server.management.get("/users", params={"excludeRoleId": role_id, "search.id": user["id"]})
        assert others.headers["total-number"] == "0"
        server.management.delete(f"/users/{user['id']}").raise_for_status()
        assert listed(server, name)["usersCount"] == 0
    finally:
        server.management.delete(f"/roles/{role_id}").raise_for_status()


def test_role_with_an_unknown_permission_is_not_created(world: World) -> None:
    """
    All or nothing: after the 404 the name is still free.
    """
    body = {"name": "free<n>", "description": "d", "type": "MachineToMachine", "scopeIds": ["<read>", "nope"]}
    refused = world.send(Exchange(method="POST", path="/roles", body=body))
    assert_code(refused, 404, "entity.not_exists_with_id")
    found = world.send(Exchange(method="GET", path="/roles?search=free<n>"))
    assert found.headers["total-number"] == "0"
    created = world.send(Exchange(method="POST", path="/roles", body=body | {"scopeIds": ["<read>"]}))
    assert created.status_code == 200
    scopes = world.send(Exchange(method="GET", path=f"/roles/{created.json()['id']}/scopes")).json()
    assert [scope["name"] for scope in scopes] == ["read:products"]


def test_refused_assignment_assigns_nothing(world: World) -> None:
    """
    All or nothing in every relation: a refused list leaves the old state.
    """
    add = Exchange(method="POST", path="/roles/<role>/applications", body={"applicationIds": ["<app>", "nope"]})
    assert_code(world.send(add), 404, "entity.not_exists_with_id")
    world.play(Exchange(method="GET", path="/roles/<role>/applications", answer=[], total=0))
    scopes = Exchange(method="POST", path="/roles/<role>/scopes", body={"scopeIds": ["<read>", "nope"]})
    assert_code(world.send(scopes), 404, "entity.not_exists_with_id")
    world.play(Exchange(method="GET", path="/roles/<role>/scopes", answer=[]))
    replace = Exchange(method="PUT", path="/applications/<app>/roles", body={"roleIds": ["<role>", "nope"]})
    assert_code(world.send(replace), 404, "entity.not_exists_with_id")
    world.play(Exchange(method="GET", path="/applications/<app>/roles", answer=[], total=0))


def test_deleting_a_role_takes_its_links_along(server: RunningServer) -> None:
    """
    Applications and permissions stay; only the links vanish.
    """
    _, indicator, ids = create_resource(server, "read")
    role_id = create_role(server, ids["read"])
    application = create_application(server)
    assign(server, application.id, role_id)
    server.management.delete(f"/roles/{role_id}").raise_for_status()
    assert server.management.get(f"/applications/{application.id}/roles").json() == []
    told = server.token(application.id, application.secret, resource=indicator, scope="read").json()
    assert "scope" not in told


def test_internal_role_is_hidden_but_there(server: RunningServer) -> None:
    """
    A role whose name begins `#internal:` shows in no list and no count, yet by its id.
    """
    name = f"#internal:{unique('x')}"
    role_id = create_role(server, name=name)
    application = create_application(server)
    assign(server, application.id, role_id)
    found = server.management.get("/roles", params={"search.name": name})
    assert (found.json(), found.headers["total-number"]) == ([], "0")
    roles = server.management.get(f"/applications/{application.id}/roles")
    assert (roles.json(), roles.headers["total-number"]) == ([], "0")
    assert server.management.get(f"/roles/{role_id}").json()["name"] == name
    server.management.delete(f"/roles/{role_id}").raise_for_status()


def test_role_mixes_permissions_of_several_resources(server: RunningServer) -> None:
    """
    One role may give permissions of several APIs; a token carries those of its own API alone.
    """
    _, one, first_ids = create_resource(server, "read")
    _, two, second_ids = create_resource(server, "read", "write")
    role_id = create_role(server, first_ids["read"], *second_ids.values())
    application = create_application(server)
    assign(server, application.id, role_id)
    granted = {
        indicator: server.token(application.id, application.secret, resource=indicator, scope="write read").json()
        for indicator in (one, two)
    }
    assert granted[one]["scope"] == "read"
    assert granted[two]["scope"] == "write read"


def test_permissions_are_the_union_over_roles(server: RunningServer) -> None:
    """
    Several roles add up; taking one leaves what another still gives.
    """
    _, indicator, ids = create_resource(server, "a", "b")
    both, only_b = create_role(server, *ids.values()), create_role(server, ids["b"])
    application = create_application(server)
    assign(server, application.id, both, only_b)
    ask = {"resource": indicator, "scope": "a b"}
    assert server.token(application.id, application.secret, **ask).json()["scope"] == "a b"
    server.management.delete(f"/applications/{application.id}/roles/{both}").raise_for_status()
    assert server.token(application.id, application.secret, **ask).json()["scope"] == "b"


def test_user_role_gives_a_machine_nothing(server: RunningServer) -> None:
    """
    A role for users cannot be given to a machine by any way.
    """
    role_id = create_role(server, kind="User")
    application = create_application(server)
    for method, path, body in (
        ("POST", f"/applications/{application.id}/roles", {"roleIds": [role_id]}),
        ("PUT", f"/applications/{application.id}/roles", {"roleIds": [role_id]}),
        ("POST", f"/roles/{role_id}/applications", {"applicationIds": [application.id]}),
    ):
        assert server.management.request(method, path, json=body).status_code == 422
    assert server.management.get(f"/roles/{role_id}/applications").json() == []
