"""
The room of the users.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Browser, invited
from watchword.server.domain.names import OperatorRole, RoleType
from watchword.server.domain.passwords import is_password
from watchword.server.domain.problems import Problem
from watchword.server.domain.search import NO_SEARCH
from watchword.server.operations import roles, user_roles, users
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser

if TYPE_CHECKING:
    from watchword.server.context import Context
    from watchword.server.domain.records import User
    from watchword.server.operations.operation import Acting
    from watchword.server.web.app import Application as App

CLEAR = "correct horse 9Battery!"
ADA = {"name": "Ada", "username": "ada", "primary_email": "ada@example.com", "primary_phone": "+49 (30) 901820"}


@pytest.fixture
def ada(local: Acting) -> User:
    """
    Make a user.
    """
    return users.create(local, NewUser(name="Ada", username="ada", primary_email="ada@example.com"))


async def test_user_is_created_and_the_password_never_shown(local: Acting, owner: Browser) -> None:
    """
    Not on the form that is refused either: it is typed again.
    """
    await owner.open("/console/users/new")
    refused = await owner.send("/console/users", **{**ADA, "username": "1ada", "password": CLEAR})
    assert (refused.status_code, "does not begin with a digit" in refused.text) == (422, True)
    assert 'value="ada@example.com"' in refused.text
    assert CLEAR not in refused.text
    made = await owner.send("/console/users", **ADA, password=CLEAR)
    path = made.headers["location"]
    page = (await owner.open(path)).text
    assert "+4930901820" in page
    assert "kept as Argon2id" in page
    user = users.read(local, path.rpartition("/")[2])
    assert user.password_digest is not None
    assert is_password(CLEAR, user.password_digest)
    assert CLEAR not in page
    assert user.password_digest not in page
    for words in ("ADA", "901820", "example.com"):
        assert path in (await owner.open(f"/console/users?search={words}")).text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"primary_email": "nope"}, "must look like"),
        ({"primary_phone": "1800FLOWERS"}, "Invalid phone number"),
        ({"primary_phone": "+999 1"}, "Invalid phone number"),
        ({"username": "ada"}, "already in use"),
        ({"primary_email": "ADA@example.com"}, "existing account"),
        ({"name": "x" * 129}, "too long"),
        ({"custom_data": "[1]"}, "must be a JSON object"),
        ({"custom_data": "[" * 401 + "]" * 401}, "JSON may be nested 400 levels deep"),
    ],
)
async def test_refusal_keeps_what_was_typed(
    local: Acting, owner: Browser, ada: User, fields: dict[str, str], text: str
) -> None:
    """
    On the page of the user, and nothing is changed.
    """
    eve = users.create(local, NewUser(username="eve"))
    path = f"/console/users/{eve.id}"
    await owner.open(path)
    typed = {"username": "evelyn", "primary_email": "", "primary_phone": "", "name": "Eve", "custom_data": "{}"}
    shown = await owner.send(path, **{**typed, **fields})
    assert shown.status_code == 422
    assert text in shown.text
    assert next(iter(fields.values())) in shown.text
    assert users.read(local, eve.id) == eve


async def test_user_is_changed(local: Acting, owner: Browser, ada: User) -> None:
    """
    Custom data is replaced whole, and what is empty is cleared.
    """
    path = f"/console/users/{ada.id}"
    await owner.open(path)
    typed = {"name": "", "username": "ada", "primary_email": "", "primary_phone": "4930901820"}
    assert (await owner.send(path, **typed, custom_data='{"plan": "gold"}')).status_code == 303
    kept = users.read(local, ada.id)
    assert (kept.name, kept.primary_email, kept.primary_phone) == (None, None, "4930901820")
    assert kept.custom_data == {"plan": "gold"}
    page = (await owner.open(path)).text
    assert json.dumps({"plan": "gold"}, indent=2).replace('"', "&#34;") in page
    assert "<h1><bdi>ada</bdi></h1>" in page  # by the next best that there is


async def test_roles_for_users_come_and_go(local: Acting, owner: Browser, ada: User) -> None:
    """
    Those for machines are not offered, and refused.
    """
    role = roles.create(local, NewRole(name="customer", description="Buys", type=RoleType.USER))
    machines = roles.create(local, NewRole(name="reader", description="x", type=RoleType.MACHINE_TO_MACHINE))
    path = f"/console/users/{ada.id}"
    page = (await owner.open(path)).text
    assert f'<option value="{role.id}">' in page
    assert machines.id not in page
    assert (await owner.send(f"{path}/roles", role=role.id)).status_code == 303
    assert "Take away role customer" in (await owner.open(path)).text
    assert (await owner.send(f"{path}/roles", role=machines.id)).status_code == 422
    await owner.open(path)
    assert (await owner.send(f"{path}/roles/{role.id}/remove")).status_code == 303
    assert user_roles.listing(local, ada.id, NO_SEARCH, None).records == []


async def test_deletion_asks_for_the_name(local: Acting, owner: Browser, ada: User) -> None:
    """
    And says what goes along.
    """
    path = f"/console/users/{ada.id}"
    assert "No custom data" in (await owner.open(f"{path}/delete")).text
    assert (await owner.send(f"{path}/delete", name="ada")).status_code == 422
    assert (await owner.send(f"{path}/delete", name="Ada")).status_code == 303
    with pytest.raises(Problem):
        users.read(local, ada.id)
    assert "Ada is gone." in (await owner.open("/console/users")).text


async def test_viewer_sees_no_forms(app: App, local: Acting, owner: Browser, ada: User) -> None:
    """
    But that of signing out; custom data is read all the same.
    """
    role = roles.create(local, NewRole(name="customer", description="Buys", type=RoleType.USER))
    user_roles.assign(local, ada.id, [role.id])
    users.update(local, ada.id, {"custom_data": {"plan": "gold"}})
    viewer = await invited(app, local, OperatorRole.VIEWER)
    path = f"/console/users/{ada.id}"
    for page in ("/console/users", "/console/users/new", path, f"{path}/delete"):
        text = (await viewer.open(page)).text
        assert viewer.shown.status_code == 200
        assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]*)"', text) == ["/console/sign-out"]
    assert "gold" in (await viewer.open(path)).text


async def test_ten_thousand_users_are_pages(ctx: Context, owner: Browser, ada: User) -> None:
    """
    Each page holds twenty.
    """
    with ctx.database.write() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) "
            "INSERT INTO users (tenant_id, id, username, custom_data, identities, profile, is_suspended, created_at, "
            "updated_at) SELECT 'default', 'u' || i, 'user' || i, '{}', '{}', '{}', i = 9999, u.created_at, "
            "u.created_at FROM n, users u WHERE u.id = :ada",
            {"ada": ada.id},
        )
    page = (await owner.open("/console/users?page=500")).text
    assert "10,000 users" in page
    assert page.count('<th scope="row">') == 20
    assert len(page) < 100_000
    found = (await owner.open("/console/users?search=user9999")).text
    assert '<span class="mark">suspended</span>' in found
