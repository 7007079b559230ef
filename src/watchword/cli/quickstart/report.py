"""
What remains to be known at the end: as a page for people, as one JSON object for programs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from watchword.cli.quickstart.applications import FIRST, PRODUCTS, USER_DATA, Part
from watchword.cli.quickstart.checks import Checks
from watchword.cli.quickstart.commands import CURL_MANAGEMENT, CURL_PRODUCTS, NODE_PRODUCTS
from watchword.cli.quickstart.home import Account, QuickstartHome
from watchword.cli.quickstart.places import MANAGEMENT, READ, SHOPPING, WRITE, Places
from watchword.cli.quickstart.printing import Printer
from watchword.cli.quickstart.servers import PRODUCTS_API, SERVER
from watchword.server.domain.names import DEFAULT_TENANT

_TITLES = {
    CURL_PRODUCTS: "Your API, with curl",
    NODE_PRODUCTS: "Your API, with Node.js 18 or newer",
    CURL_MANAGEMENT: "The Management API, with curl",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """
    All that a run has come to.

    Attributes:
        console_link: Lets the first operator in; None where there is one.
        commands: To paste, by name.
    """

    home: QuickstartHome
    places: Places
    accounts: Mapping[Part, Account]
    user_id: str
    console_link: str | None
    checks: Checks
    commands: Mapping[str, str]

    def members(self) -> dict[str, object]:
        """
        Return the members of the JSON object. It holds the secrets.
        """
        return {
            "endpoint": self.places.endpoint,
            "issuer": self.places.issuer,
            "token_endpoint": self.places.token_endpoint,
            "jwks_uri": self.places.jwks_uri,
            "tenant_id": DEFAULT_TENANT,
            "management_api": self.places.management_api,
            "management_resource": MANAGEMENT,
            "products_api": self.places.api,
            "products_resource": SHOPPING,
            "products_scopes": [READ, WRITE],
            "application": self._account(PRODUCTS),
            "management_application": self._account(USER_DATA),
            "first_application": self._account(FIRST),
            "user_id": self.user_id,
            "console_link": self.console_link,
            "home": str(self.home.path),
            "credentials_file": str(self.home.credentials_file),
            "logs": [str(self.home.log_file(name)) for name in (SERVER, PRODUCTS_API)],
            "commands": dict(self.commands),
            "checks": [asdict(check) for check in self.checks.done],
            "passed": self.checks.passed,
        }

    def _account(self, part: Part) -> dict[str, str]:
        account = self.accounts[part]
        return {"name": part.name, "id": account.id, "secret": account.secret}

    def show(self, printer: Printer) -> None:
        """
        Print the page.
        """
        done, failed = len(self.checks.done), self.checks.failed
        printer.heading(f"{failed} of {done} checks FAILED." if failed else f"All {done} checks passed.")
        _show_table(printer, "Endpoints", self._endpoints())
        self._show_console(printer)
        _show_table(printer, "Credentials", self._credentials())
        if not printer.shows_secrets:
            printer.say("Secrets are masked, since this is no terminal: that file holds them, for you alone.")
            printer.text()
        printer.text("To paste into another terminal\n")
        for name, title in _TITLES.items():
            printer.text(f"# {title}\n{self.commands[name]}\n")

    def _show_console(self, printer: Printer) -> None:
        printer.text("The console")
        if self.console_link is None:
            printer.text(f"  {self.places.console}\n")
        elif printer.shows_secrets:
            printer.text(f"  Open this within 15 minutes, once:\n{self.console_link}\n")
        else:
            printer.text(f"  {self.places.console}")
            printer.text(f"  The way in: `watchword operators invite --home {self.home.path}`\n")

    def _endpoints(self) -> dict[str, str]:
        return {
            "Token endpoint": self.places.token_endpoint,
            "Management API": self.places.management_api,
            "Management API, resource": MANAGEMENT,
            "Products API": self.places.products,
            "Products API, resource": SHOPPING,
        }

    def _credentials(self) -> dict[str, str]:
        rows: dict[str, str] = {}
        for part in (PRODUCTS, USER_DATA):
            account = self.accounts[part]
            rows |= {f"{part.name}, id": account.id, f"{part.name}, secret": account.secret}
        return rows | {"As shell variables": str(self.home.credentials_file)}


def _show_table(printer: Printer, title: str, rows: Mapping[str, str]) -> None:
    printer.text(title)
    for name, value in rows.items():
        printer.text(f"  {name:25} {value}")
    printer.text()
