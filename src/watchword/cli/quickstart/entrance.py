"""
The way into a home: `watchword init` where it is needed, and a first application whose secret works.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from watchword.cli.failures import Failure
from watchword.cli.quickstart.applications import FIRST, new_secret_name
from watchword.cli.quickstart.home import Account, Credentials, QuickstartHome
from watchword.cli.quickstart.places import MANAGEMENT, Places
from watchword.cli.quickstart.printing import Printer
from watchword.cli.quickstart.servers import Starter
from watchword.cli.quickstart.tokens import TokenDesk
from watchword.server.domain.names import MANAGEMENT_ROLE, MANAGEMENT_SCOPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """
    Gets into a home as its first application, which may run everything.
    """

    home: QuickstartHome
    credentials: Credentials
    printer: Printer

    def prepare(self, starter: Starter, endpoint: str) -> None:
        """
        Make the home, or finish what a run that was cut off has begun.

        Args:
            endpoint: Goes into the settings where there are none yet.

        Raises:
            Failure: It can't be made, or nobody in it may run everything.
        """
        if self.home.database.exists() and self.credentials.get(FIRST.variable) is not None:
            self.printer.row("home", f"{self.home.path} (made by an earlier run)")
            return
        wanted = [] if self.home.settings_file.exists() else ["--endpoint", endpoint]
        members = starter.run("init", *wanted, doing="making database and keys")
        self.printer.row("home", f"{self.home.path} (made by `watchword init`)")
        self._take(starter, members)

    def fetch_token(self, starter: Starter, desk: TokenDesk) -> str:
        """
        Return a token for the Management API; where the kept credentials are no good any more, others are taken.

        Raises:
            Failure: No application in this home may run everything.
        """
        token = self._ask(desk)
        if token is None:
            self.printer.row("note", "The kept credentials are no good any more: taking others.")
            self._take(starter, starter.run("init", doing="looking for an application"))
            token = self._ask(desk)
        if token is None:
            raise self._lost()
        return token

    def invite(self, starter: Starter, places: Places) -> str | None:
        """
        Return a link that lets the first operator into the console; None where there is one already.

        Raises:
            Failure: It can't be made.
        """
        link: str | None = starter.run("operators", "invite", "--first", doing="inviting an operator")["link"]
        if link is None:
            return None
        # The home may name another port than this run has.
        return self.printer.hide(f"{places.console}/join#{urlsplit(link).fragment}")

    def _take(self, starter: Starter, members: Mapping[str, Any]) -> None:
        """
        Keep the credentials of the application that `init` names.

        Where it tells no secret, since it has told it once, another is added: the home's owner needs none for
        that. It counts at the next token request.
        """
        application_id, secret = members["application_id"], members["application_secret"]
        if application_id is None:
            raise self._lost()
        if secret is None:
            command = ("apps", "secrets", "create", application_id, new_secret_name())
            secret = starter.run(*command, doing="adding a secret")["value"]
        self.credentials.put(FIRST.variable, Account(id=application_id, secret=self.printer.hide(secret)))

    def _ask(self, desk: TokenDesk) -> str | None:
        account = self.credentials.get(FIRST.variable)
        if account is None:
            return None
        response = desk.request(account, resource=MANAGEMENT, scope=MANAGEMENT_SCOPE)
        if response.status_code != httpx.codes.OK or response.json().get("scope") != MANAGEMENT_SCOPE:
            return None
        token: str = response.json()["access_token"]
        return token

    def _lost(self) -> Failure:
        return Failure(
            f"no application in {self.home.path} has the role {MANAGEMENT_ROLE} any more: "
            "give it to one with `watchword apps`, or delete the folder to begin anew"
        )
