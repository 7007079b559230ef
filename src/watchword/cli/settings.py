"""
`watchword settings`: what is in force, and where it comes from.
"""

from typing import TYPE_CHECKING

from watchword.cli.options import AsJson, Home
from watchword.cli.output import emit, emit_json, show_members, show_table

if TYPE_CHECKING:
    from watchword.server.settings import Resolved, Settings

_HIDDEN = "(hidden)"


def settings(*, home: Home = None, as_json: AsJson = False) -> None:
    """
    Show the settings in force, where each came from, and every path. Secrets are hidden.
    """
    from watchword.server.settings import resolve

    resolved = resolve({"home": home})
    if as_json:
        emit_json(
            {
                "settings": {name: {"value": value, "from": origin} for name, value, origin in effective(resolved)},
                "issuer": resolved.settings.issuer,
                "paths": paths(resolved.settings),
            }
        )
        return
    show_table(
        ["SETTING", "VALUE", "FROM"],
        [[name, _text(value), origin] for name, value, origin in effective(resolved)],
    )
    emit("")
    show_members({"issuer": resolved.settings.issuer, **paths(resolved.settings)})


def effective(resolved: "Resolved") -> list[tuple[str, object, str]]:
    """
    List all settings: name, value as JSON has it, and where it came from.
    """
    from pydantic import SecretStr

    held = resolved.settings
    shown = held.model_dump(mode="json")
    shown["endpoint"] = held.public_endpoint
    shown["master_key_file"] = None if held.master_key else str(held.key_file)
    return [
        (
            name,
            _HIDDEN if isinstance(getattr(held, name), SecretStr) else shown[name],
            resolved.origins.get(name, "default"),
        )
        for name in type(held).model_fields
    ]


def paths(held: "Settings") -> dict[str, str]:
    """
    Name every file of a home.
    """
    files = {
        "home": held.home,
        "settings file": held.file,
        "database": held.database,
        "token log": held.token_database,
        "master key": held.key_file,
    }
    if held.master_key is not None:
        del files["master key"]
    if held.database_url is not None:
        del files["database"], files["token log"]
    return {name.replace(" ", "_"): str(path) for name, path in files.items()}


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(map(str, value))
    return str(value)
