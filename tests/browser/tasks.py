"""
What each room is for, as somebody does it by hand. Nothing here needs JavaScript.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx

from tests.browser.console import INDICATOR, PASSWORD, fill_in, sign_in
from tests.support.shop import unique

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playwright.sync_api import Page

    from tests.browser.console import Console


def delete_by_name(page: Page, kind: str, name: str) -> None:
    """
    Type the name that a deletion asks for.
    """
    page.get_by_label(f"Type {name}").fill(name)
    page.get_by_role("button", name=f"Delete {kind}").click()


def get_started(page: Page, console: Console) -> None:
    """
    The guide in its place, beside what is there: API, role, application, and a real token.
    """
    name = unique("Guide ")
    indicator = f"https://{name.split()[1]}.example"
    page.goto("/console/start?resource=")
    page.locator("summary", has_text="Another API resource").click()
    page.get_by_label("Its name").first.fill(name)
    page.get_by_label("API identifier").last.fill(indicator)
    page.get_by_label("Permissions, one a line").fill("read:products\nwrite:products")
    page.get_by_role("button", name="Create API resource").click()
    page.locator("#role-name").fill(name)
    page.get_by_role("button", name="Create role").click()
    page.locator("#application-name").fill(name)
    page.get_by_role("button", name="Create application").click()
    secret = page.locator("#secret").inner_text()
    assert page.locator("#try-secret").input_value() == secret
    assert secret not in page.url
    page.get_by_role("button", name="Get a token").click()
    page.get_by_text("There it is").wait_for()
    assert indicator in page.get_by_label("Claims of the token").inner_text()
    app_id = page.locator("#app-id").inner_text()
    form = {"grant_type": "client_credentials", "resource": indicator, "scope": "read:products"}
    answer = httpx.post(f"{console.origin}/oidc/token", data=form, auth=(app_id, secret), trust_env=False)
    assert answer.json()["scope"] == "read:products"


def look_around(page: Page, console: Console) -> None:
    """
    See how many tokens there were, and go from a refusal to its records.
    """
    page.goto("/console/overview")
    page.locator("summary").first.click()
    page.get_by_role("table").first.wait_for()
    page.get_by_role("link", name="Show the log of").first.click()
    page.get_by_role("heading", name="Audit log").wait_for()
    assert page.get_by_label("Outcome").input_value().startswith("invalid_")


def create_application(page: Page, console: Console) -> None:
    """
    Create one with a role, take its secret, and ask for a token with it; the secret is not shown again.
    """
    name = unique("Robot ")
    page.goto("/console/applications")
    page.get_by_role("link", name="Create application").click()
    fill_in(page, {"Name": name})
    page.get_by_label("Shop reader").check()
    page.get_by_role("button", name="Create").click()
    app_id, secret = page.locator("#app-id").inner_text(), page.locator("#secret").inner_text()
    form = {"grant_type": "client_credentials", "resource": INDICATOR, "scope": "read:products"}
    answer = httpx.post(f"{console.origin}/oidc/token", data=form, auth=(app_id, secret), trust_env=False)
    assert answer.json()["scope"] == "read:products"
    page.goto("/console/applications")
    fill_in(page, {"Search by id, name or description": name})
    page.locator("main").get_by_role("button", name="Search").click()
    page.get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name).wait_for()
    assert secret not in page.content()


def run_application(page: Page, console: Console) -> None:
    """
    Roll its secret over, take its role away and give it back, change it, delete it.
    """
    name = unique("Passing ")
    page.goto("/console/applications/new")
    fill_in(page, {"Name": name})
    page.get_by_role("button", name="Create").click()
    page.get_by_label("Another secret: its name").fill("next")
    page.get_by_label("It is good for").select_option("30 days")
    page.get_by_role("button", name="Add secret").click()
    page.get_by_role("heading", name="The new secret").wait_for()
    assert page.locator("#secret").inner_text().startswith("ww_")
    page.get_by_role("link", name="Delete secret Default secret").click()
    page.get_by_text("1 other secret stays good").wait_for()
    page.get_by_role("button", name="Delete secret").click()
    page.get_by_text("is gone: the next token request").wait_for()
    page.get_by_label("Another role").select_option("Shop reader")
    page.get_by_role("button", name="Give role").click()
    page.get_by_text("It has the role").wait_for()
    page.get_by_role("link", name="Take away role Shop reader").click()
    page.get_by_role("row").filter(has_text="Online Shopping").filter(has_text="read:products").wait_for()
    page.get_by_role("button", name="Take role away").click()
    page.get_by_text("It holds no role").wait_for()
    fill_in(page, {"Name": f"{name}!", "Custom data: a JSON object": '{"team": "blue"}'})
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name=f"{name}!").wait_for()
    page.get_by_role("link", name="Delete application").click()
    delete_by_name(page, "application", f"{name}!")
    page.get_by_text(f"{name}! is gone.").wait_for()


def run_resource(page: Page, console: Console) -> None:
    """
    Create an API with a permission, see who can obtain it, make it the default and not, change it, delete it.
    """
    name = unique("Orders ")
    page.goto("/console/resources")
    page.get_by_role("link", name="Create API resource").click()
    fill_in(page, {"Name": name, "API identifier": f"https://{name.split()[1].lower()}.example"})
    page.get_by_role("button", name="Create").click()
    fill_in(page, {"Another permission": "read:orders", "Description, if you like": "Look at orders"})
    page.get_by_role("button", name="Add permission").click()
    page.get_by_text("read:orders is there.").wait_for()
    page.get_by_role("link", name="read:orders", exact=True).click()
    page.get_by_text("no role, so nobody can obtain it").wait_for()
    page.get_by_role("link", name=name).click()
    page.get_by_role("link", name="Make it the default").click()
    page.get_by_role("heading", name=f"Make {name} the default?").wait_for()
    page.get_by_role("button", name="Make it the default").click()
    page.get_by_text("Requests without a resource are for this API now.").wait_for()
    page.get_by_role("link", name="No longer the default").click()
    page.get_by_text("Then there is none").wait_for()
    page.get_by_role("button", name="No longer the default").click()
    page.get_by_text("It is no longer the default.").wait_for()
    fill_in(page, {"Token lifetime, in seconds": "600"})
    page.get_by_label("Tokens are signed with").select_option("ES384")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("600 seconds").wait_for()
    page.get_by_role("link", name="Delete API resource").click()
    delete_by_name(page, "API resource", name)
    page.get_by_text(f"{name} is gone.").wait_for()


def run_role(page: Page, console: Console) -> None:
    """
    Create a role, give it to an application, see what would change without it, take it and its permission away.
    """
    name = unique("Checker ")
    page.goto("/console/roles")
    page.get_by_role("link", name="Create role").click()
    fill_in(page, {"Name": name, "Description": "Checks products"})
    page.get_by_role("checkbox", name="read:products Look at products").check()
    page.get_by_role("button", name="Create").click()
    page.get_by_role("heading", name=name).wait_for()
    page.get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Give it to applications").click()
    page.locator("#search").fill("Web shop, staging")
    page.locator("main").get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Give role to Web shop, staging").click()
    page.get_by_text("Web shop, staging has the role from the next token request on.").wait_for()
    page.get_by_role("link", name="Without this role").click()
    page.get_by_role("link", name="Web shop, staging").wait_for()
    page.get_by_role("link", name="Permissions").click()
    page.get_by_role("link", name="Take away read:products").click()
    page.get_by_text("1 application loses it").wait_for()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Take away from Web shop, staging").click()
    page.get_by_role("button", name="Take role away").click()
    page.get_by_text(
        "Web shop, staging no longer has the role. The next token request is judged without it."
    ).wait_for()
    page.get_by_role("link", name="Permissions").click()
    page.get_by_role("link", name="Take away read:products").click()
    page.get_by_text("No applications lose it").wait_for()
    page.get_by_role("button", name="Take permission away").click()
    page.get_by_text("The role no longer gives it").wait_for()
    page.goto(page.url + "/delete")
    delete_by_name(page, "role", name)
    page.get_by_text(f"{name} is gone:").wait_for()


def keep_user(page: Page, console: Console) -> None:
    """
    Keep a record of a person, with custom data and for a while a role; delete it.
    """
    name = unique("Hedy ")
    page.goto("/console/users")
    page.get_by_role("link", name="Create user").click()
    fill_in(page, {"Name": name, "Phone, with its country code": "+43 1 5810 800"})
    page.get_by_role("button", name="Create").click()
    page.get_by_text("The user is there.").wait_for()
    page.get_by_label("Another role").select_option("Shop staff")
    page.get_by_role("button", name="Give role").click()
    page.get_by_text("The role Shop staff is given.").wait_for()
    page.get_by_role("link", name="Take away role Shop staff").click()
    page.get_by_text("No token changes").wait_for()
    page.get_by_role("button", name="Take role away").click()
    page.get_by_text("The role Shop staff is taken away.").wait_for()
    fill_in(page, {"Custom data: a JSON object": '{"hops": true}'})
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    page.get_by_role("link", name="Delete user").click()
    delete_by_name(page, "user", name)
    page.get_by_text(f"{name} is gone.").wait_for()


def find_out_why(page: Page, console: Console) -> None:
    """
    Ask why a scope is not granted; the address holds the question.
    """
    page.goto(console.address("/applications/{application}"))
    page.get_by_role("link", name="What could it get, and why?").click()
    fill_in(
        page, {"API identifier (resource)": INDICATOR, "Scopes, with spaces between": "read:products write:products"}
    )
    page.get_by_role("button", name="Explain").click()
    page.get_by_text("no role of the application gives it").wait_for()
    assert "scope=read" in page.url
    rows = page.get_by_role("row")
    assert "yes" in rows.filter(has_text="read:products").first.inner_text()
    assert "no" in rows.filter(has_text="write:products").first.inner_text()


def ask_better(page: Page, console: Console) -> None:
    """
    Ask about an application by a part of its name, for an API without its scheme: both are found by what is listed.
    """
    page.goto("/console/explain")
    fill_in(page, {"Application: its App ID or name": "report of", "API identifier (resource)": "shopping.api"})
    page.get_by_role("button", name="Explain").click()
    page.get_by_role("link", name="Ask: Nightly report of orders, EU").click()
    page.get_by_role("link", name=f"Ask so: Ask for {INDICATOR}, letter by letter").click()
    page.get_by_role("link", name="Ask so: Ask for all that its roles give there").click()
    assert "yes" in page.get_by_role("row").filter(has_text="read:products").first.inner_text()
    page.get_by_label("Role: its name or id").fill("shop READER")
    page.locator("form").filter(has_text="Role: its name").get_by_role("button", name="Show").click()
    page.get_by_role("heading", name="What would change without this role").wait_for()


def mend_what_is_missing(page: Page, console: Console) -> None:
    """
    Let an application have what it lacks: read what would help, press the button, read the new answer.
    """
    name = unique("Lacking ")
    page.goto("/console/applications/new")
    fill_in(page, {"Name": name})
    page.get_by_role("button", name="Create").click()
    page.get_by_role("link", name="What could it get, and why?").click()
    fill_in(page, {"API identifier (resource)": INDICATOR, "Scopes, with spaces between": "read:products"})
    page.get_by_role("button", name="Explain").click()
    page.get_by_role("button", name=f"Do it: Give “{name}” the role “Shop reader”.").click()
    page.get_by_text("It is done.").wait_for()
    assert "yes" in page.get_by_role("row").filter(has_text="read:products").first.inner_text()


def look_for_a_refusal(page: Page, console: Console) -> None:
    """
    Find a refused request, read why, and take what was found along.
    """
    page.goto("/console/logs")
    page.get_by_label("Outcome").select_option("error")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("table").get_by_text("invalid_target").first.wait_for()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Export").click()
    assert '"invalid_target"' in saved.value.path().read_text(encoding="utf-8")
    page.get_by_role("row").filter(has_text="invalid_target").get_by_role("link").first.click()
    page.get_by_text("Register https://no.api as an API resource.").wait_for()
    page.get_by_role("link", name="Explain, and mend it").click()
    page.get_by_role("heading", name="Refused: invalid_target").wait_for()


def turn_keys(page: Page, console: Console) -> None:
    """
    Rotate at once, after a look ahead, and drop the key that signed before.
    """
    page.goto("/console/keys")
    # Others have given APIs keys of other algorithms.
    rows = page.get_by_role("row").filter(has_text="signs now").filter(has_text="ES256")
    retired = rows.locator("code").first.inner_text()
    page.get_by_role("link", name="Rotate ES256").click()
    # The last one: where the standby has stood by for long enough, there is no other.
    page.get_by_role("button", name="Rotate ").last.click()
    page.get_by_text("Another key of ES256 signs from now on.").wait_for()
    page.get_by_role("link", name=f"Revoke key {retired}").click()
    page.get_by_role("button", name="Revoke key").click()
    page.get_by_text("The key is gone.").wait_for()
    assert retired not in page.content()


def read_settings(page: Page, console: Console) -> None:
    """
    See what is in force, and that a secret is not shown.
    """
    page.goto("/console/settings")
    assert "Port that" in page.get_by_role("row").filter(has=page.get_by_text("port", exact=True)).inner_text()
    assert console.origin in page.locator("#issuer").inner_text()


def manage_operators(page: Page, console: Console) -> None:
    """
    Invite a viewer, let them in, give them more to do, remove them.
    """
    name = unique("Ben ")
    page.goto("/console/operators")
    page.get_by_label("Invite somebody as").select_option("viewer")
    page.get_by_role("button", name="Make an invitation").click()
    link = page.locator("#invitation-link").inner_text()
    their_form = httpx.Client(base_url=console.origin, headers={"origin": console.origin}, trust_env=False)
    with their_form as browser:
        token = re.search(r'name="form_token" value="(\w+)"', browser.get("/console/join").text)
        assert token is not None
        fields = {"invitation": link.partition("#")[2], "name": name, "password": PASSWORD, "again": PASSWORD}
        assert browser.post("/console/join", data={**fields, "form_token": token[1]}).status_code == 303
        page.goto("/console/operators")
        page.get_by_label(f"Role of {name}", exact=True).select_option("editor")
        page.get_by_role("button", name=f"Change role of {name}").click()
        page.get_by_role("heading", name=f"Make {name} an editor?").wait_for()
        page.get_by_role("button", name="Change role").click()
        page.get_by_text("The role is changed.").wait_for()
        assert "Create application" in browser.get("/console/applications").text
        page.get_by_role("link", name=f"Remove {name}").click()
        page.get_by_role("heading", name=f"Remove {name}?").wait_for()
        page.get_by_role("button", name="Remove operator").click()
        page.get_by_text("The operator is gone").wait_for()
        assert browser.get("/console/applications").status_code == 303


def change_own_password(page: Page, console: Console) -> None:
    """
    Change it and back, having signed in as somebody for this alone; sign out, and in with what counts by then.
    """
    name, other = unique("Carl "), "another horse, stapled"
    page.goto("/console/operators")
    page.get_by_role("button", name="Make an invitation").click()
    link = page.locator("#invitation-link").inner_text()
    page.context.clear_cookies()
    page.goto("/console/join")
    fill_in(page, {"Invitation": link.partition("#")[2], "Your name": name, "The password again": PASSWORD})
    page.get_by_label("Password, ").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name=name).click()
    page.get_by_role("heading", name=name).wait_for()
    page.locator("#old").fill(PASSWORD)
    page.locator("#password").fill(other)
    page.locator("#again").fill(other)
    page.get_by_role("button", name="Change password").click()
    page.get_by_text("The password is changed.").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    sign_in(page, name, PASSWORD)
    page.get_by_text("Name or password is wrong.").wait_for()
    sign_in(page, name, other)
    page.get_by_role("link", name=name).wait_for()


# By the room's name in the console's addresses.
TASKS: Mapping[str, tuple[Callable[[Page, Console], None], ...]] = {
    "start": (get_started,),
    "overview": (look_around,),
    "applications": (create_application, run_application),
    "resources": (run_resource,),
    "roles": (run_role,),
    "users": (keep_user,),
    "explain": (find_out_why, ask_better, mend_what_is_missing),
    "logs": (look_for_a_refusal,),
    "keys": (turn_keys,),
    "settings": (read_settings,),
    "operators": (manage_operators,),
    "account": (change_own_password,),
}
# Those on whose pages scripts do something.
WITH_SCRIPTS = (get_started, look_around, create_application, run_role, ask_better)
