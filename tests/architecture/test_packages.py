"""
The shape of the source: what packages say of themselves, how long files are, and what the light install needs.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import watchword.client
import watchword.protect
import watchword.protocol
from scripts.reference.python_names import public_names, summary
from tests.architecture.pages import DOCS, prose_of
from tests.architecture.raised import ROOT, SOURCE, modules, tree_of

LONGEST_FILE = 350
# Of a requirement's name, the module that it brings, where the two differ.
MODULE_OF = {"argon2-cffi": "argon2", "google-re2": "re2"}
BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is not part of the light install")

BLOCKED = {blocked!r}
sys.meta_path.insert(0, Blocker())
import watchword.client, watchword.protect
watchword.client.TokenSource(endpoint="https://id.example.com", client_id="a", client_secret="b")
watchword.protect.Verifier(issuer="https://id.example.com/oidc", audience="https://shopping.api")
print("works", *sorted(name for name in sys.modules if name.startswith("watchword.server")))
"""


def packages() -> list[Path]:
    """
    Return every package's `__init__.py`.
    """
    return [path for path in modules(".") if path.name == "__init__.py"]


@pytest.mark.parametrize("path", packages(), ids=lambda path: str(path.parent.relative_to(SOURCE.parent)))
def test_package_says_what_it_owns(path: Path) -> None:
    """
    The docstring at a package's door says what is behind it.
    """
    told = ast.get_docstring(tree_of(path)) or ""
    assert len(told.split()) >= 4
    assert told.partition("\n")[0].endswith((".", ":"))


@pytest.mark.parametrize("room", ["client", "protect", "protocol", "server/domain", "server/storage", "server/tokens",
                                  "server/web", "cli/quickstart"])  # fmt: skip
def test_room_says_what_it_leaves_to_others(room: str) -> None:
    """
    The rooms that others build on say both: what they own, and what they don't.
    """
    told = ast.get_docstring(tree_of(SOURCE / room / "__init__.py")) or ""
    assert re.search(r"\bOwns\b", told)
    assert re.search(r"Leaves to others|nothing of what it means", told)


@pytest.mark.parametrize("path", modules("."), ids=lambda path: str(path.relative_to(SOURCE.parent)))
def test_file_is_short(path: Path) -> None:
    """
    A file holds one idea, and an idea has an end.
    """
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_no_file_is_a_drawer() -> None:
    """
    No module is called after everything that fits nowhere else.
    """
    drawers = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}
    assert [path for path in modules(".") if {path.stem, path.parent.name} & drawers] == []


def requirements_of_the_server() -> set[str]:
    """
    Return the modules that only `watchword[server]` brings, by their names of import.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [re.match(r"[A-Za-z0-9._-]+", text) for text in project["optional-dependencies"]["server"]]
    names = {match[0].lower() for match in named if match}
    return {MODULE_OF.get(name, name.replace("-", "_")) for name in names}


def test_light_packages_work_without_the_servers_libraries() -> None:
    """
    `watchword.client` and `watchword.protect` can be imported and used where none of them is installed.
    """
    blocked = requirements_of_the_server()
    assert {"sqlalchemy", "starlette", "pydantic", "typer", "fastapi", "msgspec"} <= blocked
    program = BLOCKER.replace("{blocked!r}", repr(blocked))
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("works\n", "")


@pytest.mark.parametrize("package", [watchword.client, watchword.protect], ids=lambda package: package.__name__)
def test_exported_names_are_documented(package: object) -> None:
    """
    Each name has a docstring and a heading on the reference page.
    """
    text = prose_of(DOCS / "reference" / "python.md")
    for name in getattr(package, "__all__", []):
        assert summary(getattr(package, name))
        assert f"### {name}\n" in text


def test_public_names_of_the_protocol_are_documented() -> None:
    """
    Every public function and class of `watchword.protocol` has a docstring and a row on the reference page.
    """
    text = prose_of(DOCS / "reference" / "python.md")
    for found in pkgutil.iter_modules(watchword.protocol.__path__):
        module = importlib.import_module(f"watchword.protocol.{found.name}")
        assert f"### {module.__name__}\n" in text
        for name in public_names(module):
            assert summary(getattr(module, name)), name
            assert f"| `{name}` |" in text
