"""
Names that show nothing: the Management API takes them, and the console shows ids in their place.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from watchword.server.domain.names import ApplicationType, RoleType
from watchword.server.operations import (
    applications,
    resources,
    role_applications,
    role_scopes,
    roles,
    scopes,
    secrets,
    user_roles,
)
from watchword.server.operations import users as people
from watchword.server.operations.applications import NewApplication
from watchword.server.operations.resources import NewResource
from watchword.server.operations.roles import NewRole
from watchword.server.operations.users import NewUser
from watchword.server.web.console.naming import called, is_seen, isolated

if TYPE_CHECKING:
    from tests.support.browser import Browser
    from watchword.server.operations.operation import Acting

# Blanks; what joins, or turns a line; fillers that count as letters, or as symbols; a mark without a letter.
BLANKS = ("  ", "\u200b\u2060", "\u202e\u2066", "\u3164\uffa0", "\u2800", "\u0301")
PAGES = (
    *("/overview", "/applications", "/applications/new", "/applications/{application}"),
    *("/applications/{application}/delete", "/resources", "/resources/{api}", "/resources/{api}/delete"),
    *("/resources/{api}/scopes/{scope}", "/resources/{api}/scopes/{scope}/delete", "/roles", "/roles/new"),
    *("/roles/{role}", "/roles/{role}/permissions", "/roles/{role}/members", "/roles/{role}/members/add"),
    *("/roles/{role}/without", "/roles/{role}/delete", "/roles/{customer}/members", "/roles/{customer}/members/add"),
    *("/users", "/users/{user}", "/users/{user}/delete", "/applications/{application}/secrets/delete?name={secret}"),
)
_NAMING = {"a", "button", "caption", "h1", "h2", "h3", "label", "legend", "option", "q", "summary", "th", "title"}


class Names(HTMLParser):
    """
    What the links, headings, labels and the like of a page are called, each with its element.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._open: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """
        Begin one, or take a label that is said in place of its text.
        """
        label = dict(attrs).get("aria-label")
        if label is not None:
            self.found.append((f"{tag} aria-label", label))
        if tag in _NAMING and dict(attrs).get("value") != "":  # an option may stand for nothing
            self._open.append((tag, []))

    def handle_endtag(self, tag: str) -> None:
        """
        End one.
        """
        if self._open and self._open[-1][0] == tag:
            self.found.append((tag, "".join(self._open.pop()[1])))

    def handle_data(self, data: str) -> None:
        """
        Take the text of all that are open.
        """
        for _, texts in self._open:
            texts.append(data)


@pytest.mark.parametrize("name", ["", *BLANKS])
def test_name_of_which_nothing_is_seen_gives_way(name: str) -> None:
    """
    To the id.
    """
    assert called(name, "abc") == "abc"
    assert called(None, "abc") == "abc"


@pytest.mark.parametrize("name", ["x", " x ", "…", "名", "🤖", "e\u0301", "\u202ex"])
def test_name_that_is_seen_stays(name: str) -> None:
    """
    As it is, in whatever script.
    """
    assert called(name, "abc") == name


@pytest.mark.parametrize("name", ["\u202etob", "בוט", "a\u2069"])
def test_name_that_turns_is_kept_to_itself_in_plain_text(name: str) -> None:
    """
    Others stay as they are.
    """
    assert isolated(name) == f"\u2068{name}\u2069"
    assert isolated("Bot 1, größer") == "Bot 1, größer"


async def test_name_that_turns_is_kept_to_itself_in_titles_and_notices(local: Acting, owner: Browser) -> None:
    """
    Where no element can do it. The id is typed in place of such a name.
    """
    name = "<\u202etob>"
    role = roles.create(local, NewRole(name=name, description="Turns", type=RoleType.MACHINE_TO_MACHINE))
    page = (await owner.open(f"/console/roles/{role.id}/delete")).text
    assert "<title>\u2068Delete &lt;\u202etob&gt;\u2069 · Watchword</title>" in page
    assert f"<q>&lt;\u202etob&gt;</q>, or its id <code>{role.id}</code>" in page
    assert (await owner.send(f"/console/roles/{role.id}/delete", name=role.id)).status_code == 303
    assert "\u2068&lt;\u202etob&gt;\u2069 is gone" in (await owner.open("/console/roles")).text


@pytest.mark.parametrize("kind", ["applications", "resources", "roles", "users"])
async def test_id_is_typed_to_delete_what_is_called_nothing(local: Acting, owner: Browser, kind: str) -> None:
    """
    An empty field deletes nothing.
    """
    ids = records(local, BLANKS[0])
    key = {"applications": "application", "resources": "api", "roles": "role", "users": "user"}[kind]
    path = f"/console/{kind}/{ids[key]}"
    assert f"Type <q>{ids[key]}</q></label>" in (await owner.open(f"{path}/delete")).text
    assert (await owner.send(f"{path}/delete", name="")).status_code == 422
    assert (await owner.send(f"{path}/delete", name=BLANKS[0])).status_code == 422
    assert (await owner.send(f"{path}/delete", name=ids[key])).status_code == 303
    assert (await owner.open(path)).status_code == 404


@pytest.mark.parametrize("name", BLANKS)
async def test_nothing_on_a_page_is_called_nothing(local: Acting, owner: Browser, name: str) -> None:
    """
    Whoever looks or listens finds each link, heading and label, and forms keep the name itself.
    """
    ids = records(local, name)
    for path in PAGES:
        answer = await owner.open("/console" + path.format(**ids))
        assert answer.status_code == 200, path
        names = Names()
        names.feed(answer.text)
        assert [tag for tag, text in names.found if not is_seen(text)] == [], path
        if name.strip():
            # Fields keep what is there; scopes of a token are written as they are.
            assert name not in re.sub(r' value="[^"]*"|<code>.*?</code> <span class="quiet">of ', "", answer.text), path
    shown = await owner.open("/console/applications/{application}".format(**ids))
    assert f'name="name" value="{name}"' in shown.text


def records(local: Acting, name: str) -> dict[str, str]:
    """
    Give everything that name that may have it; return the ids.
    """
    api = resources.create(local, NewResource(name=name, indicator="https://blank.example"))
    scope_name = name if name.strip() else "read"
    scope = scopes.create(local, api.id, scope_name, None)
    kinds = (RoleType.MACHINE_TO_MACHINE, RoleType.USER)
    role, customer, _ = (
        roles.create(local, NewRole(name=name * number, description="For tests", type=kind))
        for number, kind in enumerate((*kinds, RoleType.MACHINE_TO_MACHINE), 1)
    )
    role_scopes.add(local, role.id, [scope.id])
    both = [
        applications.create(local, NewApplication(name=name, type=ApplicationType.MACHINE_TO_MACHINE))[0]
        for _ in range(2)
    ]
    secrets.create(local, both[0].id, name, None)
    role_applications.assign(local, role.id, [both[0].id])
    user = people.create(local, NewUser(name=name))
    people.create(local, NewUser(name=name))
    user_roles.assign(local, user.id, [customer.id])
    return {
        "application": both[0].id,
        "secret": quote(name),
        "api": api.id,
        "scope": scope.id,
        "role": role.id,
        "customer": customer.id,
        "user": user.id,
    }
