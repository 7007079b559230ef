"""
`watchword init`: make a home.
"""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from watchword.cli.failures import Failure
from watchword.server.bootstrap import initialise, is_initialised, make_home
from watchword.server.domain.names import DEFAULT_TENANT, management_indicator
from watchword.server.operations.installation import FirstApplication
from watchword.server.settings import Resolved, Settings, resolve

Home = Annotated[
    Path | None, typer.Option(help="Folder with the database, the master key and watchword.toml.")
]


def init(
    *,
    home: Home = None,
    endpoint: Annotated[str | None, typer.Option(help="Public base URL of the server.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """
    Make a home: database, master key, tenant, and a first application that may run everything.

    Where there is one already, nothing is changed.
    """
    settings = prepare_home(home, endpoint)
    first = initialise(settings)
    if as_json:
        typer.echo(json.dumps(_members(settings, first)))
    else:
        _tell(settings, first)


def prepare_home(home: Path | None, endpoint: str | None) -> Settings:
    """
    Settle the endpoint in force, and write it down where no home says it yet.

    Raises:
        Failure: A home is there, and has another endpoint.
        SettingsError: The settings can't be used.
    """
    standing = resolve({"home": home})
    wanted = resolve({"home": home, "endpoint": endpoint}).settings
    in_force = standing.settings
    if wanted.public_endpoint != in_force.public_endpoint and (
        is_initialised(in_force) or "endpoint" in standing.origins
    ):
        if not is_initialised(in_force) and not in_force.file.exists():
            raise Failure(f"the endpoint in force is {in_force.public_endpoint} (from {_origin(standing)})")
        raise Failure(
            f"the endpoint in force is {in_force.public_endpoint}: to change it, edit {in_force.file}"
        )
    make_home(wanted.home)
    _write_file(wanted)
    return wanted


def _origin(resolved: Resolved) -> str:
    return resolved.origins.get("endpoint", "the default")


def _write_file(settings: Settings) -> None:
    if settings.file.exists():
        return
    fresh = settings.file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(
            "# Settings of this home: `watchword settings` shows all of them and where each comes from.\n"
            f"endpoint = {json.dumps(settings.public_endpoint)}\n"
        )
    fresh.replace(settings.file)


def _members(settings: Settings, first: FirstApplication) -> dict[str, str | None]:
    return {
        "endpoint": settings.public_endpoint,
        "issuer": settings.issuer,
        "tenant_id": DEFAULT_TENANT,
        "management_resource": management_indicator(DEFAULT_TENANT),
        "application_id": first.id,
        "application_secret": first.secret,
    }


def _tell(settings: Settings, first: FirstApplication) -> None:
    if first.secret is None:
        typer.echo(f"{settings.home} is initialised already; nothing was changed.", err=True)
        return
    typer.echo(f"Made {settings.home} for {settings.public_endpoint}.", err=True)
    members = _members(settings, first)
    if sys.stdout.isatty():
        for name, value in members.items():
            typer.echo(f"  {name:20} {value}")
        return
    path = settings.home / "first-application.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(members, indent=2) + "\n")
    typer.echo(f"The first application's credentials are in {path}.", err=True)
