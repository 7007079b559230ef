"""
Where values come from, and that nothing is set which nobody reads.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec
from pydantic import ValidationError

from watchword.server.settings.table import FILE_NAME, Settings, SettingsError, default_home

PREFIX = "WATCHWORD_"
# The command line's own, read by the command line.
COMMAND_LINE = frozenset({"WATCHWORD_CLI_ENDPOINT", "WATCHWORD_CLI_CLIENT_ID", "WATCHWORD_CLI_CLIENT_SECRET"})
_NOT_IN_FILE = frozenset({"home"})


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """
    Settings, and where each value came from.
    """

    settings: Settings
    origins: Mapping[str, str] = msgspec.field(default_factory=dict)


def resolve(flags: Mapping[str, object], environment: Mapping[str, str] | None = None) -> Resolved:
    """
    Find every setting's value and where it comes from.

    Args:
        flags: Settings given on the command line; None counts as not given.
        environment: Defaults to the process's own.

    Raises:
        SettingsError: An unknown name, an unreadable file, or a value that can't be used.
    """
    variables = os.environ if environment is None else environment
    values, origins = _from_environment(variables)
    given = {name: value for name, value in flags.items() if value is not None}
    home = Path(str(given.get("home") or values.get("home") or default_home())).expanduser().absolute()
    from_file = _from_file(home / FILE_NAME)
    merged = {**from_file, **values, **given, "home": home}
    origin = {
        **dict.fromkeys(from_file, str(home / FILE_NAME)),
        **origins,
        **dict.fromkeys(given, "command line"),
    }
    return Resolved(settings=_validate(merged, origin), origins=origin)


def check_names(variables: Mapping[str, str]) -> None:
    """
    Refuse an environment with a `WATCHWORD_*` variable that nothing reads.

    Raises:
        SettingsError: There is one; the nearest name that is read is named.
    """
    known = {PREFIX + name.upper() for name in Settings.model_fields} | COMMAND_LINE
    bare = [name.removeprefix(PREFIX) for name in sorted(known)]
    for variable in sorted(name for name in variables if name.startswith(PREFIX)):
        if variable not in known and variable.removesuffix("_FILE") not in known:
            near = _nearest(variable.removeprefix(PREFIX).removesuffix("_FILE"), bare, PREFIX)
            raise SettingsError(f"{variable}: there is no such setting{near}")


def _from_environment(variables: Mapping[str, str]) -> tuple[dict[str, object], dict[str, str]]:
    check_names(variables)
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    known = {PREFIX + name.upper(): name for name in Settings.model_fields}
    for variable in sorted(name for name in variables if name.startswith(PREFIX)):
        bare = variable.removesuffix("_FILE") if variable not in known else variable
        if bare not in known:  # the command line's own
            continue
        if bare != variable and bare in variables:
            raise SettingsError(f"{variable} and {bare} are both set: keep one")
        name = known[bare]
        values[name] = variables[variable] if bare == variable else _read(variable, Path(variables[variable]))
        origins[name] = variable
    return values, origins


def _read(variable: str, path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{variable}: {path} can't be read: {error}") from None


def _from_file(path: Path) -> dict[str, object]:
    try:
        values = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}") from None
    known = [name for name in Settings.model_fields if name not in _NOT_IN_FILE]
    for name in values:
        if name not in known:
            raise SettingsError(f"{path}: {name}: there is no such setting{_nearest(name, known)}")
    return values


def _nearest(name: str, known: list[str], prefix: str = "") -> str:
    match = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {prefix}{match[0]}?" if match else ""


def _validate(values: Mapping[str, object], origins: Mapping[str, str]) -> Settings:
    try:
        return Settings.model_validate(dict(values))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        message = problem["msg"].removeprefix("Value error, ")
        name = str(problem["loc"][0]) if problem["loc"] else message.partition(":")[0]
        text = message if message.startswith(name) else f"{name}: {message}"
        raise SettingsError(f"{text} (from {origins.get(name, 'the default')})") from None
