"""
`watchword init`: make a home.

One `init` at a time works on a folder; what one leaves unfinished, the next one finishes.
"""

import fcntl
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watchword.cli.failures import Failure
from watchword.cli.options import AsJson, Home

if TYPE_CHECKING:
    from watchword.server.operations.installation import FirstApplication
    from watchword.server.settings import Resolved, Settings

_COMMENT = "# Settings of this home: `watchword settings` shows all of them and where each comes from.\n"


def init(
    *,
    home: Home = None,
    endpoint: Annotated[
        str | None, typer.Option(help="Public base URL of the server. Default: http://127.0.0.1:3001.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Make a home: database, master key, tenant, and a first application that may run everything.

    Where there is one already, nothing is changed.
    """
    settings, first = make_home(home, endpoint)
    if as_json:
        typer.echo(json.dumps(_members(settings, first)))
    else:
        _tell(settings, first)


def make_home_once(home: Path, endpoint: str) -> None:
    """
    Make a home where there is none, and say so.

    Raises:
        Failure: It can't be made.
    """
    from watchword.server.bootstrap import is_initialised
    from watchword.server.settings import resolve

    if not is_initialised(resolve({"home": home, "endpoint": endpoint}).settings):
        _tell(*make_home(home, endpoint))


def make_home(home: Path | None, endpoint: str | None) -> "tuple[Settings, FirstApplication]":
    """
    Make what a home lacks; what is there stays as it is.

    Raises:
        Failure: Another endpoint is in force, or the folder can't be used.
        SettingsError: The settings can't be used.
        MasterKeyError: A master key is wanted and missing, or it is another installation's.
    """
    from watchword.server import bootstrap
    from watchword.server.settings import resolve
    from watchword.server.storage import administration

    wanted = resolve({"home": home, "endpoint": endpoint}).settings
    administration.make_home(wanted.home)
    with _alone_in(wanted.home):
        _check_endpoint(resolve({"home": home}), wanted)
        _write_file(wanted)
        return wanted, bootstrap.initialise(wanted)


@contextmanager
def _alone_in(home: Path) -> Iterator[None]:
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_endpoint(standing: "Resolved", wanted: "Settings") -> None:
    """
    Refuse an endpoint that differs from the one in force.

    That is the one of the environment or the settings file; once a tenant is there, the default counts as well.
    """
    from watchword.server.bootstrap import is_initialised

    in_force, file = standing.settings.public_endpoint, standing.settings.file
    if wanted.public_endpoint == in_force:
        return
    origin = standing.origins.get("endpoint")
    if origin is None and not (file.exists() and is_initialised(standing.settings)):
        return
    if origin is None or origin == str(file):
        raise Failure(f"the endpoint in force is {in_force}: to change it, edit `endpoint` in {file}")
    raise Failure(f"the endpoint in force is {in_force}, from {origin}: change it there, or unset it")


def _write_file(settings: "Settings") -> None:
    """
    See to it that the settings file names the endpoint. What else it says stays; it is whole at any moment.
    """
    path = settings.file
    before = path.read_text(encoding="utf-8") if path.exists() else _COMMENT
    if "endpoint" in tomllib.loads(before):
        return
    line = f"endpoint = {json.dumps(settings.public_endpoint)}\n"
    # A key that follows a table would belong to it, so this one goes before all others, behind the comment.
    text = before + line if before == _COMMENT else line + before
    descriptor, fresh = tempfile.mkstemp(dir=settings.home, prefix=".watchword-", suffix=".toml")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise


def _members(settings: "Settings", first: "FirstApplication") -> dict[str, str | None]:
    from watchword.server.domain.names import DEFAULT_TENANT, management_indicator

    return {
        "endpoint": settings.public_endpoint,
        "issuer": settings.issuer,
        "tenant_id": DEFAULT_TENANT,
        "management_resource": management_indicator(DEFAULT_TENANT),
        "application_id": first.id,
        "application_secret": first.secret,
    }


def _tell(settings: "Settings", first: "FirstApplication") -> None:
    from watchword.cli.output import hand_over, say

    if first.secret is None:
        say(f"{settings.home} is initialised already; nothing was changed.")
        return
    say(f"Made {settings.home} for {settings.public_endpoint}.")
    hand_over(
        _members(settings, first),
        settings.home / "first-application.json",
        "the first application's credentials",
        otherwise=f"run `watchword apps secrets list {first.id} --reveal --home {settings.home}`",
    )
    _tell_of_console(settings)


def _tell_of_console(settings: "Settings") -> None:
    from watchword.cli.operators import first_invitation
    from watchword.cli.output import hand_over, say

    link = first_invitation(settings)
    if link is not None:
        say("This link lets the first operator into the console, within 15 minutes, once:")
        hand_over(
            {"console_link": link},
            settings.home / "first-operator.json",
            "it",
            otherwise=f"run `watchword operators invite --home {settings.home}`",
        )
