"""
What is in force and where it comes from, to be shown: secrets are hidden.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import SecretStr

from watchword.server.settings.table import Settings

_HIDDEN = "(hidden)"


class Effective(NamedTuple):
    """
    A setting in force.

    Attributes:
        value: As JSON has it.
        origin: The command line, a variable's name, a file's path, or the default.
        meaning: What it does, for people.
    """

    name: str
    value: object
    origin: str
    meaning: str

    @property
    def text(self) -> str:
        """
        The value as people write it.
        """
        match self.value:
            case None:
                return ""
            case bool():
                return "true" if self.value else "false"
            case list():
                return ", ".join(map(str, self.value))
        return str(self.value)


def effective(settings: Settings, origins: Mapping[str, str]) -> Sequence[Effective]:
    """
    List all settings.

    Args:
        origins: Where values came from, by name; what is not among them is the default.
    """
    shown = settings.model_dump(mode="json")
    shown["endpoint"] = settings.public_endpoint
    shown["master_key_file"] = None if settings.master_key else str(settings.key_file)
    return [
        Effective(
            name=name,
            value=_HIDDEN if isinstance(getattr(settings, name), SecretStr) else shown[name],
            origin=origins.get(name, "default"),
            meaning=field.description or "",
        )
        for name, field in type(settings).model_fields.items()
    ]


def paths(settings: Settings) -> Mapping[str, str]:
    """
    Name every file of a home.
    """
    files = {
        "home": settings.home,
        "settings_file": settings.file,
        "database": settings.database,
        "token_log": settings.token_database,
        "master_key": settings.key_file,
    }
    if settings.master_key is not None:
        del files["master_key"]
    if settings.database_url is not None:
        del files["database"], files["token_log"]
    return {name: str(path) for name, path in files.items()}
