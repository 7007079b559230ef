"""
Which server a command speaks to: one over the network, with an application's credentials, or the home on this machine.

    1. --home                                             the home, in process
    2. --endpoint, --client-id, --client-secret           over the network; each also from the environment, as
       WATCHWORD_CLI_ENDPOINT, WATCHWORD_CLI_CLIENT_ID,   itself or in a file that WATCHWORD_CLI_…_FILE names
       WATCHWORD_CLI_CLIENT_SECRET
    3. WATCHWORD_HOME, or the platform's data folder      where there is an installation
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from watchword.cli.failures import MISUSED, Failure
from watchword.cli.values import read_input
from watchword.protocol.credentials import ClientSecret

PREFIX = "WATCHWORD_CLI_"
_NAMES = ("endpoint", "client_id", "client_secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """
    What the command line says about the server; None where it says nothing.

    Attributes:
        client_secret: `-` stands for standard input.
    """

    home: Path | None = None
    endpoint: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    allow_http_endpoint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """
    A server over the network, and the credentials of an application.
    """

    endpoint: str
    client_id: str
    client_secret: ClientSecret
    allow_http_endpoint: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """
    A home on this machine; None is the one that the settings name.
    """

    home: Path | None


def choose_target(connection: Connection, environment: Mapping[str, str]) -> Remote | Local:
    """
    Find out which server is meant.

    Raises:
        Failure: Two are named, or half of one.
    """
    given = [name for name in _NAMES if getattr(connection, name) is not None]
    if connection.home is not None:
        if given:
            raise Failure(f"--home and --{_option(given[0])} name two servers: give one of them", code=MISUSED)
        return Local(home=connection.home)
    from_environment = [name for name in _NAMES if _is_set(name, environment)]
    if given or from_environment:
        return find_remote(connection, environment, otherwise=", or --home")
    return Local(home=None)


def find_remote(connection: Connection, environment: Mapping[str, str], *, otherwise: str = "") -> Remote:
    """
    Put together the address and the credentials of a server.

    Args:
        otherwise: What a failure offers instead, where the command has it.

    Raises:
        Failure: A part is missing.
    """
    found = {name: getattr(connection, name) or from_environment(name, environment) for name in _NAMES}
    missing = [name for name in _NAMES if not found[name]]
    if missing:
        options = " and ".join(f"--{_option(name)} (or {PREFIX}{name.upper()})" for name in missing)
        raise Failure(f"to speak to a server, give {options} as well{otherwise}", code=MISUSED)
    secret = str(found["client_secret"])
    return Remote(
        endpoint=str(found["endpoint"]).rstrip("/"),
        client_id=str(found["client_id"]),
        client_secret=ClientSecret(read_input(secret, "client secret")),
        allow_http_endpoint=connection.allow_http_endpoint,
    )


def from_environment(name: str, environment: Mapping[str, str]) -> str | None:
    """
    Read one of the command line's own variables, or the file that its `_FILE` form names.

    Raises:
        Failure: Both forms are set, or the file can't be read.
    """
    variable = PREFIX + name.upper()
    path = environment.get(f"{variable}_FILE")
    if not path:
        return environment.get(variable) or None
    if environment.get(variable):
        raise Failure(f"{variable} and {variable}_FILE are both set: keep one", code=MISUSED)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise Failure(f"{variable}_FILE: {path} can't be read: {reason}", code=MISUSED) from None


def _is_set(name: str, environment: Mapping[str, str]) -> bool:
    variable = PREFIX + name.upper()
    return bool(environment.get(variable) or environment.get(f"{variable}_FILE"))


def _option(name: str) -> str:
    return name.replace("_", "-")
