"""
The applications of the quick start and their secrets: a secret is told once and read back for a while, so it is kept.
"""

from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex
from typing import Any

from watchword.cli.quickstart.home import Account, Credentials
from watchword.cli.quickstart.provisioning import Workshop
from watchword.cli.quickstart.tokens import TokenDesk
from watchword.server.domain.names import ApplicationType

_MACHINE = ApplicationType.MACHINE_TO_MACHINE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    An application's part in the story.

    Attributes:
        variable: Prefix of its variables in the file of credentials.
    """

    variable: str
    name: str
    description: str


FIRST = Part(variable="FIRST_APPLICATION", name="First application", description="")
PRODUCTS = Part(variable="APPLICATION", name="Product sync", description="Quick start: reads and writes the products.")
USER_DATA = Part(
    variable="MANAGEMENT_APPLICATION",
    name="User data service",
    description="Quick start: updates users through the Management API.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recruiter:
    """
    Finds or makes applications, with a secret that works.
    """

    workshop: Workshop
    desk: TokenDesk
    credentials: Credentials

    def ensure(self, part: Part) -> Account:
        """
        Return an application for a part, and keep its credentials.
        """
        application = self._find(part)
        if application is None:
            account = self._create(part)
        else:
            self.workshop.tell("reused", f"application {part.name}", "GET /api/applications")
            account = self._equip(application["id"], self.credentials.get(part.variable))
        self.credentials.put(part.variable, account)
        return account

    def _find(self, part: Part) -> dict[str, Any] | None:
        api, kept = self.workshop.api, self.credentials.get(part.variable)
        if kept is not None:
            response = api.call("GET", f"/applications/{kept.id}")
            if response.status_code == HTTPStatus.OK:
                application: dict[str, Any] = response.json()
                return application
        return api.find("/applications", "name", part.name, types=_MACHINE)

    def _create(self, part: Part) -> Account:
        body = {"name": part.name, "description": part.description, "type": _MACHINE}
        created = self.workshop.api.post("/applications", body).json()
        self.workshop.tell("created", f"application {part.name}", "POST /api/applications")
        if "secret" in created:  # where secrets can't be read back, the answer that makes one carries it
            secret = created["secret"]
        else:
            listed = self.workshop.api.get(f"/applications/{created['id']}/secrets")
            secret = listed[0]["value"]
            self.workshop.tell("read", "its secret", "GET /api/applications/:id/secrets")
        return Account(id=created["id"], secret=self.desk.printer.hide(secret))

    def _equip(self, application_id: str, kept: Account | None) -> Account:
        listed = self.workshop.api.get(f"/applications/{application_id}/secrets")
        known = [kept.secret] if kept is not None and kept.id == application_id else []
        for secret in [*known, *(one["value"] for one in listed if one["value"])]:
            account = Account(id=application_id, secret=self.desk.printer.hide(secret))
            if self.desk.accepts(account):
                return account
        name = new_secret_name()
        made = self.workshop.api.post(f"/applications/{application_id}/secrets", {"name": name}).json()
        self.workshop.tell("created", f"another secret, {name}", "POST /api/applications/:id/secrets")
        self.workshop.printer.row("", "The old ones can't be read back any more; they still work.")
        return Account(id=application_id, secret=self.desk.printer.hide(made["value"]))


def new_secret_name() -> str:
    """
    Return a name for a secret that no other has.
    """
    return f"Quick start {token_hex(4)}"
