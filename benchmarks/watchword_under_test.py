"""
Owns the installation that is measured: makes it, prepares the token request, checks what it answers.

The request is prepared through the Management API, as a user would: an API resource with two permissions, a
role that has both, an application that has the role.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from benchmarks.load_generator import Load, Post
from benchmarks.pinned_server import HOST, PinnedServer, free_port

RESOURCE = "https://shopping.api"
PERMISSIONS = ("read:products", "write:products")
READY_PATH = "/health/ready"
_SECONDS = 60.0


class SetupError(Exception):
    """
    Watchword could not be set up for the measurement, or did not answer as it must.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """
    A home with its first application, the port it is served on, and the database where it is not SQLite.
    """

    executable: str
    home: Path
    port: int
    management_resource: str
    application_id: str
    application_secret: str = field(repr=False)
    workers: int = 1
    database_url: str | None = None

    @property
    def origin(self) -> str:
        """
        Where it is served, without a slash at the end.
        """
        return f"http://{HOST}:{self.port}"

    @property
    def serve_command(self) -> list[str]:
        """
        The command that serves it, with no setting changed.
        """
        served = ["serve", "--home", str(self.home), "--host", HOST, "--port", str(self.port)]
        return [self.executable, *served, "--workers", str(self.workers)]

    @property
    def environment(self) -> dict[str, str]:
        """
        What its commands run in.
        """
        return environment_on(self.database_url)

    @contextmanager
    def served(self, cores: Sequence[int], output: Path) -> Iterator[PinnedServer]:
        """
        Serve it on these cores (all, where none is named), from when it is ready until the block ends.

        Args:
            output: What it prints is appended to this file.

        Raises:
            ServerError: It did not become ready, or did not stop.
        """
        started = PinnedServer(
            self.serve_command, cores=cores, port=self.port, output=output, environment=self.environment
        )
        with started as server:
            yield server.wait_until_ready(READY_PATH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """
    The application whose tokens are asked for, and the request that asks.
    """

    application_id: str
    post: Post


def find_executable() -> str:
    """
    Find `watchword` beside this Python, else on the PATH.

    Raises:
        SetupError: It is in neither place.
    """
    beside = Path(sys.executable).with_name("watchword")
    found = str(beside) if beside.exists() else shutil.which("watchword")
    if not found:
        raise SetupError(f"there is no `watchword` at {beside} nor on the PATH: run `make setup`")
    return found


def clean_environment() -> dict[str, str]:
    """
    Give this process's environment without `WATCHWORD_*`: settings are measured as they come.

    Two of Python's switches go too: a shell that forbids bytecode makes every cold start a compilation.
    """
    left_out = ("WATCHWORD_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def environment_on(database_url: str | None) -> dict[str, str]:
    """
    Give the environment in which `watchword` uses this database; `None` is SQLite.
    """
    named = {} if database_url is None else {"WATCHWORD_DATABASE_URL": database_url}
    return clean_environment() | named


def version_of(executable: str) -> str:
    """
    Ask which version is measured.
    """
    return run_command([executable, "version"], clean_environment()).strip()


def initialise(executable: str, home: Path, database_url: str | None = None) -> Installation:
    """
    Make an installation in `home`, which must be absent or empty.

    Raises:
        SetupError: `init` failed.
    """
    port = free_port()
    command = [executable, "init", "--home", str(home), "--endpoint", f"http://{HOST}:{port}", "--json"]
    made = json.loads(run_command(command, environment_on(database_url)))
    return Installation(
        executable=executable,
        home=home,
        port=port,
        management_resource=made["management_resource"],
        application_id=made["application_id"],
        application_secret=made["application_secret"],
        database_url=database_url,
    )


def prepare(installation: Installation) -> Measured:
    """
    Create API resource, permissions, role and application on the running server.

    Raises:
        SetupError: The Management API refused something.
    """
    with management(installation) as api:
        resource = _call(api, "POST", "/api/resources", {"name": "Online Shopping", "indicator": RESOURCE})
        scopes = f"/api/resources/{resource['id']}/scopes"
        scope_ids = [_call(api, "POST", scopes, {"name": name})["id"] for name in PERMISSIONS]
        role = {
            "name": "Shop service",
            "description": "Reads and writes products.",
            "type": "MachineToMachine",
        }
        role_id = _call(api, "POST", "/api/roles", {**role, "scopeIds": scope_ids})["id"]
        application = {"name": "Benchmark", "type": "MachineToMachine"}
        application_id: str = _call(api, "POST", "/api/applications", application)["id"]
        _call(api, "POST", f"/api/applications/{application_id}/roles", {"roleIds": [role_id]})
        secrets = _call(api, "GET", f"/api/applications/{application_id}/secrets")
    post = token_post(application_id, secrets[0]["value"], resource=RESOURCE, scope=" ".join(PERMISSIONS))
    return Measured(application_id=application_id, post=post)


def token_post(client_id: str, client_secret: str, *, resource: str, scope: str) -> Post:
    """
    Write a client credentials request with HTTP Basic. Implements: RFC 6749 §4.4.2 and §2.3.1, RFC 8707 §2.
    """
    pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}".encode()
    return Post(
        path="/oidc/token",
        headers={
            "Authorization": f"Basic {b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=urlencode({"grant_type": "client_credentials", "resource": resource, "scope": scope}),
    )


def check_answer(origin: str, post: Post, permissions: Iterable[str]) -> int:
    """
    Send the request twice: both answers must hold a token with all permissions, and not the same one.

    Returns:
        The length of the answer's body in bytes.

    Raises:
        SetupError: An answer is something else.
    """
    tokens, body_bytes = set(), 0
    with httpx.Client(base_url=origin, trust_env=False, timeout=_SECONDS) as client:
        for _ in range(2):
            answer = client.post(post.path, headers=dict(post.headers), content=post.body)
            body = answer.json() if answer.status_code == 200 else {}
            token, granted = body.get("access_token", ""), body.get("scope", "")
            if token.count(".") != 2 or set(granted.split()) != set(permissions):
                raise SetupError(f"{post.path} answered {answer.status_code} without the token that was asked for")
            tokens.add(token)
            body_bytes = len(answer.content)
    if len(tokens) != 2:
        raise SetupError(f"{post.path} gave the same token twice: that measures a cache")
    return body_bytes


def check_whole_answers(load: Load, body_bytes: int) -> None:
    """
    Hold the mean answer under load against the one that was looked at.

    Raises:
        SetupError: Answers under load were shorter, so they were not (all) tokens.
    """
    if load.bytes_per_answer < body_bytes - 1:
        raise SetupError(
            f"under load an answer had {load.bytes_per_answer:.0f} bytes, one with a token has {body_bytes}: "
            "not all of them were tokens"
        )


def count_audit_records(api: httpx.Client) -> int:
    """
    Ask the Management API how many records the audit log holds.
    """
    answer = api.get("/api/logs", params={"page": 1, "page_size": 1})
    if answer.status_code != 200:
        raise SetupError(f"GET /api/logs answered {answer.status_code}: {answer.text[:300]}")
    return int(answer.headers["Total-Number"])


def count_lines(path: Path) -> int:
    """
    Count the lines of a file that may be large.
    """
    with path.open("rb") as lines:
        return sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))


@contextmanager
def management(installation: Installation) -> Iterator[httpx.Client]:
    """
    Open a client that presents a Management API token.
    """
    post = token_post(
        installation.application_id,
        installation.application_secret,
        resource=installation.management_resource,
        scope="all",
    )
    with httpx.Client(base_url=installation.origin, trust_env=False, timeout=_SECONDS) as client:
        answer = client.post(post.path, headers=dict(post.headers), content=post.body)
        if answer.status_code != 200:
            raise SetupError(f"no Management API token: {answer.status_code} {answer.text[:300]}")
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


def _call(api: httpx.Client, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - any JSON value
    answer = api.request(method, path, json=body)
    if not answer.is_success:
        raise SetupError(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
    # Assignments answer 201 and no JSON.
    return answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else None


def run_command(command: list[str], environment: Mapping[str, str]) -> str:
    """
    Run a command; return what it prints.

    Raises:
        SetupError: It failed.
    """
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        # stdout may hold the first application's secret; what went wrong is on stderr.
        raise SetupError(f"`{' '.join(command)}` failed ({done.returncode}): {done.stderr.strip()[-1000:]}")
    return done.stdout
