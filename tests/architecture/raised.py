"""
What the source can answer with: the codes and texts of all errors, read from its syntax trees.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "watchword"
# How a text is told whose parts are known only when it is raised.
GAP = "…"
_CODE = re.compile(r"[a-z]+(?:\.[a-z_]+)+\Z")


@cache
def tree_of(path: Path) -> ast.Module:
    """
    Parse a file, once.
    """
    return ast.parse(path.read_text(encoding="utf-8"))


def modules(folder: str) -> list[Path]:
    """
    Return the Python files below a folder of the package.
    """
    return sorted((SOURCE / folder).rglob("*.py"))


def nodes(folder: str) -> Iterator[ast.AST]:
    """
    Walk all files below a folder of the package.
    """
    for path in modules(folder):
        yield from ast.walk(tree_of(path))


def calls(folder: str, names: set[str]) -> Iterator[ast.Call]:
    """
    Find the calls of functions and classes with these names, and of `super().__init__` inside classes with one.
    """
    for node in nodes(folder):
        if isinstance(node, ast.Call) and _name_of(node.func) in names:
            yield node
        if isinstance(node, ast.ClassDef) and ({_name_of(base) for base in node.bases} | {node.name}) & names:
            yield from (call for call in ast.walk(node) if isinstance(call, ast.Call) and _is_super(call.func))


def text_of(node: ast.expr | None) -> str | None:
    """
    Return what a text in the source says, with gaps where it is put together; None where it is no text.
    """
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or GAP for part in node.values)
    return None


def argument(call: ast.Call, name: str, position: int | None = None) -> ast.expr | None:
    """
    Return an argument of a call, by its name or its position.
    """
    if position is not None and len(call.args) > position:
        return call.args[position]
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def problem_statuses() -> dict[str, set[int]]:
    """
    Return every code that the Management API can answer with, and the statuses that the source gives it.
    """
    found: dict[str, set[int]] = {}
    for call in calls("server", {"Problem"}):
        code, status = text_of(argument(call, "code", 0)), argument(call, "status")
        if code is not None:
            statuses = found.setdefault(code, set())
            if isinstance(status, ast.Constant) and isinstance(status.value, int):
                statuses.add(status.value)
    families = {code.partition(".")[0] for code in found if "." in code}
    for node in nodes("server"):  # codes that reach a Problem, or an answer, by way of a table
        text = node.value if isinstance(node, ast.Constant) else None
        if (
            isinstance(text, str)
            and _CODE.match(text)
            and not _FILE.match(text)
            and text not in _NO_CODES
            and text.partition(".")[0] in families
        ):
            found.setdefault(text, set())
    return found


def descriptions(classes: set[str], folders: Sequence[str]) -> set[str]:
    """
    Return the public texts that errors of these classes are raised with, in these folders of the package.
    """
    found = {text_of(argument(call, "description", 0)) for folder in folders for call in calls(folder, classes)}
    return {text for text in found if text is not None}


# ASGI's own words, which look like codes.
_NO_CODES = frozenset({"http.request"})
_FILE = re.compile(r".*\.(css|html|js)\Z")


def _name_of(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return name
    return ""


def _is_super(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "__init__"
        and isinstance(node.value, ast.Call)
        and _name_of(node.value.func) == "super"
    )
