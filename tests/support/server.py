"""
A real Watchword server for tests: one process, one home, one free port.

Owns: starting (`init`, then `serve`), waiting until it is ready, the credentials `init` printed, stopping.
Leaves to others: what is created in it (`shop.py`), comparing answers (`wire.py`), raw bytes (`raw.py`).
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

import httpx

from tests.support.databases import give_database
from tests.support.raw import raw_exchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest

__all__ = ["MANAGEMENT_RESOURCE", "RunningServer", "free_port", "raw_exchange", "start_server"]

MANAGEMENT_RESOURCE = "https://default.logto.app/api"
START_SECONDS = 30.0
STOP_SECONDS = 20.0
_OF_INIT = {"database_url", "master_key", "master_key_file"}
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})


class RunningServer:
    """
    A server that answers at `endpoint` until `stop()`.

    Used as a context manager it stops itself; a server that ends badly fails the test.
    """

    def __init__(
        self,
        *,
        process: subprocess.Popen[bytes],
        home: Path,
        output_path: Path,
        credentials: Mapping[str, str],
    ) -> None:
        """
        Wrap a process that is already serving `home`.

        Args:
            process: The `watchword serve` process.
            home: The folder it serves.
            output_path: File that holds its stdout and stderr.
            credentials: What `watchword init --json` printed.
        """
        self.process = process
        self.home = home
        self.output_path = output_path
        self.endpoint = credentials["endpoint"]
        self.issuer = credentials["issuer"]
        self.application_id = credentials["application_id"]
        self.application_secret = credentials["application_secret"]

    @cached_property
    def http(self) -> httpx.Client:
        """
        Return a client for any path of this server, without credentials.
        """
        return httpx.Client(base_url=self.endpoint, timeout=20, follow_redirects=False, trust_env=False)

    @cached_property
    def management(self) -> httpx.Client:
        """
        Return a client for the Management API; its token has the scope `all`.
        """
        return self.new_management()

    def new_management(self) -> httpx.Client:
        """
        Return another one, with a token of its own: for a server on which keys are revoked.
        """
        answer = self.token(self.application_id, self.application_secret, resource=MANAGEMENT_RESOURCE, scope="all")
        answer.raise_for_status()
        return self.management_as(answer.json()["access_token"])

    def management_as(self, access_token: str) -> httpx.Client:
        """
        Return a client for the Management API that presents `access_token`.
        """
        return httpx.Client(
            base_url=f"{self.endpoint}/api",
            headers={"authorization": f"Bearer {access_token}"},
            timeout=20,
            follow_redirects=False,
            trust_env=False,
        )

    def token(self, client_id: str, secret: str, **form: str | list[str]) -> httpx.Response:
        """
        Ask for a token with HTTP Basic; `grant_type` is `client_credentials` unless `form` says otherwise.
        """
        fields: dict[str, str | list[str]] = {"grant_type": "client_credentials", **form}
        return self.http.post("/oidc/token", data=fields, auth=(client_id, secret))

    @property
    def output(self) -> str:
        """
        Return all that the server has written to stdout and stderr so far.
        """
        return self.output_path.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """
        Ask the server to stop and wait for it; stopping twice is fine.

        Raises:
            AssertionError: It did not stop in time, or not with exit code 0.
        """
        self._close_clients()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            message = f"the server did not stop within {STOP_SECONDS:.0f} s\n{self.output[-4000:]}"
            raise AssertionError(message) from None
        assert code == 0, f"the server ended with exit code {code}\n{self.output[-4000:]}"

    def kill(self) -> None:
        """
        End the process at once, as a crash would.
        """
        self._close_clients()
        self.process.kill()
        self.process.wait()

    def _close_clients(self) -> None:
        """
        Close the connections kept alive, so that a graceful stop waits for nobody.
        """
        for name in ("http", "management"):
            client = self.__dict__.pop(name, None)
            if client is not None:
                client.close()

    def __enter__(self) -> Self:
        """
        Return this server.
        """
        return self

    def __exit__(self, *_: object) -> None:
        """
        Stop it.
        """
        self.stop()


def start_server(
    home: Path,
    *,
    settings: Mapping[str, str] = NO_SETTINGS,
    arguments: Sequence[str] = (),
    through: Sequence[str] = (),
) -> RunningServer:
    """
    Initialise `home`, serve it on a free port of 127.0.0.1 and wait until it is ready.

    Args:
        home: The folder to use. Where it is missing it becomes a copy of a home that `init` has made: to make each
            anew would take a second. Its secrets and keys are those of all others then.
        settings: Settings by name (`secret_reveal_hours`), handed over as `WATCHWORD_…`.
        arguments: Further arguments of `watchword serve`.
        through: A command that runs the server's command, which is added to it.

    Raises:
        RuntimeError: `init` failed, or `serve` was not ready in time; the message holds its output.
    """
    port = free_port()
    environment = clean_environment(settings)
    endpoint = f"http://127.0.0.1:{port}"
    is_new = not home.exists() and not _OF_INIT.intersection(settings)
    give_database(home)
    if is_new and not home.exists():
        credentials = _copy_home(home, endpoint)
    else:
        credentials = initialise(home, endpoint, environment)
    return _serve(home, port, credentials, environment, arguments, through=through)


@contextmanager
def serve_all_tests(folders: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """
    Serve a fresh home for many tests, and check in the end that nothing they sent made the server fail inside.
    """
    # All that the suites have refused comes from one address.
    settings = {"refusals_per_minute": "1000000"}
    with start_server(folders.mktemp("watchword") / "home", settings=settings) as running:
        yield running
        assert "Traceback (most recent call last)" not in running.output


def start_beside(server: RunningServer, *, settings: Mapping[str, str] = NO_SETTINGS) -> RunningServer:
    """
    Serve the home of a running server by a second process, on a port of its own; both have one issuer.

    Raises:
        RuntimeError: It was not ready in time.
    """
    port = free_port()
    credentials = {
        "endpoint": f"http://127.0.0.1:{port}",
        "issuer": server.issuer,
        "application_id": server.application_id,
        "application_secret": server.application_secret,
    }
    return _serve(server.home, port, credentials, clean_environment(settings), ())


def _serve(
    home: Path,
    port: int,
    credentials: Mapping[str, str],
    environment: Mapping[str, str],
    arguments: Sequence[str],
    *,
    through: Sequence[str] = (),
) -> RunningServer:
    output_path = home.parent / f"{home.name}-{port}.log"
    with output_path.open("wb") as output:
        process = subprocess.Popen(
            [
                *through,
                *watchword_command("serve", "--home", str(home)),
                *("--host", "127.0.0.1", "--port", str(port)),
                *arguments,
            ],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = RunningServer(process=process, home=home, output_path=output_path, credentials=credentials)
    try:
        wait_until_ready(server)
    except BaseException:
        server.kill()
        raise
    return server


def _copy_home(home: Path, endpoint: str) -> dict[str, str]:
    made, credentials = _made_home()
    shutil.copytree(made, home)
    file = home / "watchword.toml"
    file.write_text(file.read_text().replace(credentials["endpoint"], endpoint))
    return {name: text.replace(credentials["endpoint"], endpoint) for name, text in credentials.items()}


@functools.cache
def _made_home() -> tuple[Path, dict[str, str]]:
    folder = tempfile.mkdtemp(prefix="watchword-made-")
    atexit.register(shutil.rmtree, folder)
    home = Path(folder) / "home"
    return home, initialise(home, "http://127.0.0.1:3001", clean_environment({}))


def initialise(home: Path, endpoint: str, environment: Mapping[str, str]) -> dict[str, str]:
    """
    Run `watchword init --json` and return the object it printed.
    """
    done = subprocess.run(
        watchword_command("init", "--home", str(home), "--endpoint", endpoint, "--json"),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS * 2,
        check=False,
    )
    if done.returncode != 0:
        message = f"watchword init ended with exit code {done.returncode}\n{done.stderr[-4000:]}"
        raise RuntimeError(message)
    credentials: dict[str, str] = json.loads(done.stdout)
    return credentials


def wait_until_ready(server: RunningServer) -> None:
    """
    Poll `/health/ready` until it answers 200.

    Raises:
        RuntimeError: The process ended, or the deadline passed.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        with suppress(httpx.TransportError):
            if server.http.get("/health/ready").status_code == httpx.codes.OK:
                return
        time.sleep(0.05)
    message = f"the server did not become ready\n{server.output[-4000:]}"
    raise RuntimeError(message)


def watchword_command(*arguments: str) -> list[str]:
    """
    Return the command line that runs `watchword` with this interpreter.
    """
    return [sys.executable, "-m", "watchword", *arguments]


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """
    Return this process's environment without any Watchword setting but those in `settings`.

    Nor with what would let every process that tests start compile all of its libraries: two seconds each.
    """
    left_out = ("WATCHWORD_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {f"WATCHWORD_{name.upper()}": value for name, value in settings.items()}


def free_port() -> int:
    """
    Return a port of 127.0.0.1 that nobody listens on at this moment.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
