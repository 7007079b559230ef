"""
The lock files: complete, hashed, and free of hosts and folders of the machine that wrote them.
"""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PINNED = re.compile(
    r"^(?P<name>[a-z0-9-]+)==\S+(?: ; [^\\]+)? \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}.*\n)+)",
    re.MULTILINE,
)
NAME = re.compile(r"^[A-Za-z0-9._-]+")


def canonical(requirement: str) -> str:
    """The name in a requirement, spelt as lock files spell it."""
    name = NAME.match(requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def locked(name: str) -> dict[str, str]:
    """The packages of a lock file, each with its hashes."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return {match["name"]: match["hashes"] for match in PINNED.finditer(text)}


def asked_for(name: str) -> set[str]:
    """The packages that pyproject.toml asks for, which the lock file must hold."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, build = table["project"], table["build-system"]
    wanted = [*build["requires"], *project["dependencies"], *project["optional-dependencies"]["server"]]
    wanted += table["dependency-groups"].get(name, [])
    return {canonical(requirement) for requirement in wanted}


@pytest.mark.parametrize("name", ["setup", "server", "dev", "bench"])
def test_every_line_of_a_requirement_file_is_pinned_and_hashed(name: str) -> None:
    """Nothing stands in a requirement file but comments and pinned, hashed packages."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    rest = re.sub(r"^ *#.*\n", "", PINNED.sub("", text), flags=re.MULTILINE)
    assert locked(name)
    assert rest == ""


@pytest.mark.parametrize("name", ["server", "dev", "bench"])
def test_what_pyproject_asks_for_is_locked(name: str) -> None:
    """A requirement that was added to pyproject.toml is locked too: `make lock`."""
    assert asked_for(name) - locked(name).keys() == set()


def test_the_server_runs_on_what_the_tests_ran_on() -> None:
    """Both sets hold the same version of a package, file for file."""
    assert locked("server").items() <= locked("dev").items()


def test_what_benchmarks_need_fits_beside_what_tests_need() -> None:
    """Installed on top, it changes no version that the checks have."""
    bench, dev = locked("bench"), locked("dev")
    assert locked("server").items() <= bench.items()
    assert {name: bench[name] for name in bench.keys() & dev.keys()}.items() <= dev.items()


@pytest.mark.parametrize("path", [f"requirements/{name}.txt" for name in ("setup", "server", "dev", "bench")])
def test_requirement_files_name_no_place(path: str) -> None:
    """No index, no link and no folder of the machine that wrote them."""
    text = (ROOT / path).read_text(encoding="utf-8")
    assert re.findall(r"\w+://\S*|^ *--(?!hash)\S+|(?<![\w.])/\w+\S*", text, flags=re.MULTILINE) == []


def test_npm_packages_are_hashed_and_come_from_no_named_host() -> None:
    """Each npm package has its hash, and none the address that it was once fetched from."""
    table = json.loads((ROOT / "tests" / "js" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in table["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []
