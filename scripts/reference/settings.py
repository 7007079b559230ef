"""
The table of all settings.
"""

import re
from collections.abc import Mapping
from typing import Any

from scripts.reference.markdown import code, either
from scripts.reference.markdown import table as markdown_table
from watchword.server.settings import PREFIX, Settings

Schema = Mapping[str, Any]
_DEFAULT_IN_WORDS = re.compile(r"\s*Default: (.+)\.\Z")
_HOME = "the platform's data folder, such as `~/.local/share/watchword`"
_PLAIN = {
    "boolean": "`true` or `false`",
    "array": "addresses or networks",
    "path": "path",
    "password": "text, secret",
    "string": "text",
}


def table() -> str:
    """
    Write a row for each setting, in the order of the code.
    """
    written = Settings.model_json_schema()
    rows = []
    for name, schema in written["properties"].items():
        description, default = _default_of(name, schema)
        rows.append([code(name), code(PREFIX + name.upper()), _values(schema, written["$defs"]), default, description])
    return markdown_table(["setting", "in the environment", "values", "default", "what it does"], rows)


def _default_of(name: str, schema: Schema) -> tuple[str, str]:
    """
    Return what a setting does and its default: the code's own, or the one that its description tells.
    """
    description = str(schema["description"])
    told = _DEFAULT_IN_WORDS.search(description)
    if told is not None:
        return description[: told.start()], told[1]
    if name == "home":
        return description, _HOME
    default = schema["default"]
    if default is None or default == []:
        return description, "none"
    return description, code(str(default).lower() if isinstance(default, bool) else default)


def _values(schema: Schema, named: Mapping[str, Schema]) -> str:
    if "$ref" in schema:
        return _values(named[schema["$ref"].rpartition("/")[2]], named)
    if "anyOf" in schema:
        return either([_values(option, named) for option in schema["anyOf"] if option.get("type") != "null"])
    if "enum" in schema:
        return either([code(word) for word in schema["enum"]])
    if "const" in schema:
        return code(schema["const"])
    if schema["type"] == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    return _PLAIN[schema.get("format", schema["type"])]
