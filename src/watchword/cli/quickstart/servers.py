"""
Starting the two servers: each on its usual port or the next free one, and only trusted once it is really ours.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from watchword.cli.failures import Failure
from watchword.cli.quickstart.home import QuickstartHome
from watchword.cli.quickstart.places import HOST, SHOPPING, local_url
from watchword.cli.quickstart.ports import candidates, is_free, listens
from watchword.cli.quickstart.printing import Printer
from watchword.cli.quickstart.processes import Child, Children, wait_until

SERVER, PRODUCTS_API = "server", "products-api"
# That of `server.settings`, which would take a tenth of a second to import for this alone.
SETTINGS_PREFIX = "WATCHWORD_"
_READY = "/health/ready"
_READY_SECONDS = 30.0
# -P: a file in the folder that one happens to stand in must not be taken for a module.
_PYTHON = (sys.executable, "-P")
_WATCHWORD = (*_PYTHON, "-m", "watchword")


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """
    Return the environment for children.

    It is without Watchword settings, which are meant for another home, and with no proxy between programs of
    this machine.
    """
    kept = {name: value for name, value in environment.items() if not name.startswith(SETTINGS_PREFIX)}
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, [kept.get(name), HOST]))
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """
    Starts servers as children.
    """

    home: QuickstartHome
    children: Children
    http: httpx.Client
    printer: Printer

    def run(self, *arguments: str, doing: str) -> dict[str, Any]:
        """
        Run another `watchword` command on the home and return the JSON object that it prints.

        Args:
            doing: What it is for, in words, should it take a while.

        Raises:
            Failure: It failed; its own words are in there.
        """
        command = [*_WATCHWORD, *arguments, "--home", str(self.home.path), "--json"]
        name = f"watchword {arguments[0]}"
        with self.printer.waiting(doing) as tick:
            output = self.children.run(f"`{name}`", command, self.home.log_file(arguments[0]), tick)
        members: dict[str, Any] = json.loads(output)
        return members

    def start_server(self, preferred: int, *, avoid: int) -> str:
        """
        Start `watchword serve` and return its endpoint, which counts for this run alone.
        """

        def start(port: int) -> Child:
            arguments = ["--home", str(self.home.path), "--host", HOST, "--port", str(port)]
            command = [*_WATCHWORD, "serve", *arguments, "--endpoint", local_url(port)]
            return self.children.start("the server", command, self.home.log_file(SERVER))

        return self._start_on_free_port(start, preferred, avoid=avoid, probe=_READY)

    def start_products_api(self, issuer: str, preferred: int, *, avoid: int) -> str:
        """
        Start the products API and return its base URL.
        """
        program = str(Path(__file__).with_name("products_api.py"))

        def start(port: int) -> Child:
            settings = {"ISSUER": issuer, "AUDIENCE": SHOPPING, "PORT": str(port)}
            log = self.home.log_file(PRODUCTS_API)
            return self.children.start("the products API", [*_PYTHON, program], log, settings=settings)

        return self._start_on_free_port(start, preferred, avoid=avoid, probe="/products")

    def _start_on_free_port(self, start: Callable[[int], Child], preferred: int, *, avoid: int, probe: str) -> str:
        for port in candidates(preferred, avoid=avoid):
            if not is_free(port):
                continue
            child = start(port)
            if self._is_ready(child, port, probe):
                if port != preferred:
                    self.printer.row("port", f"{preferred} is busy: for this run alone it is {port}.")
                return local_url(port)
            if is_free(port):
                raise child.failure()
            self.children.forget(child)  # somebody else was faster
        raise Failure(f"there is no free port from {preferred} on")

    def _is_ready(self, child: Child, port: int, probe: str) -> bool:
        def answers() -> bool:
            if not listens(child.process.pid, port):
                return False
            try:
                return not self.http.get(local_url(port) + probe).is_server_error
            except httpx.TransportError:
                return False

        with self.printer.waiting(f"starting {child.name}") as tick:
            return wait_until(answers, child, tick, seconds=_READY_SECONDS)
