"""
The quick start from beginning to end: what happens, in order.
"""

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from watchword.cli.failures import FAILED
from watchword.cli.quickstart.applications import FIRST, PRODUCTS, USER_DATA, Recruiter
from watchword.cli.quickstart.checks import Checks
from watchword.cli.quickstart.commands import paste_commands
from watchword.cli.quickstart.entrance import Entrance
from watchword.cli.quickstart.home import Account, Credentials, QuickstartHome, open_home
from watchword.cli.quickstart.management import ManagementApi
from watchword.cli.quickstart.places import Places, local_url
from watchword.cli.quickstart.printing import OutputGone, Printer
from watchword.cli.quickstart.processes import Children
from watchword.cli.quickstart.provisioning import Workshop
from watchword.cli.quickstart.report import Report
from watchword.cli.quickstart.scene import Scene
from watchword.cli.quickstart.servers import Starter, child_environment
from watchword.cli.quickstart.shopping import call_api, fetch_token, show_token
from watchword.cli.quickstart.stopping import StopRequested, stop_signals
from watchword.cli.quickstart.tokens import TokenDesk
from watchword.cli.quickstart.user_data import update_user_data

_HTTP_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """
    What the command line asks for.

    Attributes:
        home: None for the quick start's own folder.
        port: Preferred port of the server.
        api_port: Preferred port of the products API.
        stays_up: Go on until a stop signal, once all is shown.
    """

    home: Path | None
    port: int
    api_port: int
    as_json: bool
    stays_up: bool


def tell(wishes: Wishes) -> int:
    """
    Run the quick start and return the exit code.

    Raises:
        Failure: Something that the story needs can't be had.
    """
    # With --json, standard output is the program's, and secrets are in there alone.
    stream = sys.stderr if wishes.as_json else sys.stdout
    printer = Printer(stream, shows_secrets=stream.isatty() and not wishes.as_json)
    try:
        with stop_signals():
            return _tell(wishes, printer)
    except StopRequested as stop:
        return stop.exit_code
    except OutputGone:
        # Or Python complains at its end that it can't write what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _tell(wishes: Wishes, printer: Printer) -> int:
    with (
        open_home(wishes.home) as home,
        Children(child_environment(os.environ), home.path) as children,
        # All that is asked is on this machine: no proxy, and no one else's settings.
        httpx.Client(trust_env=False, timeout=_HTTP_SECONDS) as http,
    ):
        starter = Starter(home=home, children=children, http=http, printer=printer)
        try:
            report = _play(wishes, home, starter)
        except httpx.TransportError as error:
            raise children.failure(error) from None
        report.show(printer)
        if wishes.as_json:
            _print_json(report)
        if wishes.stays_up:
            _stay(children, printer)
    return 0 if report.checks.passed else FAILED


def _play(wishes: Wishes, home: QuickstartHome, starter: Starter) -> Report:
    """
    Take all steps.
    """
    http, printer = starter.http, starter.printer
    printer.heading("Watchword quick start: machine-to-machine auth, for real, on this machine")
    credentials = Credentials(home.credentials_file)
    entrance = Entrance(home=home, credentials=credentials, printer=printer)
    places = _start_servers(wishes, starter, entrance)
    desk = TokenDesk(http=http, places=places, printer=printer)
    scene = Scene(http=http, places=places, desk=desk, printer=printer, checks=Checks(printer))

    printer.step("Create an API, a role and an application, through the Management API")
    printer.row("as", "the first application, which `watchword init` has made")
    api = ManagementApi(http=http, url=places.management_api, token=entrance.fetch_token(starter, desk))
    recruiter = Recruiter(workshop=Workshop(api=api, printer=printer), desk=desk, credentials=credentials)
    products = _prepare_products(recruiter)
    token = fetch_token(scene, products)
    show_token(scene, token)
    call_api(scene, products, token)

    printer.step("Create an application for the Management API itself")
    user_id = update_user_data(scene, _prepare_user_data(recruiter))
    kept = {part: credentials.get(part.variable) for part in (FIRST, PRODUCTS, USER_DATA)}
    return Report(
        home=home,
        places=places,
        accounts={part: account for part, account in kept.items() if account is not None},
        user_id=user_id,
        console_link=entrance.invite(starter, places),
        checks=scene.checks,
        commands=paste_commands(places, home.credentials_file, os.environ),
    )


def _start_servers(wishes: Wishes, starter: Starter, entrance: Entrance) -> Places:
    printer = starter.printer
    printer.step("Start the authorization server")
    entrance.prepare(starter, local_url(wishes.port))
    endpoint = starter.start_server(wishes.port, avoid=wishes.api_port)
    printer.row("ready", endpoint)
    printer.step("Start the products API, a program that takes tokens of that server")
    api = starter.start_products_api(f"{endpoint}/oidc", wishes.api_port, avoid=wishes.port)
    printer.row("ready", api)
    return Places(endpoint=endpoint, api=api)


def _prepare_products(recruiter: Recruiter) -> Account:
    workshop = recruiter.workshop
    resource = workshop.ensure_resource()
    role = workshop.ensure_role([scope["id"] for scope in resource["scopes"]])
    account = recruiter.ensure(PRODUCTS)
    workshop.ensure_assigned(account.id, role)
    return account


def _prepare_user_data(recruiter: Recruiter) -> Account:
    workshop = recruiter.workshop
    role = workshop.find_management_role()
    account = recruiter.ensure(USER_DATA)
    workshop.ensure_assigned(account.id, role)
    return account


def _print_json(report: Report) -> None:
    try:
        sys.stdout.write(json.dumps(report.members(), indent=2) + "\n")
        sys.stdout.flush()
    except OSError:
        raise OutputGone from None


def _stay(children: Children, printer: Printer) -> None:
    printer.say("Both servers run until Ctrl-C. The next quick start finds all this again.")
    try:
        children.watch()
    except StopRequested:
        with suppress(OutputGone):
            printer.text("\nStopping both servers.")
