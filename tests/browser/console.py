"""
A server whose console is looked at: what is in it, and how operators come in.
"""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.server import RunningServer, clean_environment, watchword_command
from tests.support.shop import create
from watchword.server.settings import resolve
from watchword.server.storage.databases import database_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Page, StorageState

    from watchword.server.storage.database import Database

PASSWORD = "correct horse battery"
NAME = "Nightly report of orders, EU"
INDICATOR = "https://shopping.api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """
    A running server, with something in every room.

    Attributes:
        names: Ids of what is there, as addresses of pages name them: `application`, `role`, …
        owner: The session of the first operator, who has just said the password.
        idle: Another of the same operator, who said it long ago.
        viewer: The only session of another operator, who looks on.
    """

    server: RunningServer
    names: Mapping[str, str]
    owner: StorageState
    idle: StorageState
    viewer: StorageState

    @property
    def origin(self) -> str:
        """
        Where it is served.
        """
        return self.server.endpoint

    def address(self, path: str, below: str = "/console") -> str:
        """
        Return the path of a page, with the ids of what is there.
        """
        return below + path.format(**self.names)


def invite(server: RunningServer, role: str = "owner") -> str:
    """
    Let the command line print a link, as the owner of the machine does.
    """
    command = watchword_command("operators", "invite", "--home", str(server.home), "--role", role, "--json")
    done = subprocess.run(command, env=clean_environment({}), capture_output=True, text=True, check=True, timeout=60)
    link: str = json.loads(done.stdout)["link"]
    return link


def join(page: Page, link: str, name: str) -> None:
    """
    Follow a link, choose a name and a password.
    """
    page.goto(link)
    fill_in(page, {"Invitation": link.partition("#")[2], "Your name": name})
    page.get_by_label("Password, ").fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Join").click()


def sign_in(page: Page, name: str, password: str = PASSWORD) -> None:
    """
    Sign in by the form.
    """
    page.goto("/console/sign-in")
    send_credentials(page, name, password)


def send_credentials(page: Page, name: str, password: str = PASSWORD) -> None:
    """
    Fill in the form by which one signs in, which is shown.
    """
    fill_in(page, {"Name": name, "Password": password})
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()


def fill_in(page: Page, fields: Mapping[str, str]) -> None:
    """
    Fill fields by their labels.
    """
    for label, text in fields.items():
        page.get_by_label(label, exact=True).fill(text)


def put_something_in(server: RunningServer) -> dict[str, str]:
    """
    Fill the rooms by the Management API, always with the same names; return the ids.
    """
    shop = create(server, "/resources", {"name": "Online Shopping", "indicator": INDICATOR})
    scopes = [
        create(server, f"/resources/{shop['id']}/scopes", {"name": name, "description": text})
        for name, text in (("read:products", "Look at products"), ("write:products", "Change products"))
    ]
    role = create(
        server,
        "/roles",
        {
            "name": "Shop reader",
            "description": "Looks at products",
            "type": "MachineToMachine",
            "scopeIds": [scopes[0]["id"]],
        },
    )
    people = {"name": "Shop staff", "description": "For people", "type": "User"}
    staff = create(server, "/roles", people)
    for name in _OTHERS:
        create(server, "/applications", {"name": name, "type": "MachineToMachine"})
    wanted = {"name": NAME, "description": "Reads orders at two every night", "type": "MachineToMachine"}
    application = create(server, "/applications", wanted)
    assigned = server.management.post(f"/applications/{application['id']}/roles", json={"roleIds": [role["id"]]})
    assert assigned.status_code == 201, assigned.text
    user = create(server, "/users", {"username": "grace", "name": "Grace"})
    given = server.management.post(f"/users/{user['id']}/roles", json={"roleIds": [staff["id"]]})
    assert given.status_code == 201, given.text
    secret = server.management.get(f"/applications/{application['id']}/secrets").json()[0]["value"]
    for asked in (
        {"scope": "read:products"},
        {"scope": "read:products write:products"},
        {"resource": "https://no.api"},
    ):
        server.token(application["id"], secret, **{"resource": INDICATOR, **asked})
    server.token(application["id"], "wrong", resource=INDICATOR)
    return {
        "application": application["id"],
        "role": role["id"],
        "staff": staff["id"],
        "scope": scopes[0]["id"],
        "resource": shop["id"],
        "user": user["id"],
        "refusal": server.management.get("/logs").json()[0]["id"],
        "narrowed": server.management.get("/logs", params={"applicationId": application["id"]}).json()[-2]["id"],
        "standby": server.management.get("/signing-keys").json()[-1]["id"],
    }


def operator_id(server: RunningServer, name: str) -> str:
    """
    Return the id of an operator.
    """
    with closing(_database(server)) as database, database.read() as connection:
        found: str = connection.exec_driver_sql(f"SELECT id FROM operators WHERE name = '{name}'").scalar_one()
    return found


def forget_passwords(server: RunningServer, name: str) -> None:
    """
    Let it be long ago that an operator has said the password: in sessions that are there a grave form waits for it.
    """
    with closing(_database(server)) as database, database.write() as connection:
        of_operator = f"operator_id IN (SELECT id FROM operators WHERE name = '{name}')"
        connection.exec_driver_sql(f"UPDATE operator_sessions SET confirmed_at = 0 WHERE {of_operator}")


def end_newest_session(server: RunningServer, name: str) -> None:
    """
    Let the session end in which an operator has signed in last.
    """
    with closing(_database(server)) as database, database.write() as connection:
        newest = "SELECT s.id FROM operator_sessions s JOIN operators o ON o.id = s.operator_id"
        newest += f" WHERE o.name = '{name}' ORDER BY s.created_at DESC LIMIT 1"
        connection.exec_driver_sql(f"DELETE FROM operator_sessions WHERE id IN ({newest})")


def _database(server: RunningServer) -> Database:
    return database_of(resolve({"home": server.home}, {}).settings)


_OTHERS = (
    *("Billing export", "Coral search indexer", "Delivery tracker", "Fraud watch", "Invoices by mail"),
    *("Label printer, Hamburg", "Label printer, Lyon", "Newsletter", "Price import", "Returns desk"),
    *("Stock sync, EU", "Stock sync, US", "Tax report", "Warehouse lights", "Web shop"),
    *("Web shop, staging", "Wish lists", "Yearly inventory", "Zoning of shelves", "Zip code check", "Ads export"),
)
