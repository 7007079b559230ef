"""
What people have put into records is shown as text, on every page of API resources, roles and users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.browser import FOREIGN, PAYLOAD
from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.operations import applications, resources, role_applications, roles, scopes, user_roles, users
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser

if TYPE_CHECKING:
    from tests.support.browser import Browser
    from watchword.server.operations.operation import Acting

SOLID = PAYLOAD.replace(" ", "")
PAGES = (
    "/resources",
    "/resources/{api}",
    "/resources/{api}/delete",
    "/resources/{api}/default",
    "/resources/{api}/scopes/{scope}",
    "/resources/{api}/scopes/{scope}/delete",
    "/roles",
    "/roles/new",
    "/roles/{role}",
    "/roles/{role}/permissions",
    "/roles/{role}/permissions/{scope}/remove",
    "/roles/{role}/members",
    "/roles/{role}/members/add",
    "/roles/{role}/members/{app}/remove",
    "/roles/{role}/without",
    "/roles/{role}/delete",
    "/roles/{customer}",
    "/roles/{customer}/members",
    "/roles/{customer}/members/add",
    "/users",
    "/users/{user}",
    "/users/{user}/roles/{customer}/remove",
    "/users/{user}/delete",
)
FORMS = (
    ("/resources", ("name", "indicator", "access_token_ttl")),
    ("/resources/{api}", ("name", "access_token_ttl", "signing_algorithm")),
    ("/resources/{api}/scopes", ("scope_name", "scope_description")),
    ("/resources/{api}/delete", ("name",)),
    ("/resources/{api}/default", ("default",)),
    ("/roles", ("name", "description", "type", "scope")),
    ("/roles/new", ("name", "description", "words", "type", "scope")),
    ("/roles/{role}", ("name", "description")),
    ("/roles/{role}/permissions", ("words", "scope")),
    ("/roles/{role}/permissions/look", ("words", "scope")),
    ("/roles/{role}/delete", ("name",)),
    ("/users", ("name", "username", "primary_email", "primary_phone")),
    ("/users/{user}", ("name", "username", "primary_email", "primary_phone", "custom_data")),
    ("/users/{user}/delete", ("name",)),
)


def records(local: Acting) -> dict[str, str]:
    """
    Put it wherever it fits; return the ids.
    """
    api = resources.create(local, NewResource(name=PAYLOAD, indicator="https://x.example/'&quot;"))
    scope = scopes.create(local, api.id, SOLID, PAYLOAD)
    scopes.create(local, api.id, f"{SOLID}2", PAYLOAD)
    new = NewRole(name=PAYLOAD, description=PAYLOAD, type=RoleType.MACHINE_TO_MACHINE, scope_ids=[scope.id])
    role = roles.create(local, new)
    customer = roles.create(local, NewRole(name=f"{PAYLOAD}2", description=PAYLOAD, type=RoleType.USER))
    machine = NewApplication(name=PAYLOAD, type=ApplicationType.MACHINE_TO_MACHINE, description=PAYLOAD)
    applications.create(local, machine)
    application, _ = applications.create(local, machine)
    role_applications.assign(local, role.id, [application.id])
    data = {PAYLOAD: PAYLOAD}
    new_user = NewUser(name=PAYLOAD, primary_email=f"{SOLID}@x.example", avatar=PAYLOAD, custom_data=data, profile=data)
    user = users.create(local, new_user)
    user_roles.assign(local, user.id, [customer.id])
    users.create(local, NewUser(name=PAYLOAD))
    return {
        "api": api.id,
        "scope": scope.id,
        "role": role.id,
        "app": application.id,
        "customer": customer.id,
        "user": user.id,
    }


async def test_no_page_runs_or_renders_it(local: Acting, owner: Browser) -> None:
    """
    Neither as it is stored, nor as it is searched for, nor where a form comes back with it.
    """
    ids = records(local)
    shown = []
    for path in PAGES:
        for query in ({}, {"search": PAYLOAD, "type": PAYLOAD}):
            answer = await owner.client.get("/console" + path.format(**ids), params=query)
            assert answer.status_code == 200, path
            shown.append(answer.text)
    for path, fields in FORMS:
        if (await owner.open("/console" + path.format(**ids))).status_code != 200:  # no page has this address
            await owner.open("/console/users")
        answer = await owner.send("/console" + path.format(**ids), **dict.fromkeys(fields, PAYLOAD))
        assert answer.status_code in {200, 303, 422, 400, 404}, path
        if answer.status_code != 303:
            shown.append(answer.text)
    assert len(shown) > 2 * len(PAGES)
    for text in shown:
        assert "<script>alert" not in text
        assert str(71993 * 71993) not in text
        assert FOREIGN.search(text) is None
