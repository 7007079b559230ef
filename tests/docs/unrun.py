"""
Lines that a page shows and no test of it runs: installing from an index, and what other tests run. Each is checked.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from typing import Any

from tests.docs.pages import ROOT, PageError

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[(?P<extras>[a-z,]+)\])?\Z")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_OF_DEBIAN = {"chromium", "curl", "git", "make", "nginx", "python3", "python3-venv"}


def check_line(line: str) -> None:
    """
    Check that a line would work.

    Raises:
        PageError: It would not, or it is of a kind that has to be run.
    """
    match shlex.split(line, comments=True):
        case [] | ["cd", "watchword"] | ["python3", "-m", "venv", ".venv"] | [".", ".venv/bin/activate"]:
            pass
        case ["sudo", "python3", "-m", "venv", "/opt/watchword"]:
            pass
        case ["pip", "install", *requirements] | ["sudo", "/opt/watchword/bin/pip", "install", *requirements]:
            for requirement in [one for one in requirements if one != "--upgrade"]:
                _check_requirement(requirement)
        case ["npm", "install", *packages]:
            _check_subset(packages, set(_packages_of_npm()), "tests/js/package.json")
        case ["make", target, *_]:
            _check_subset([target], set(re.findall(r"^([a-z-]+):", _read("Makefile"), re.MULTILINE)), "the Makefile")
        case ["git", "clone", url]:
            urls = _project()["urls"].values()
            if not any(known.startswith(f"{url}/") for known in urls):
                raise PageError(f"pyproject.toml knows no repository {url}")
        case ["sudo", "apt-get", "install", *packages]:
            _check_subset(packages, _OF_DEBIAN, "what is known of Debian")
        case _:
            raise PageError(f"this line has to be run: {line}")


def _check_requirement(requirement: str) -> None:
    match = _REQUIREMENT.match(requirement)
    if match is None:
        raise PageError(f"no requirement: {requirement}")
    project = _project()
    if match["name"] != project["name"]:
        wanted = [*project["dependencies"], *project["optional-dependencies"]["server"]]
        known = {found[0] for text in wanted if (found := _NAME.match(text))}
        _check_subset([match["name"]], known, "pyproject.toml")
    elif match["extras"]:
        _check_subset(match["extras"].split(","), set(project["optional-dependencies"]), "pyproject.toml")


def _check_subset(names: list[str], known: set[str], where: str) -> None:
    if unknown := set(names) - known:
        raise PageError(f"{where} has no {', '.join(sorted(unknown))}")


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads(_read("pyproject.toml"))["project"]
    return project


def _packages_of_npm() -> dict[str, str]:
    table = json.loads(_read("tests/js/package.json"))
    return {**table.get("dependencies", {}), **table.get("devDependencies", {})}
