"""
Every page of the server, and how to get to it. A new page, and each new thing that one can show, gets a line here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.browser.console import end_newest_session, send_credentials, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Page, StorageState

    from tests.browser.console import Console


class Session(StrEnum):
    """
    Whose window it is.
    """

    OWNER = "owner"
    IDLE = "idle"
    VIEWER = "viewer"
    ENDS = "ends"
    NOBODY = "nobody"

    def of(self, console: Console) -> StorageState | None:
        """
        Return what the window has to begin with.
        """
        return {"owner": console.owner, "idle": console.idle, "viewer": console.viewer}.get(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """
    A page.

    Attributes:
        name: What its pictures are called.
        path: `{application}` and the like stand for what `put_something_in` has made.
        below: Where the path begins.
        sees: A text that stands on it.
        opens: What is opened first, by the text that stands on it.
        typed: What is typed into which fields first, by their ids,
        press: and which button is pressed then: the page behind it is meant.
        session: Whose window it is; one that ends does so before the button is pressed.
        signs_in: Whether one signs in again behind that.
        status: Of the page that the path leads to.
        also_in_docs: Which of its pictures the docs show, besides the wide and light one that they have of every page.
    """

    name: str
    path: str
    sees: str
    below: str = "/console"
    opens: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    press: str = ""
    session: Session = Session.OWNER
    signs_in: bool = False
    status: int = 200
    also_in_docs: Sequence[str] = ()

    @property
    def in_docs(self) -> Sequence[str]:
        """
        Which of its pictures the docs show.
        """
        return ("wide-light", *self.also_in_docs)

    def show(self, page: Page, console: Console) -> None:
        """
        Open it.
        """
        if self.session is Session.ENDS:
            sign_in(page, "Ada")
        answer = page.goto(console.address(self.path, self.below))
        assert answer is not None
        assert answer.status == self.status, self.name
        if self.opens:
            page.locator("summary", has_text=self.opens).click()
        for field_id, text in self.typed.items():
            page.locator(f"#{field_id}").fill(text)
        if self.session is Session.ENDS:
            end_newest_session(console.server, "Ada")
        if self.press:
            page.get_by_role("button", name=self.press, exact=True).click()
        if self.signs_in:
            send_credentials(page, "Ada")
        page.get_by_text(self.sees).first.wait_for()


_GOOD = "correct horse battery"
_NOBODY, _VIEWER = Session.NOBODY, Session.VIEWER
_START = "/start?resource={resource}&role={role}&application={application}"
_ONE, _API, _ROLE = "/applications/{application}", "/resources/{resource}", "/roles/{role}"

SHOWN = (
    # The way in
    Shown(
        name="sign-in", path="/sign-in", sees="Somebody has invited you?", session=_NOBODY,
        also_in_docs=["narrow-dark"],
    ),
    Shown(
        name="sign-in-refused", path="/sign-in", typed={"name": "Eve", "password": "wrong one"}, press="Sign in",
        sees="Name or password is wrong.", session=_NOBODY,
    ),
    Shown(name="sign-in-before", path="/explain?application=x", sees="Somebody has invited you?", session=_NOBODY),
    Shown(name="front", path="", sees="Somebody has invited you?", session=_NOBODY),
    Shown(name="join", path="/join", sees="It is good for fifteen minutes", session=_NOBODY),
    Shown(
        name="join-refused", path="/join", press="Join", sees="is not good", session=_NOBODY,
        typed={"invitation": "nonsense", "name": "Eve", "password": _GOOD, "again": _GOOD},
    ),
    # Get started, and how things are
    Shown(name="start", path=_START, sees="Try it here", also_in_docs=["narrow-dark"]),
    Shown(name="start-from-nothing", path="/start", sees="In five steps"),
    Shown(
        name="start-tried", path=_START, typed={"try-secret": "wrong one"}, press="Get a token",
        sees="That is none of the application's secrets.",
    ),
    Shown(
        name="overview", path="/overview", sees="Tokens, minute by minute", also_in_docs=["wide-dark", "narrow-dark"],
    ),
    Shown(name="overview-table", path="/overview", opens="The same as a table", sees="Minutes in which something"),
    # Applications
    Shown(name="applications", path="/applications", sees="Search by id, name or description"),
    Shown(name="applications-page-2", path="/applications?page=2", sees="Page 2 of"),
    Shown(name="applications-found", path="/applications?search=web", sees="with “web”"),
    Shown(name="applications-none", path="/applications?search=nobody+has+this", sees="Nothing is called"),
    Shown(name="new-application", path="/applications/new", sees="what its tokens may do"),
    Shown(
        name="new-application-refused", path="/applications/new", typed={"name": " "}, press="Create",
        sees="Give it a name.",
    ),
    Shown(
        name="application-created", path="/applications/new", typed={"name": "Parcel tracker"}, press="Create",
        sees="It is shown this once.",
    ),
    Shown(
        name="application", path=_ONE, sees="Several may be good at once", also_in_docs=["wide-dark", "narrow-light"],
    ),
    Shown(name="application-looked-at", path=_ONE, sees="Several may be good at once", session=_VIEWER),
    Shown(
        name="application-new-secret", path=_ONE, typed={"secret-name": "For the shop in Lyon"}, press="Add secret",
        sees="It is shown this once.",
    ),
    Shown(name="application-saved", path=_ONE, press="Save", sees="There was nothing to save"),
    Shown(
        name="application-refused", path=_ONE, typed={"custom-data": "[1, 2]"}, press="Save",
        sees="Custom data must be a JSON object.",
    ),
    Shown(name="delete-application", path=f"{_ONE}/delete", sees="This can't be undone."),
    Shown(
        name="delete-application-refused", path=f"{_ONE}/delete", typed={"delete-name": "Another"},
        press="Delete application", sees="Type the application's name or id to delete it.",
    ),
    Shown(
        name="delete-secret", path=f"{_ONE}/secrets/delete?name=Default+secret", sees="This can't be undone."
    ),
    Shown(
        name="take-role", path=f"{_ONE}/roles/{{role}}/remove", sees="is judged without the role",
    ),
    Shown(name="application-unknown", path="/applications/nobody", sees="It is not there", status=404),
    # API resources and their permissions
    Shown(name="resources", path="/resources", sees="Search by id, name or API identifier"),
    Shown(name="new-resource", path="/resources/new", sees="What applications send as"),
    Shown(
        name="new-resource-refused", path="/resources/new", typed={"name": "Orders", "indicator": "orders"},
        press="Create", sees="absolute URI",
    ),
    Shown(name="resource", path=_API, sees="Each leads to who can obtain it"),
    Shown(
        name="resource-refused", path=_API, typed={"scope-name": "read:products"}, press="Add permission",
        sees="already", status=200,
    ),
    Shown(name="resource-built-in", path="/resources/management-api", sees="own Management API"),
    Shown(name="delete-resource", path=f"{_API}/delete", sees="This can't be undone."),
    Shown(name="default-resource", path=f"{_API}/default", sees="There is no default now"),
    Shown(
        name="default-resource-built-in", path="/resources/management-api/default",
        sees="It is this server's own Management API.",
    ),
    Shown(name="permission", path=f"{_API}/scopes/{{scope}}", sees="each judged as if it asked now"),
    Shown(name="delete-permission", path=f"{_API}/scopes/{{scope}}/delete", sees="Applications that lose it"),
    # Roles
    Shown(name="roles", path="/roles", sees="Search by id, name or description"),
    Shown(name="roles-for-users", path="/roles?type=User", sees="Shop staff"),
    Shown(name="new-role", path="/roles/new", sees="Create a role"),
    Shown(
        name="new-role-refused", path="/roles/new", typed={"name": "Shop reader", "description": "Again"},
        press="Create", sees="already in use",
    ),
    Shown(name="role", path=_ROLE, sees="read:products"),
    Shown(name="role-new-permissions", path=f"{_ROLE}/permissions", sees="can obtain what is added here"),
    Shown(
        name="take-permission", path=f"{_ROLE}/permissions/{{scope}}/remove", sees="Applications that lose it",
    ),
    Shown(
        name="take-permission-looked-at", path=f"{_ROLE}/permissions/{{scope}}/remove", sees="Viewers look on",
        session=_VIEWER,
    ),
    Shown(name="role-members", path=f"{_ROLE}/members", sees="that hold it"),
    Shown(name="role-new-members", path=f"{_ROLE}/members/add", sees="without it"),
    Shown(
        name="take-member", path=f"{_ROLE}/members/{{application}}/remove",
        sees="is judged without the role",
    ),
    Shown(name="role-without", path=f"{_ROLE}/without", sees="What would change without this role"),
    Shown(name="delete-role", path=f"{_ROLE}/delete", sees="This can't be undone."),
    # Users
    Shown(name="users", path="/users", sees="Search by id, name, username"),
    Shown(name="new-user", path="/users/new", sees="All fields may stay empty."),
    Shown(
        name="new-user-refused", path="/users/new", typed={"username": "grace"}, press="Create", sees="already",
    ),
    Shown(name="user", path="/users/{user}", sees="Shop staff"),
    Shown(name="take-role-of-user", path="/users/{user}/roles/{staff}/remove", sees="No token changes"),
    Shown(name="delete-user", path="/users/{user}/delete", sees="What goes with the record"),
    # Everywhere
    Shown(name="search", path="/search?words=shop", sees="Found with"),
    Shown(name="search-none", path="/search?words=nobody+has+this", sees="Nothing has it"),
    # Explain
    Shown(name="explain", path="/explain", sees="no token is made"),
    Shown(
        name="explained", sees="What would help",
        path="/explain?application={application}&resource=https://shopping.api&scope=read:products+write:products+fly",
    ),
    Shown(
        name="explained-refusal", path="/explain?application={application}&resource=https://no.api", sees="Refused:"
    ),
    Shown(
        name="explained-better", sees="Ask so",
        path="/explain?application={application}&resource=shopping.api&scope=read:products",
    ),
    Shown(name="explained-alone", path="/explain?application={application}", sees="could get"),
    Shown(
        name="explain-which", sees="Which application?",
        path="/explain?application=eb+shop&resource=https://shopping.api&scope=read:products",
    ),
    Shown(name="explain-role-which", path="/explain/role?role=reader#without", sees="may be meant"),
    Shown(
        name="explain-role-unknown", path="/explain/role?role=nobody#without", sees="No role for machines", status=404
    ),
    Shown(name="explain-unknown", path="/explain?application=nobody", sees="no token is made", status=404),
    Shown(
        name="explain-who-unknown", path="/explain/scope?resource=https://no.api&scope=fly", sees="There is no API",
        status=404,
    ),
    # Audit log
    Shown(name="logs", path="/logs", sees="newest first", also_in_docs=["narrow-light", "wide-dark"]),
    Shown(name="logs-refused", path="/logs?outcome=error", sees="Newest first."),
    Shown(name="logs-none", path="/logs?event=Nothing.Happened", sees="Nothing is found."),
    Shown(name="logs-end", path="/logs?before=2000-01-01", sees="Nothing else is found."),
    Shown(name="logs-unreadable", path="/logs?from=yesterday", sees="is no time", status=422),
    Shown(name="log-refusal", path="/logs/{refusal}", sees="The record"),
    Shown(name="log-narrowed", path="/logs/{narrowed}", sees="Explain, and mend it"),
    # Signing keys
    Shown(name="keys", path="/keys", sees="stands by"),
    Shown(name="rotate-key", path="/keys/rotate?algorithm=ES256", sees="As soon as every API knows it"),
    Shown(name="revoke-key", path="/keys/{standby}/revoke", sees="This can't be undone."),
    # Settings
    Shown(name="settings", path="/settings", sees="Secrets are never shown."),
    # Operators, and an operator's own
    Shown(name="operators", path="/operators", sees="Owners may do everything"),
    Shown(name="remove-operator", path="/operators/{operator}/remove", sees="would own the server"),
    Shown(
        name="change-operator", path="/operators/{viewer}/role?role=editor", sees="It counts from the next request on",
    ),
    Shown(name="change-operator-not", path="/operators/{operator}/role?role=viewer", sees="would own the server"),
    Shown(name="operators-looked-at", path="/operators", sees="Since", session=_VIEWER),
    Shown(name="operators-invited", path="/operators", press="Make an invitation", sees="It is shown this once"),
    Shown(name="account", path="/account", sees="this one"),
    Shown(name="account-one-session", path="/account", sees="this one", session=_VIEWER),
    Shown(
        name="account-refused", path="/account", press="Change password", sees="The password is wrong.",
        typed={"old": "not this one", "password": "another horse", "again": "another horse"},
    ),
    # What is none of them
    Shown(name="nothing", path="/nothing", sees="There is no such page", status=404),
    Shown(
        name="confirm", path="/applications/new", typed={"name": "Waiting"}, press="Create",
        sees="Your password, once more", session=Session.IDLE,
    ),
    Shown(
        name="sign-in-again", path="/applications/new", typed={"name": "Waiting"}, press="Create",
        sees="Your session has ended", session=Session.ENDS,
    ),
    Shown(
        name="waiting", path="/applications/new", typed={"name": "Waiting", "description": "Typed before lunch"},
        press="Create", sees="What you sent waits", session=Session.ENDS, signs_in=True,
    ),
    # What is for everybody: the Management API's routes, and what errors mean
    Shown(name="api-docs", below="/api", path="/docs", sees="All have one shape", session=_NOBODY),
    Shown(name="errors", below="/docs", path="/errors", sees="invalid_client", session=_NOBODY),
    Shown(name="error", below="/docs", path="/errors/invalid_target", sees="What to do", session=_NOBODY),
    Shown(name="error-unknown", below="/docs", path="/errors/nobody", sees="no such", session=_NOBODY, status=404),
)  # fmt: skip
